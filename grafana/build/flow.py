"""Flow: a change on its way, stage by stage, from the webhook to GHL's answer, and back."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard
from grafana.build.panels import GREEN, ORANGE, RED, YELLOW, Look, Panel, Query, lines
from grafana.build.queries import PER_SECOND, quantile, rate, where_any

SHOWN = ("lastNotNull", "max")


def _rates(
    title: str, about: str, metric: str, by: str, legend: str, *, see: str, width: int, always: str = ""
) -> Panel:
    """Rates by labels. With `always` only those that are not 0 are shown, and the one that it selects."""
    expr = rate(metric, by=by)
    return lines(
        title,
        about,
        Query(where_any(expr, rate(metric, always, by=by)) if always else expr, legend),
        unit=PER_SECOND,
        width=width,
        see=see,
        legend="right",
        calcs=SHOWN,
    )


INTAKE = Band(
    8,
    (
        _rates(
            "Deliveries, by what was answered",
            "Webhooks of Lofty and GHL at the gateway. Only `accepted` goes on; `ignored` has nothing for us.",
            "lofty_ghl_intake_total",
            "vendor, result",
            "{{vendor}}: {{result}}",
            see="LoftyGhlIntakeRefuses",
            always='result="accepted"',
            width=9,
        ),
        lines(
            "Time to answer a delivery",
            "95 of 100 are answered faster, Kafka's acknowledgement included. Lofty gives up after a few seconds.",
            Query(quantile(0.95, "lofty_ghl_intake_seconds", by="vendor"), "{{vendor}}"),
            joined=True,
            unit="s",
            width=7,
            see="LoftyGhlKafkaRefuses",
        ),
        _rates(
            "Changes and events taken out",
            "By connection. Connections that share a location count as its first.",
            "lofty_ghl_intake_items_total",
            "vendor, connection",
            "{{vendor}}: {{connection}}",
            see="LoftyGhlWebhooksMissing",
            width=8,
        ),
    ),
    heading="1. Webhooks come in",
)

STAGES = Band(
    8,
    (
        lines(
            "Age of the oldest record that waits, by topic",
            "The first topic whose line climbs is before the slow stage. It is exact to five seconds: single peaks up to there are the measuring.",
            Query("max by (topic) (lofty_ghl_lag_seconds)", "{{topic}}"),
            unit="s",
            width=12,
            see="LoftyGhlConsumerSilent",
            steps=((None, GREEN), (30, RED)),
            legend="right",
            calcs=SHOWN,
        ),
        lines(
            "Records that wait, by topic",
            "Not committed yet, over all partitions.",
            Query("sum by (topic) (lofty_ghl_lag_records)", "{{topic}}"),
            unit="short",
            width=12,
            see="LoftyGhlConsumerSilent",
            legend="right",
            calcs=SHOWN,
            decimals=0,
        ),
    ),
    heading="2. Stages",
)

STAGE_WORK = Band(
    8,
    (
        _rates(
            "Records worked off, by stage",
            "A stage at 0 whose topic has records that wait is stuck.",
            "lofty_ghl_stage_records_total",
            "stage",
            "{{stage}}",
            see="LoftyGhlConsumerSilent",
            width=12,
        ),
        lines(
            "Time for a batch, by stage",
            "95 of 100 batches are faster, with Kafka's acknowledgement of all that they wrote.",
            Query(quantile(0.95, "lofty_ghl_stage_batch_seconds", by="stage"), "{{stage}}"),
            joined=True,
            unit="s",
            width=12,
            see="LoftyGhlKafkaRefuses",
            legend="right",
            calcs=SHOWN,
        ),
    ),
)

DECISIONS = Band(
    8,
    (
        _rates(
            "Changes, by what dedupe decided",
            "Duplicates and late ones end here, at no cost.",
            "lofty_ghl_changes_total",
            "decision",
            "{{decision}}",
            see="First look",
            width=8,
        ),
        _rates(
            "Offers to the dispatchers",
            "`coalesced`: the entity waited already, so one request does for both.",
            "lofty_ghl_offers_total",
            "dispatcher, result",
            "{{dispatcher}}: {{result}}",
            see="First look",
            width=8,
        ),
        _rates(
            "Snapshots, by what deliver decided",
            "The newest state becomes the desired one. Older and equal ones end here.",
            "lofty_ghl_snapshots_total",
            "decision",
            "{{decision}}",
            see="First look",
            width=8,
        ),
    ),
    heading="3. Decisions",
)

VENDOR_WORK = Band(
    9,
    (
        _rates(
            "Reads of Lofty",
            "One GET for each burst of changes. Anything but `read` is tried again, or parked.",
            "lofty_ghl_reads_total",
            "kind, outcome",
            "{{kind}}: {{outcome}}",
            see="LoftyGhlVendorFails",
            width=8,
        ),
        _rates(
            "Requests to GHL",
            "By step and outcome. Anything but `applied` is tried again, adopted, or parked.",
            "lofty_ghl_writes_total",
            "step, outcome",
            "{{step}}: {{outcome}}",
            see="LoftyGhlVendorFails",
            width=10,
        ),
        lines(
            "Parked, by stage and reason",
            "Records a second that cannot go on; `passed over` is what Kafka deleted unread. A flood has one cause, mostly.",
            Query(
                where_any(
                    rate("lofty_ghl_parked_total", by="stage, reason"),
                    rate("lofty_ghl_parked_total", 'reason="refused"', by="stage, reason"),
                ),
                "{{stage}}: {{reason}}",
            ),
            unit=PER_SECOND,
            width=6,
            see="LoftyGhlPassedOver",
            looks=(
                Look("/refused/", color=ORANGE),
                Look("/unknown shape/", color=YELLOW),
                Look("/unreadable/", color=RED),
            ),
        ),
    ),
    heading="4. Vendors",
)

WAY_BACK = Band(
    8,
    (
        _rates(
            "Events of GHL, by what became of them",
            "`echo` are our own writes coming back; `no rule` and `not linked` cause nothing.",
            "lofty_ghl_events_total",
            "result",
            "{{result}}",
            see="First look",
            width=12,
        ),
        _rates(
            "Requests to Lofty",
            "Tasks, notes and fields that flow back, by step and outcome.",
            "lofty_ghl_lofty_writes_total",
            "step, outcome",
            "{{step}}: {{outcome}}",
            see="LoftyGhlVendorFails",
            width=12,
        ),
    ),
    heading="5. The way back",
)

KAFKA = Band(
    8,
    (
        lines(
            "Time until Kafka acknowledges",
            "By all in-sync replicas. Every stage waits for it.",
            Query(quantile(0.5, "lofty_ghl_append_seconds"), "half are faster"),
            Query(quantile(0.99, "lofty_ghl_append_seconds"), "99 of 100 are faster"),
            joined=True,
            unit="s",
            width=8,
            see="LoftyGhlKafkaRefuses",
        ),
        _rates(
            "Records written, by topic",
            "`changelogs` are the rows of all tables.",
            "lofty_ghl_append_records_total",
            "topic",
            "{{topic}}",
            see="First look",
            always='topic=~"changelogs|.*lofty.changes"',
            width=8,
        ),
        _rates(
            "Batches that Kafka did not take, by topic",
            "All is well at 0.",
            "lofty_ghl_append_failures_total",
            "topic",
            "{{topic}}",
            see="LoftyGhlKafkaRefuses",
            always='topic="changelogs"',
            width=8,
        ),
    ),
    heading="6. Kafka",
)

PRODUCER = Band(
    8,
    (
        lines(
            "For how long Kafka has taken nothing",
            "Of each process, while it appends. It is not ready meanwhile. All is well at 0.",
            Query("lofty_ghl_appends_failing_seconds", "{{job}} {{instance}}"),
            unit="s",
            width=12,
            see="LoftyGhlKafkaRefuses",
        ),
        _rates(
            "Times that the producer was replaced, by reason",
            "`in doubt`: a batch had no answer until its time was over. `refused`: Kafka did not know the producer any more.",
            "lofty_ghl_producer_replaced_total",
            "reason",
            "{{reason}}",
            see="LoftyGhlKafkaRefuses",
            always='reason="in doubt"',
            width=12,
        ),
    ),
)

FLOW = Dashboard(
    name="flow",
    title="Flow",
    question="For the engineer: which stage is slow, and what does each decide?",
    bands=(INTAKE, STAGES, STAGE_WORK, DECISIONS, VENDOR_WORK, WAY_BACK, KAFKA, PRODUCER),
)
