"""The last hours as points."""

from __future__ import annotations

from streams.console.services.time_series import MOST_POINTS, STEP_MS, Point, TimeSeries
from streams.messages import WorkerStatus


def status(at_ms: int, dedupe: int, instance: str = "w1") -> WorkerStatus:
    """A worker's word."""
    return WorkerStatus(
        instance=instance, started_ms=1, at_ms=at_ms, partitions=4, is_ready=True, stages={"dedupe": dedupe}
    )


def test_each_step_is_one_point_with_its_rate() -> None:
    """By the workers' own counts."""
    points = TimeSeries(4, ())
    for step in range(4):
        points.add(status(step * STEP_MS + 1_000, step * 300))
    assert [one.rates.get("dedupe", 0.0) for one in points.points] == [0.0, 10.0, 10.0]


def test_they_are_bounded() -> None:
    """Six hours."""
    points = TimeSeries(4, ())
    for step in range(MOST_POINTS + 50):
        points.add(status(step * STEP_MS, step))
    assert len(points.points) == MOST_POINTS


def test_the_time_in_which_nobody_reported_is_a_gap() -> None:
    """Between two statuses, and from the last one until now."""
    points = TimeSeries(4, ())
    for step in (0, 1, 5, 6):
        points.add(status(step * STEP_MS + 25_000, step))
    assert [one.workers for one in points.points] == [1, 1, 0, 1]
    now = Point(20 * STEP_MS, 0, {}, 7, 7, 7, 7, None)
    assert [one.workers for one in points.until(now)] == [1, 1, 0, 1, 0, 0]
    assert points.until(now)[-1].undelivered == 0
