"""Overview: is it healthy, how fresh is GHL, what waits?"""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard
from grafana.build.panel import GREEN, NEUTRAL, ORANGE, RED, YELLOW, Json, Look, Query
from grafana.build.panels import heat, lines, stat, table, value
from grafana.build.queries import FAIR, FRESHNESS, OURS, PER_SECOND, count, fresh_share, heat_of, quantile, rate

FRESH = ((None, RED), (0.95, ORANGE), (0.99, GREEN))
AGE = ((None, GREEN), (60, YELLOW), (600, RED))
QUOTA = ((None, RED), (0.05, ORANGE), (0.25, GREEN))
OPEN_PARKED: Json = {"title": "Parked work in the console", "url": "${console}/parked", "targetBlank": True}
OPEN_CONNECTIONS: Json = {"title": "Connections in the console", "url": "${console}/connections", "targetBlank": True}

IS_IT_HEALTHY = Band(
    4,
    (
        stat(
            "Firing alerts",
            "How many alerts fire now. Alertmanager shows their names, and so do the red marks on the graphs below.",
            'count(ALERTS{alertname=~"LoftyGhl.*",alertstate="firing"}) or vector(0)',
            unit="none",
            width=4,
            see="First look",
            steps=((None, GREEN), (1, RED)),
        ),
        stat(
            "Live changes in GHL within 60 s",
            "The objective is 99 %, from our acceptance of the webhook to GHL's 2xx. "
            "Changes that wait for the daily quota or for access are not counted.",
            fresh_share(),
            unit="percentunit",
            width=5,
            see="LoftyGhlFreshnessBurnsFast",
            steps=FRESH,
            high=1,
            decimals=1,
        ),
        stat(
            "Oldest undelivered change",
            "The age of the oldest accepted change that is not yet in GHL, of all connections and origins. Reads of a sweep may be retried for minutes.",
            "max(lofty_ghl_oldest_undelivered_seconds)",
            unit="s",
            width=5,
            see="LoftyGhlChangesStuck",
            steps=AGE,
        ),
        stat(
            "Undelivered",
            "Entities that wait to be read or written: contacts, notes, tasks and appointments.",
            "sum(lofty_ghl_undelivered)",
            unit="short",
            width=5,
            see="LoftyGhlChangesStuck",
            steps=NEUTRAL,
        ),
        stat(
            "Parked",
            "Entities that wait for a person, or for their next change in Lofty.",
            "sum(lofty_ghl_parked_open) or vector(0)",
            unit="short",
            width=5,
            see="LoftyGhlParkedGrows",
            steps=((None, GREEN), (1, YELLOW), (100, ORANGE)),
            more_links=(OPEN_PARKED,),
        ),
    ),
)

WHAT_IT_STANDS_ON = Band(
    4,
    (
        stat(
            "Processes up",
            "The share of known workers and gateways that answer Prometheus.",
            f"sum(up{{{OURS}}}) / count(up{{{OURS}}})",
            unit="percentunit",
            width=4,
            see="LoftyGhlWorkerDown",
            steps=((None, RED), (1, GREEN)),
            high=1,
        ),
        stat(
            "Partitions with an active worker",
            "The share of partitions that a worker has taken over completely. Below 100 %, changes of some connections wait.",
            'sum(lofty_ghl_partitions{state="fenced"}) / max(lofty_ghl_partitions_configured)',
            unit="percentunit",
            width=5,
            see="LoftyGhlPartitionsUnowned",
            steps=((None, RED), (1, GREEN)),
            high=1,
        ),
        stat(
            "Paused budgets",
            "Lofty keys and GHL locations that wait for the vendor or for a person.",
            "sum(lofty_ghl_paused)",
            unit="none",
            width=5,
            see="LoftyGhlAccessLost",
            steps=((None, GREEN), (1, YELLOW)),
            more_links=(OPEN_CONNECTIONS,),
        ),
        stat(
            "Lowest quota left today",
            "The GHL location with the smallest share of its daily quota left.",
            "min(lofty_ghl_quota_left / lofty_ghl_quota_limit)",
            unit="percentunit",
            width=5,
            see="LoftyGhlQuotaNearlyGone",
            steps=QUOTA,
            high=1,
        ),
        stat(
            "Batches refused by Kafka",
            "In the time range of this page. More than 0 means that writes to Kafka fail or wait.",
            count("lofty_ghl_append_failures_total", over="$__range"),
            unit="short",
            width=5,
            see="LoftyGhlKafkaRefuses",
            steps=((None, GREEN), (1, RED)),
            decimals=0,
            spark=False,
        ),
    ),
)

HOW_FRESH = Band(
    8,
    (
        lines(
            "Time to reach GHL",
            "Time from our acceptance of a live change to GHL's 2xx. The dashed line is the objective.",
            *(
                Query(quantile(q, FRESHNESS, *FAIR), name)
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
        lines(
            "Waiting entities, by priority",
            "Opt-outs go first, then live changes, sweep, backfill and verification.",
            *(
                Query(f'sum by (priority) (lofty_ghl_waiting{{priority="{one}"}})', "{{priority}}")
                for one in ("opt_out", "live", "sweep", "backfill", "verify")
            ),
            unit="short",
            width=12,
            see="LoftyGhlOptOutLate",
            stacked=True,
            legend="right",
            calcs=("lastNotNull", "max"),
            decimals=0,
        ),
    ),
)

IN_AND_OUT = Band(
    8,
    (
        lines(
            "Changes in, requests out",
            "Changes from webhooks, requests to GHL, and entities that GHL already held as wanted. "
            "Fewer requests than changes is normal: a burst is one request.",
            Query(rate("lofty_ghl_intake_items_total"), "changes and events accepted"),
            Query(rate("lofty_ghl_writes_total", 'outcome="applied"'), "requests applied by GHL"),
            Query(rate("lofty_ghl_unchanged_total"), "unchanged, no request"),
            unit=PER_SECOND,
            width=12,
            see="First look",
        ),
        lines(
            "Oldest undelivered change, by connection",
            "A line that climbs by one second per second is a connection that makes no progress.",
            Query("max by (connection) (lofty_ghl_oldest_undelivered_seconds)", "{{connection}}"),
            unit="s",
            width=12,
            see="LoftyGhlChangesStuck",
            legend="right",
            calcs=("lastNotNull", "max"),
        ),
    ),
)

EACH_CONNECTION = Band(
    6,
    (
        table(
            "Connections",
            "One row for each connection, the oldest undelivered change first. `on hold` means that it waits for access, custom fields or users.",
            Query("max by (connection) (lofty_ghl_oldest_undelivered_seconds)", "oldest"),
            Query("sum by (connection) (lofty_ghl_undelivered)", "on their way"),
            Query(fresh_share(by="connection", over="$__range"), "fresh"),
            Query("sum by (connection) (lofty_ghl_parked_open)", "parked"),
            Query("sum by (connection) (lofty_ghl_links)", "links"),
            Query("max by (connection) (lofty_ghl_on_hold)", "on hold"),
            Query("max by (connection) (lofty_ghl_oldest_opt_out_seconds)", "opt-out"),
            Query(
                'time() - max by (connection) (lofty_ghl_sweep_last_success_timestamp_seconds{kind="full"})',
                "last sweep",
            ),
            Query("sum by (connection) (lofty_ghl_conflicts_open)", "conflicts"),
            Query("max by (connection, title) (lofty_ghl_connection_info)", "title"),
            unit="short",
            width=24,
            columns={
                "title": "Connection",
                "Value #A": "Oldest undelivered",
                "Value #B": "Undelivered",
                "Value #C": "In GHL within 60 s",
                "Value #D": "Parked",
                "Value #E": "Linked in GHL",
                "Value #F": "On hold",
                "Value #G": "Oldest opt-out",
                "Value #H": "Time since the last full sweep",
                "Value #I": "Undecided conflicts",
                "connection": "Id",
            },
            hidden=("Value #J",),
            looks=(
                Look(
                    "Connection",
                    links=(
                        {
                            "title": "This connection",
                            "url": "/d/lofty-ghl-connection/connection?var-connection=${__data.fields.Id}",
                            "targetBlank": False,
                        },
                    ),
                ),
                Look("Oldest undelivered", unit="s", steps=AGE, custom={"cellOptions": {"type": "color-text"}}),
                Look("Oldest opt-out", unit="s", steps=AGE, custom={"cellOptions": {"type": "color-text"}}),
                Look(
                    "In GHL within 60 s",
                    unit="percentunit",
                    steps=FRESH,
                    custom={"cellOptions": {"type": "color-text"}},
                ),
                Look(
                    "Parked",
                    steps=((None, GREEN), (1, YELLOW), (100, ORANGE)),
                    custom={"cellOptions": {"type": "color-text"}},
                ),
                Look(
                    "On hold",
                    mappings=(value("no", GREEN, value="0"), value("on hold", RED, value="1")),
                    custom={"cellOptions": {"type": "color-text"}},
                ),
                Look("Time since the last full sweep", unit="s"),
                Look(
                    "Undecided conflicts",
                    steps=((None, GREEN), (1, YELLOW)),
                    custom={"cellOptions": {"type": "color-text"}},
                ),
            ),
            see="LoftyGhlChangesStuck",
            sort_by="Oldest undelivered",
        ),
    ),
)

DISTRIBUTION = Band(
    8,
    (
        heat(
            "Time to reach GHL, distribution",
            "From our acceptance to GHL's 2xx, all live changes. A brighter cell means more changes.",
            heat_of(FRESHNESS, 'since="acceptance"'),
            unit="s",
            width=12,
            see="LoftyGhlFreshnessBurnsSlowly",
        ),
        heat(
            "Time since Lofty's update, distribution",
            "Includes the time until Lofty's webhook arrives. This is what agents notice.",
            heat_of(FRESHNESS, 'since="update"'),
            unit="s",
            width=12,
            see="LoftyGhlFreshnessBurnsSlowly",
        ),
    ),
)

OVERVIEW = Dashboard(
    name="overview",
    title="Overview",
    question="For whoever is on call: is it healthy, how fresh is GHL, and what waits?",
    bands=(IS_IT_HEALTHY, WHAT_IT_STANDS_ON, HOW_FRESH, IN_AND_OUT, EACH_CONNECTION, DISTRIBUTION),
)
