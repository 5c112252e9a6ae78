"""A scrape in which only what needs a look has series of its own: sums are the same, and nothing that counts goes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus, WorkerStatus
from streams.telemetry.metrics import catalogue as c
from streams.telemetry.metrics.exposition import Exposition
from streams.telemetry.metrics.folding import FOLDED_COUNTS, OTHERS, RULES, folded, labelled_by
from streams.telemetry.metrics.gauges import of_worker
from streams.telemetry.metrics.metrics import Metrics
from streams.telemetry.metrics.spec import Reading, Spec

NOW = 10_000_000_000
CONNECTIONS = tuple(f"c{number:03d}" for number in range(200))


def status() -> WorkerStatus:
    """A worker with many connections, one of which has something parked."""
    sweep = SweepStatus(leads=20, total=20, full_ended_ms=NOW - 5000, full_interval_ms=86_400_000, changes=1)
    return WorkerStatus(
        instance="w",
        started_ms=NOW - 1,
        at_ms=NOW,
        partitions=8,
        connections=tuple(
            ConnectionStatus(
                connection=name,
                reading=SideStatus(sweep=sweep, undelivered={"fetch": 1}, oldest_accepted_ms=NOW - 1000),
                writing=SideStatus(links=10, parked={"deliver": int(name == "c007")}),
            )
            for name in CONNECTIONS
        ),
        budgets=tuple(
            BudgetStatus(
                dispatcher=side,
                budget=f"{side} {name}",
                connections=(name,),
                window_used=2,
                window_limit=100,
                window_seconds=10,
                waiting={"live": 3},
            )
            for side in ("read", "write")
            for name in CONNECTIONS
        ),
    )


def sums(readings: Iterable[Reading], specs: Iterable[Spec]) -> dict[str, float]:
    """The sum of each metric over all its series."""
    wanted, found = {spec.name for spec in specs}, defaultdict[str, float](float)
    for spec, _, value in readings:
        if spec.name in wanted:
            found[spec.name] += value
    return dict(found)


def test_the_sum_of_each_gauge_that_can_be_added_is_the_same_in_both_modes() -> None:
    """So panels and alerts over all connections ask the same."""
    added = [spec for spec in c.CATALOGUE if RULES.get(spec.name) == "added"]
    all_of_them = sums(of_worker(status()), added)

    assert sums(folded(of_worker(status()), {"c007"}, {("write", "write c007")}), added) == all_of_them
    assert all_of_them["links"] == 10 * len(CONNECTIONS)


def test_the_highest_is_the_same_in_both_modes() -> None:
    """As the oldest change of all."""
    for spec in (c.UNDELIVERED_SECONDS, c.SWEEP_ENDED, c.SWEEP_FORECAST):
        highest = [
            max(value for one, _, value in found if one is spec)
            for found in (list(of_worker(status())), list(folded(of_worker(status()), (), ())))
        ]
        assert highest[0] == highest[1], spec.name


def test_what_is_shown_is_whole_and_the_others_have_no_names() -> None:
    """Every gauge of the one, with its budgets; and of the process."""
    whole = list(of_worker(status()))
    found = list(folded(whole, {"c007"}, {("write", "write c007")}))
    named = {label for spec, labels, _ in found if (at := labelled_by(spec)) is not None for label in [labels[at]]}

    assert named == {"c007", "write c007", OTHERS}
    for reading in whole:
        at = labelled_by(reading[0])
        if at is None or reading[1][at] in ("c007", "write c007"):
            assert reading in found
    assert len(found) < 200


def test_each_gauge_of_a_connection_or_budget_that_an_alert_adds_up_has_a_rule() -> None:
    """What has none has no meaning for several: a title, an interval, a quota."""
    ruleless = {
        spec.name for spec in c.CATALOGUE if spec.type == "gauge" and labelled_by(spec) is not None
    } - RULES.keys()

    assert ruleless == {
        *("connection_info", "token_expires_seconds", "paused_by"),
        *("sweep_interval_seconds", "sweep_oldest_look_timestamp_seconds", "sweep_look_interval_seconds"),
        *("quota_left", "quota_limit", "quota_reset_seconds"),
    }


def lines(metrics: Metrics, name: str) -> dict[str, float]:
    """The series of a metric in a scrape, by their labels."""
    text = Exposition(metrics.registry).write("")[0].decode()
    found = [line.rpartition(" ") for line in text.splitlines() if line.startswith(f"lofty_ghl_{name}{{")]
    return {labels.partition("{")[2].removesuffix("}"): float(value) for labels, _, value in found}


def folding_metrics() -> Metrics:
    """Metrics that show nothing of its own yet."""
    metrics = Metrics()
    metrics.show((), ())
    metrics.create_series({"connection": CONNECTIONS, "topic": ()})
    return metrics


def test_counts_of_a_connection_go_to_the_others_until_it_is_shown_and_then_begin_at_zero() -> None:
    """`increase()` sees its first event, and the sum of all goes on without a step."""
    metrics = folding_metrics()
    for name in ("c001", "c002", "c002"):
        metrics.read(name, "contact", "read")
    before = lines(metrics, "reads_total")
    metrics.show({"c002"}, ())
    shown = lines(metrics, "reads_total")
    metrics.read("c002", "contact", "read")
    metrics.read("c001", "contact", "read")
    after = lines(metrics, "reads_total")

    of = 'connection="{}",kind="contact",outcome="read"'.format
    assert before == {of(OTHERS): 3}
    assert shown == {of(OTHERS): 3, of("c002"): 0}
    assert after == {of(OTHERS): 4, of("c002"): 1}


def test_a_connection_that_is_no_longer_shown_takes_nothing_from_the_others() -> None:
    """Its series end; what comes later is the others' again, and a second time it begins at zero again."""
    metrics = folding_metrics()
    metrics.show({"c002"}, {("write", "loc")})
    metrics.read("c002", "contact", "read")
    metrics.paused("write", "loc", "throttled")
    metrics.show((), ())
    metrics.read("c002", "contact", "read")
    ended = lines(metrics, "reads_total"), lines(metrics, "pauses_total")
    metrics.show({"c002"}, ())
    again = lines(metrics, "reads_total")

    of = 'connection="{}",kind="contact",outcome="read"'.format
    assert ended == ({of(OTHERS): 1}, {})
    assert again == {of(OTHERS): 1, of("c002"): 0}


def test_what_an_alert_counts_of_a_single_connection_is_always_its_own() -> None:
    """Failed sweeps and values that were dropped: a first event that is not seen is an alert that is not raised."""
    metrics = folding_metrics()

    assert {c.SWEEPS, c.LEFT_OUT}.isdisjoint(FOLDED_COUNTS)
    assert lines(metrics, "sweeps_total")['connection="c007",result="failed"'] == 0
    assert any('connection="c007"' in labels for labels in lines(metrics, "left_out_total"))


def test_what_is_shown_is_decided_before_the_first_line_of_a_scrape() -> None:
    """The gauges are read first, and decide; so a series is there at 0 before the connection's next event is counted in it."""
    metrics = folding_metrics()

    def gauges() -> tuple[Reading, ...]:
        metrics.show({"c002"}, ())
        return ()

    metrics.gauges = gauges

    assert lines(metrics, "reads_total")['connection="c002",kind="contact",outcome="read"'] == 0
