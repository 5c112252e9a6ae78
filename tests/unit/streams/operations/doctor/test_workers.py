"""What the doctor reads out of the workers' own words."""

from __future__ import annotations

from typing import Any

from streams.messages import WorkerStatus
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, LagStatus, SideStatus, SweepStatus
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.kafka import check_workers
from streams.operations.status.overview import overview

NOW = 1_700_000_000_000


def judged(*statuses: WorkerStatus) -> dict[str, CheckResult]:
    """What is found, by check and subject; the ones that are right by their check."""
    found = check_workers(overview(statuses, NOW, partitions=2), NOW)
    return {f"{one.check} {one.subject}": one for one in found}


def status(instance: str = "one", **facts: Any) -> WorkerStatus:
    """What a worker that is well says."""
    words: dict[str, Any] = {"started_ms": NOW - 60_000, "at_ms": NOW - 1000, "is_ready": True, "partitions": 2}
    return WorkerStatus(**{"instance": instance, "assigned": (0, 1), "fenced": (0, 1), **words, **facts})


def test_a_worker_that_is_well_gives_nothing_to_say() -> None:
    """But that it is there."""
    assert [one.level for one in judged(status()).values()] == ["ok"]


def test_without_a_living_worker_the_command_that_starts_one_is_told() -> None:
    """Nothing is carried meanwhile."""
    for some in ((), (status(at_ms=NOW - 60_000),), (status(is_stopping=True),)):
        found = judged(*some)["workers workers"]
        assert (found.level, found.mend) == ("wrong", "lofty-ghl worker")


def test_partitions_that_nobody_acts_for_are_told() -> None:
    """Unless a worker is just starting."""
    assert judged(status(fenced=(0,)))["workers partitions"].level == "wrong"
    assert "workers partitions" not in judged(status(fenced=(0,), is_ready=False))


def test_a_worker_that_cannot_take_a_mapping_over_says_why() -> None:
    """With the command that fixes it."""
    found = judged(status(mapping_trouble="version 3 does not compile here"))["mapping worker one"]
    assert (found.level, found.says, "mapping revert" in found.mend) == (
        "wrong",
        "version 3 does not compile here",
        True,
    )


def test_workers_with_different_mappings_are_a_warning() -> None:
    """It passes with the hand-over."""
    found = judged(status("one", mapping_version=1), status("two", mapping_version=2))
    assert found["mapping workers"].level == "warning"


def test_a_worker_whose_clock_is_ahead_is_wrong() -> None:
    """By more than a second."""
    found = judged(status(at_ms=NOW + 5000))["clock worker one"]
    assert (found.level, "5.0 s ahead" in found.says) == ("wrong", True)
    assert "clock worker one" not in judged(status(at_ms=NOW + 500))


def test_sweeps_that_cannot_be_made_in_time_are_a_warning() -> None:
    """With what helps."""
    day = 24 * 3_600_000
    sweep = SweepStatus(total=400_000, full_interval_ms=day, look_interval_ms=day)
    crowded = status(
        budgets=(
            BudgetStatus(dispatcher="read", budget="app", connections=("a",), window_limit=500, window_seconds=60),
        ),
        connections=(ConnectionStatus(connection="a", reading=SideStatus(sweep=sweep)),),
    )
    found = judged(crowded)["schedule Lofty budget app"]
    assert (found.level, "quiet_days = 7" in found.mend, found.connection) == ("warning", True, "a")


def test_what_waits_for_long_or_is_much_is_a_warning() -> None:
    """With the topic."""
    lags = (
        LagStatus(topic="lofty.changes", records=5, oldest_ms=NOW - 3_600_000),
        LagStatus(topic="lofty.fetches", records=3),
    )
    found = judged(status(lags=lags))
    assert ("lag lofty.changes" in found, "lag lofty.fetches" in found) == (True, False)
    assert "60 min" in found["lag lofty.changes"].says


def test_a_paused_budget_is_told_with_its_cause() -> None:
    """As its worker says it."""
    budget = BudgetStatus(dispatcher="write", budget="L", paused="401: the token was revoked")
    found = judged(status(budgets=(budget,)))["budgets write budget L"]
    assert (found.level, "the token was revoked" in found.says) == ("warning", True)
