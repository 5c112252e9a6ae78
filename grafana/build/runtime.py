"""Runtime: workers, partitions, recovery, memory."""

from __future__ import annotations

from grafana.build.dashboard import Band, Dashboard
from grafana.build.outcomes import outcomes
from grafana.build.panel import GREEN, ORANGE, RED, YELLOW, Look, Query
from grafana.build.panels import lines, stat, table, value
from grafana.build.queries import OURS, quantile, rate

SHOWN = ("lastNotNull", "max")
COLORED = {"cellOptions": {"type": "color-text"}}

NOW = Band(
    4,
    (
        stat(
            "Workers up",
            "Processes of the job `worker` that answer Prometheus.",
            'sum(up{job="worker"})',
            unit="none",
            width=2,
            see="LoftyGhlWorkerDown",
            steps=((None, RED), (1, GREEN)),
        ),
        stat(
            "Gateways up",
            "Processes of the job `gateway` that answer Prometheus.",
            'sum(up{job="gateway"})',
            unit="none",
            width=2,
            see="LoftyGhlGatewayDown",
            steps=((None, RED), (1, GREEN)),
        ),
        stat(
            "Partitions without a worker",
            "Partitions for which no worker acts.",
            'max(lofty_ghl_partitions_configured) - sum(lofty_ghl_partitions{state="fenced"})',
            unit="none",
            width=3,
            see="LoftyGhlPartitionsUnowned",
            steps=((None, GREEN), (1, RED)),
        ),
        stat(
            "Configurations in use",
            "The number of different configurations of workers and gateways. More than 1 means that some processes have an older file.",
            "count(count by (configuration) (lofty_ghl_configuration_info))",
            unit="none",
            width=3,
            see="LoftyGhlConfigurationsDiffer",
            steps=((None, GREEN), (2, RED)),
        ),
        stat(
            "Connections without a worker",
            "Connections of the gateway's configuration whose Lofty or GHL side no worker serves.",
            "max(lofty_ghl_connections_configured) - min(sum by (side) (lofty_ghl_connections_served))",
            unit="none",
            width=3,
            see="LoftyGhlConnectionUnserved",
            steps=((None, GREEN), (1, RED)),
        ),
        stat(
            "Connections that need attention",
            "On hold, failing, with parked work, an opt-out on its way or a late sweep. `lofty-ghl status` names them; with connection_metrics = needing_attention they and those of the last half hour have series of their own.",
            "sum(lofty_ghl_connections_needing_attention)",
            unit="none",
            width=3,
            see="LoftyGhlConnectionOnHold",
            steps=((None, GREEN), (1, YELLOW)),
        ),
        stat(
            "Shortest lease",
            "How long the worker with the shortest lease may act without an answer from Kafka. Below 0 it sends nothing.",
            "min(lofty_ghl_lease_seconds)",
            unit="s",
            width=3,
            see="LoftyGhlKafkaRefuses",
            steps=((None, RED), (2, YELLOW), (4, GREEN)),
        ),
        stat(
            "Samples without progress",
            "Of the slowest partition. Above 12 (one minute) the worker ends itself.",
            "max(lofty_ghl_watchdog_stuck_looks)",
            unit="none",
            width=3,
            see="LoftyGhlConsumerSilent",
            steps=((None, GREEN), (3, YELLOW), (8, RED)),
        ),
        stat(
            "Starts",
            "How often a worker or gateway started in the time range of this page.",
            f"sum(changes(process_start_time_seconds{{{OURS}}}[$__range]))",
            unit="none",
            width=2,
            see="LoftyGhlWorkerRestarts",
            steps=((None, GREEN), (1, YELLOW), (3, RED)),
            spark=False,
        ),
    ),
)

PROCESSES = Band(
    5,
    (
        table(
            "Processes",
            "One row for each worker and gateway, and for each process of a worker with `--processes`.",
            Query(f"max by (job, instance, process, version) (lofty_ghl_build_info{{{OURS}}})", "runs"),
            Query(
                f"time() - max by (job, instance, process, version) (process_start_time_seconds{{{OURS}}} * on (job, instance, process) group_right lofty_ghl_build_info)",
                "since",
            ),
            Query(
                f"max by (job, instance, process, version) (process_resident_memory_bytes{{{OURS}}} * on (job, instance, process) group_right lofty_ghl_build_info)",
                "memory",
            ),
            Query(
                'max by (job, instance, process, version) (sum by (job, instance, process) (lofty_ghl_partitions{state="fenced"}) * on (job, instance, process) group_right lofty_ghl_build_info)',
                "partitions",
            ),
            Query(
                "max by (job, instance, process, version) (lofty_ghl_mapping_version * on (job, instance, process) group_right lofty_ghl_build_info)",
                "mapping",
            ),
            Query(
                f"max by (job, instance, process, version) ((lofty_ghl_clock_seconds{{{OURS}}} - timestamp(lofty_ghl_clock_seconds)) * on (job, instance, process) group_right lofty_ghl_build_info)",
                "clock",
            ),
            unit="short",
            width=24,
            columns={
                "instance": "Address",
                "process": "Process",
                "job": "Kind",
                "version": "Version",
                "Value #A": "State",
                "Value #B": "Uptime",
                "Value #C": "Memory",
                "Value #D": "Partitions",
                "Value #E": "Mapping version",
                "Value #F": "Clock offset",
            },
            looks=(
                Look("State", mappings=(value("up", GREEN, value="1"),), custom=COLORED),
                Look("Uptime", unit="s"),
                Look("Memory", unit="bytes"),
                Look("Clock offset", unit="s"),
            ),
            see="LoftyGhlClocksDiffer",
            sort_by="Kind",
        ),
    ),
)

PARTITIONS = Band(
    8,
    (
        lines(
            "Partitions by worker",
            "`fenced`: the worker acts for them. `assigned` and not fenced: it is taking over. `standby`: it keeps a copy.",
            Query("sum by (instance, process, state) (lofty_ghl_partitions)", "{{instance}} {{process}}: {{state}}"),
            unit="none",
            width=8,
            see="LoftyGhlPartitionsUnowned",
            stepped=True,
            decimals=0,
        ),
        lines(
            "Recovery of tables",
            "Time since the running recovery began, and how long the last one took.",
            Query("max by (instance, process) (lofty_ghl_recovering_seconds)", "{{instance}} {{process}}: running for"),
            Query("max by (instance, process) (lofty_ghl_recovery_seconds)", "{{instance}} {{process}}: last took"),
            unit="s",
            width=8,
            see="LoftyGhlRecoveryTakesLong",
            steps=((None, GREEN), (300, RED)),
        ),
        lines(
            "Records read to recover",
            "Changelog records a second. 0 is normal when no worker recovers.",
            Query(rate("lofty_ghl_recovery_records_total", by="instance, process"), "{{instance}} {{process}}"),
            unit="suffix:/s",
            width=8,
            see="LoftyGhlRecoveryTakesLong",
        ),
    ),
    heading="Partitions",
)

MOVE = Band(
    6,
    (
        lines(
            "A move to more partitions, by state",
            "How long it has been in its state: `copying` beside running workers; `closing` and `switching`, in which no worker may run. 0 is normal.",
            Query("max by (state) (lofty_ghl_move_seconds)", "{{state}}"),
            unit="s",
            width=12,
            see="LoftyGhlMovePausesWorkers",
            steps=((None, GREEN), (900, RED)),
        ),
        lines(
            "Time since a command worked on the move",
            "A command that is at work says so every half minute. 0 is normal.",
            Query("max(lofty_ghl_move_idle_seconds)", "idle"),
            unit="s",
            width=12,
            see="LoftyGhlMoveRests",
            steps=((None, GREEN), (3600, RED)),
        ),
    ),
    heading="A move to more partitions",
)

MACHINE = Band(
    8,
    (
        lines(
            "Memory",
            "Resident memory. A line that climbs for days is a leak.",
            Query(
                f"max by (job, instance, process) (process_resident_memory_bytes{{{OURS}}})",
                "{{job}} {{instance}} {{process}}",
            ),
            unit="bytes",
            width=8,
            see="LoftyGhlWorkerRestarts",
        ),
        lines(
            "Processor",
            "Cores in use. A process uses one core at most: near 1, raise `--processes`, or start another worker.",
            Query(
                rate("process_cpu_seconds_total", OURS, by="job, instance, process"), "{{job}} {{instance}} {{process}}"
            ),
            unit="percentunit",
            width=8,
            see="LoftyGhlFreshnessBurnsFast",
        ),
        lines(
            "Event loop lag, p99",
            "How late wake-ups are, p99. Long delays mean that something blocks the loop.",
            Query(
                quantile(0.99, "lofty_ghl_event_loop_lag_seconds", by="job, instance, process"),
                "{{job}} {{instance}} {{process}}",
            ),
            joined=True,
            unit="s",
            width=8,
            see="LoftyGhlConsumerSilent",
        ),
    ),
    heading="Machine",
)

TABLES = Band(
    8,
    (
        lines(
            "Rows of tables",
            "`outbox` and `fetches` hold undelivered work; `links` holds what is known in GHL.",
            Query("sum by (table) (lofty_ghl_table_rows)", "{{table}}"),
            unit="short",
            width=8,
            see="LoftyGhlRecoveryTakesLong",
        ),
        lines(
            "Rows of the local store",
            "All tables with standby copies, as estimated by the store. A damaged store that was set aside has its own line.",
            Query("sum by (instance, process) (lofty_ghl_store_rows)", "{{instance}} {{process}}"),
            Query(
                "sum by (instance, process) (lofty_ghl_stores_set_aside)", "{{instance}} {{process}}: damaged stores"
            ),
            unit="short",
            width=8,
            see="LoftyGhlStoreSetAside",
        ),
        lines(
            "Size of the local store",
            "On the worker's own volume.",
            Query("sum by (instance, process) (lofty_ghl_store_bytes)", "{{instance}} {{process}}"),
            unit="bytes",
            width=8,
            see="LoftyGhlRecoveryTakesLong",
        ),
    ),
    heading="State",
)

WATCH = Band(
    8,
    (
        outcomes(
            "Samples of the watchdog",
            "`stuck`: records to read, and no commit since the sample before. One or two in a row are normal. `failed`: Kafka did not answer.",
            "lofty_ghl_watchdog_looks_total",
            by="result",
            name="{{result}}",
            width=8,
            see="LoftyGhlConsumerSilent",
            looks=(Look("moving", color=GREEN), Look("stuck", color=YELLOW), Look("failed", color=ORANGE)),
        ),
        lines(
            "Lease, by worker",
            "Time left to act without an answer from Kafka. Each heartbeat renews it.",
            Query("min by (instance, process) (lofty_ghl_lease_seconds)", "{{instance}} {{process}}"),
            unit="s",
            width=8,
            see="LoftyGhlKafkaRefuses",
        ),
        lines(
            "Status reports of workers",
            "What `lofty-ghl status` and the console read. `failed`: they show old values.",
            Query(rate("lofty_ghl_statuses_total", by="result"), "{{result}}"),
            unit="suffix:/s",
            width=8,
            see="LoftyGhlKafkaRefuses",
            looks=(Look("published", color=GREEN), Look("failed", color=RED)),
        ),
    ),
    heading="Watch",
)

PROCESSES_OF_ONE = Band(
    8,
    (
        lines(
            "Processes that answer",
            "Of each worker that runs with `--processes`: those that answer their supervisor, and those that do not. Empty where every worker is one process.",
            Query("sum by (instance) (lofty_ghl_process_up)", "{{instance}}: answer"),
            Query("sum by (instance) (1 - lofty_ghl_process_up)", "{{instance}}: do not answer"),
            unit="none",
            width=12,
            see="LoftyGhlProcessDown",
            stepped=True,
            decimals=0,
        ),
        outcomes(
            "Processes that were started again",
            "`ended` by themselves, `killed` from outside, or by the supervisor as they `hung`.",
            "lofty_ghl_process_ends_total",
            by="cause",
            name="{{cause}}",
            width=12,
            see="LoftyGhlProcessDown",
            looks=(Look("ended", color=YELLOW), Look("killed", color=ORANGE), Look("hung", color=RED)),
        ),
    ),
    heading="Processes of one command",
)

PEOPLE = Band(
    8,
    (
        outcomes(
            "Notifications",
            "Messages to people about problems: attempts by how they are delivered and what came of them. A failed one is tried again.",
            "lofty_ghl_notifications_total",
            by="way, result",
            name="{{way}} {{result}}",
            width=24,
            see="LoftyGhlNotificationsFail",
        ),
    ),
    heading="People",
)

RUNTIME = Dashboard(
    name="runtime",
    title="Runtime",
    question="For the engineer: are the workers well, who owns which partitions, how long does recovery take, and does memory last?",
    bands=(NOW, PROCESSES, PARTITIONS, MOVE, MACHINE, TABLES, WATCH, PROCESSES_OF_ONE, PEOPLE),
)
