"""Connection: one tenant, chosen by a variable."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard, Variable
from grafana.build.overview import AGE, FRESH, OPEN_PARKED
from grafana.build.panel import GREEN, NEUTRAL, RED, YELLOW, Query
from grafana.build.panels import heat, lines, stat, value
from grafana.build.queries import FAIR, FRESHNESS, PER_SECOND, fresh_share, heat_of, quantile, rate

OF = 'connection=~"$connection"'
SHOWN = ("lastNotNull", "max")

NOW = Band(
    4,
    (
        stat(
            "In GHL within 60 s",
            "The share of this connection's live changes; the objective is 99 %.",
            fresh_share(OF),
            unit="percentunit",
            width=4,
            see="LoftyGhlFreshnessBurnsFast",
            steps=FRESH,
            high=1,
            decimals=1,
        ),
        stat(
            "Oldest undelivered",
            "The age of its oldest accepted change that is not yet in GHL.",
            f"max(lofty_ghl_oldest_undelivered_seconds{{{OF}}})",
            unit="s",
            width=4,
            see="LoftyGhlChangesStuck",
            steps=AGE,
        ),
        stat(
            "Undelivered entities",
            "They wait to be read, written, or written back to Lofty.",
            f"sum(lofty_ghl_undelivered{{{OF}}})",
            unit="short",
            width=4,
            see="LoftyGhlChangesStuck",
            steps=NEUTRAL,
        ),
        stat(
            "Parked entities",
            "They wait for a person, or for their next change in Lofty.",
            f"sum(lofty_ghl_parked_open{{{OF}}}) or vector(0)",
            unit="short",
            width=4,
            see="LoftyGhlParkedGrows",
            steps=((None, GREEN), (1, YELLOW)),
            more_links=(OPEN_PARKED,),
        ),
        stat(
            "Linked in GHL",
            "Contacts, notes and tasks with a link.",
            f"sum(lofty_ghl_links{{{OF}}})",
            unit="short",
            width=4,
            see="First look",
            steps=NEUTRAL,
        ),
        stat(
            "State",
            "On hold: it waits for access, custom fields or users before anything is written.",
            f"max(lofty_ghl_on_hold{{{OF}}})",
            unit="none",
            width=4,
            see="LoftyGhlConnectionOnHold",
            steps=((None, GREEN), (1, RED)),
            mappings=(value("active", GREEN, value="0"), value("on hold", RED, value="1")),
            spark=False,
        ),
    ),
)

FRESHNESS_BAND = Band(
    8,
    (
        lines(
            "Time to reach GHL",
            "Time from our acceptance to GHL's 2xx. Changes that waited for quota or access are not counted.",
            *(
                Query(quantile(q, FRESHNESS, *FAIR, OF), name)
                for q, name in (
                    (0.5, "p50"),
                    (0.95, "p95"),
                    (0.99, "p99"),
                )
            ),
            joined=True,
            unit="s",
            width=12,
            see="LoftyGhlFreshnessBurns",
            steps=((None, GREEN), (60, RED)),
            show_steps=True,
        ),
        heat(
            "Time since Lofty's update, distribution",
            "Since Lofty's own update time: what its agents notice. A brighter cell means more changes.",
            heat_of(FRESHNESS, 'since="update"', OF),
            unit="s",
            width=12,
            see="LoftyGhlFreshnessBurnsSlowly",
        ),
    ),
)

WORK = Band(
    8,
    (
        lines(
            "Undelivered, by stage",
            "`fetch` waits to be read from Lofty, `deliver` to be written to GHL, `write back` to be written to Lofty.",
            Query(f"sum by (stage) (lofty_ghl_undelivered{{{OF}}})", "{{stage}}"),
            unit="short",
            width=8,
            see="LoftyGhlChangesStuck",
            stacked=True,
            decimals=0,
        ),
        lines(
            "Changes in, requests out",
            "Fewer requests than changes is normal: a burst is one request, and an unchanged entity needs none.",
            Query(rate("lofty_ghl_intake_items_total", OF), "changes and events accepted"),
            Query(rate("lofty_ghl_writes_total", OF, 'outcome="applied"'), "requests applied by GHL"),
            Query(rate("lofty_ghl_unchanged_total", OF), "unchanged, no request"),
            unit=PER_SECOND,
            width=8,
            see="First look",
        ),
        lines(
            "Parked, by stage",
            "Entities that wait for a person. Check the cause of each step upwards.",
            Query(f"sum by (stage) (lofty_ghl_parked_open{{{OF}}})", "{{stage}}"),
            unit="short",
            width=8,
            see="LoftyGhlParkedWaits",
            decimals=0,
        ),
    ),
)

REQUESTS = Band(
    9,
    (
        lines(
            "Its reads of Lofty",
            "Every outcome except `read` is retried or parked.",
            Query(rate("lofty_ghl_reads_total", OF, by="kind, outcome"), "{{kind}}: {{outcome}}"),
            unit=PER_SECOND,
            width=10,
            see="LoftyGhlVendorFails",
            legend="right",
            calcs=SHOWN,
        ),
        lines(
            "Its requests to GHL",
            "Every outcome except `applied` is retried, adopted or parked.",
            Query(rate("lofty_ghl_writes_total", OF, by="step, outcome"), "{{step}}: {{outcome}}"),
            unit=PER_SECOND,
            width=10,
            see="LoftyGhlVendorFails",
            legend="right",
            calcs=SHOWN,
        ),
        stat(
            "Edits settle",
            "How long nothing of a lead must have changed before its edits are read. 0 while requests are plentiful.",
            f"max(lofty_ghl_settle_seconds{{{OF}}}) or vector(0)",
            unit="s",
            width=4,
            see="Edits settle",
            steps=((None, GREEN),),
        ),
    ),
)

LEFT_OUT = Band(
    8,
    (
        lines(
            "Values that GHL does not hold",
            "Values of Lofty that were left out, by field and reason. `dropped`: GHL answered 200 and does not hold it.",
            Query(rate("lofty_ghl_left_out_total", OF, by="field, reason"), "{{field}}: {{reason}}"),
            unit=PER_SECOND,
            width=16,
            see="LoftyGhlValuesDropped",
            legend="right",
            calcs=SHOWN,
        ),
        stat(
            "Undecided conflicts",
            "An e-mail or phone that two people have, and nobody has said who is who: `lofty-ghl conflicts`.",
            f"sum(lofty_ghl_conflicts_open{{{OF}}}) or vector(0)",
            unit="short",
            width=4,
            see="Undecided conflicts",
            steps=((None, GREEN), (1, YELLOW)),
        ),
        stat(
            "Other deployments",
            "Other deployments that write to the same GHL location: new notes come twice.",
            f"max(lofty_ghl_other_deployments{{{OF}}}) or vector(0)",
            unit="short",
            width=2,
            see="LoftyGhlOtherDeployment",
            steps=((None, GREEN), (1, YELLOW)),
        ),
        stat(
            "Paused directions",
            "Directions in which a person has paused the connection (0 to 2): nothing is requested there, and what comes in waits.",
            f"sum(max by (direction) (lofty_ghl_connection_paused{{{OF}}})) or vector(0)",
            unit="short",
            width=2,
            see="Paused directions",
            steps=((None, GREEN), (1, YELLOW)),
        ),
    ),
    heading="What GHL does not hold",
)

SWEEPS = Band(
    7,
    (
        stat(
            "Time since the last sweeps",
            "`new` finds new leads, `full` compares all leads. Both find changes for which no webhook came.",
            f"time() - max by (kind) (lofty_ghl_sweep_last_success_timestamp_seconds{{{OF}}})",
            unit="s",
            width=4,
            see="LoftyGhlSweepOverdue",
            steps=NEUTRAL,
            legend="{{kind}}",
            spark=False,
        ),
        stat(
            "Oldest look at notes and tasks",
            "Time since the notes, tasks and appointments of a lead were last read, of the lead whose turn was the longest ago.",
            f"time() - max(lofty_ghl_sweep_oldest_look_timestamp_seconds{{{OF}}})",
            unit="s",
            width=4,
            see="LoftyGhlLooksOverdue",
            steps=NEUTRAL,
            spark=False,
        ),
        lines(
            "Running sweeps and backfills",
            "1 while it runs. A backfill comes after all live work.",
            Query(f"max by (kind) (lofty_ghl_sweep_running{{{OF}}})", "{{kind}}"),
            unit="none",
            width=5,
            see="LoftyGhlSweepFails",
            stepped=True,
            high=1,
            decimals=0,
        ),
        lines(
            "Leads seen by the sweep",
            "Compared with the number that Lofty reports.",
            Query(f"sum(lofty_ghl_sweep_leads_seen{{{OF}}})", "seen by this sweep, or the last one"),
            Query(f"sum(lofty_ghl_sweep_leads_known{{{OF}}})", "known to Lofty"),
            Query(f"sum(lofty_ghl_sweep_changes{{{OF}}})", "changed, and no webhook came"),
            unit="short",
            width=6,
            see="LoftyGhlSweepFails",
            decimals=0,
        ),
        lines(
            "Its writes to Lofty",
            "Tasks, notes and fields that flow back. By default nothing does.",
            Query(rate("lofty_ghl_lofty_writes_total", OF, by="step, outcome"), "{{step}}: {{outcome}}"),
            unit=PER_SECOND,
            width=5,
            see="LoftyGhlVendorFails",
        ),
    ),
    heading="Sweeps and Lofty sync",
)

CONNECTION = Dashboard(
    name="connection",
    title="Connection",
    question="For the operations person: how is this one agency, what waits, what was refused?",
    bands=(NOW, FRESHNESS_BAND, WORK, REQUESTS, LEFT_OUT, SWEEPS),
    variables=(
        Variable(
            "connection",
            "Connection",
            "query_result(max by (connection, title) (lofty_ghl_connection_info))",
            "One Lofty team with one GHL location.",
            has_all=False,
            regex=r'/connection="(?<value>[^"]+)".*title="(?<text>[^"]+)"/',
        ),
    ),
)
