"""The last hours as points."""

from __future__ import annotations

from streams.console.services.time_series import MOST_POINTS, STEP_MS, TimeSeries
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
