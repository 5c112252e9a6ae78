"""Flow: a change, stage by stage, from the webhook to GHL's answer, and back."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard
from grafana.build.panel import GREEN, ORANGE, RED, YELLOW, Look, Panel, Query
from grafana.build.panels import lines
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
            "Deliveries, by result",
            "Webhooks of Lofty and GHL at the gateway. Only `accepted` deliveries continue; `ignored` ones contain nothing that we use.",
            "lofty_ghl_intake_total",
            "vendor, result",
            "{{vendor}}: {{result}}",
            see="LoftyGhlIntakeRefuses",
            always='result="accepted"',
            width=9,
        ),
        lines(
            "Time to answer a delivery, p95",
            "p95, with Kafka's acknowledgement. Lofty gives up after a few seconds.",
            Query(quantile(0.95, "lofty_ghl_intake_seconds", by="vendor"), "{{vendor}}"),
            joined=True,
            unit="s",
            width=7,
            see="LoftyGhlKafkaRefuses",
        ),
        _rates(
            "Changes and events received",
            "By connection. Connections that share a location count as the first of them.",
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
            "Age of the oldest unread record, by topic",
            "The first topic whose line climbs feeds the slow stage. The values are exact to five seconds: single peaks below that are noise.",
            Query("max by (topic) (lofty_ghl_lag_seconds)", "{{topic}}"),
            unit="s",
            width=12,
            see="LoftyGhlConsumerSilent",
            steps=((None, GREEN), (30, RED)),
            legend="right",
            calcs=SHOWN,
        ),
        lines(
            "Lag, by topic",
            "Records that are not committed yet, over all partitions.",
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
            "Records processed, by stage",
            "A stage at 0 whose topic has lag is stuck.",
            "lofty_ghl_stage_records_total",
            "stage",
            "{{stage}}",
            see="LoftyGhlConsumerSilent",
            width=12,
        ),
        lines(
            "Time for a batch, p95, by stage",
            "p95, with Kafka's acknowledgement of everything that the batch wrote.",
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
            "Changes, by decision of dedupe",
            "Duplicates and late changes end here, at no cost.",
            "lofty_ghl_changes_total",
            "decision",
            "{{decision}}",
            see="First look",
            width=8,
        ),
        _rates(
            "Offers to the dispatchers",
            "`coalesced`: the entity waits already, so one request serves both.",
            "lofty_ghl_offers_total",
            "dispatcher, result",
            "{{dispatcher}}: {{result}}",
            see="First look",
            width=8,
        ),
        _rates(
            "Snapshots, by decision of deliver",
            "The newest state becomes the desired one. Older and equal states end here.",
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
            "One GET for each burst of changes. Every outcome except `read` is retried or parked.",
            "lofty_ghl_reads_total",
            "kind, outcome",
            "{{kind}}: {{outcome}}",
            see="LoftyGhlVendorFails",
            width=8,
        ),
        _rates(
            "Requests to GHL",
            "By step and outcome. Every outcome except `applied` is retried, adopted or parked.",
            "lofty_ghl_writes_total",
            "step, outcome",
            "{{step}}: {{outcome}}",
            see="LoftyGhlVendorFails",
            width=10,
        ),
        lines(
            "Parked, by stage and reason",
            "Records a second that failed; `passed over` means that Kafka deleted them unread. Many at once mostly have one cause.",
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
            "Events of GHL, by result",
            "`echo` are our own writes that come back; `no rule` and `not linked` cause no request.",
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
    heading="5. Lofty sync",
)

KAFKA = Band(
    8,
    (
        lines(
            "Time until Kafka acknowledges",
            "By all in-sync replicas. Every stage waits for this.",
            Query(quantile(0.5, "lofty_ghl_append_seconds"), "p50"),
            Query(quantile(0.99, "lofty_ghl_append_seconds"), "p99"),
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
            "Batches not acknowledged by Kafka, by topic",
            "0 is normal.",
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
            "Time since Kafka last acknowledged a write",
            "For each process whose writes fail; it is not ready meanwhile. 0 is normal.",
            Query("lofty_ghl_appends_failing_seconds", "{{job}} {{instance}}"),
            unit="s",
            width=8,
            see="LoftyGhlKafkaRefuses",
        ),
        lines(
            "Time since a gateway could read what is edited",
            "By topic: `mappings` (with connections), `people` and `runs`. Edits since then are not known there. 0 is normal.",
            Query("lofty_ghl_topic_unread_seconds", "{{instance}} {{topic}}"),
            unit="s",
            width=8,
            see="LoftyGhlTopicUnread",
        ),
        _rates(
            "Producer replacements, by reason",
            "`in doubt`: a batch had no answer before its timeout. `refused`: Kafka no longer knew the producer.",
            "lofty_ghl_producer_replaced_total",
            "reason",
            "{{reason}}",
            see="LoftyGhlKafkaRefuses",
            always='reason="in doubt"',
            width=8,
        ),
    ),
)

FLOW = Dashboard(
    name="flow",
    title="Flow",
    question="For the engineer: which stage is slow, and what does each decide?",
    bands=(INTAKE, STAGES, STAGE_WORK, DECISIONS, VENDOR_WORK, WAY_BACK, KAFKA, PRODUCER),
)
