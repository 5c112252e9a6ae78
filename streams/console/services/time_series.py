"""The last hours of a deployment as a series of points, made of the statuses of its workers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from streams.messages import WorkerStatus
from streams.operations.status.overview import Overview, newest, overview, rates

STEP_MS = 30_000
HOURS = 6
MOST_POINTS = HOURS * 3_600_000 // STEP_MS


@dataclass(frozen=True, slots=True)
class Point:
    """One moment. `rates` are records a second by stage and count; `oldest_seconds` None: nothing is under way."""

    at_ms: int
    workers: int
    rates: dict[str, float]
    lag: int
    waiting: int
    undelivered: int
    parked: int
    oldest_seconds: float | None


@dataclass(slots=True)
class TimeSeries:
    """Gathers statuses into points, one for each step in which a worker reported, and one without workers for each gap."""

    partitions: int
    connections: Collection[str]
    points: list[Point] = field(default_factory=list)
    _step: int = 0
    _now: dict[str, WorkerStatus] = field(default_factory=dict)
    _before: tuple[WorkerStatus, ...] = ()

    def add(self, status: WorkerStatus) -> None:
        """Add a status. They come more or less in the order of their time."""
        step = status.at_ms // STEP_MS
        if step > self._step and self._now:
            self._end_step()
            if step > self._step + 1:
                self.points.append(self.gap((self._step + 2) * STEP_MS))
        self._step = max(self._step, step)
        self._now[status.instance] = status

    def until(self, now: Point) -> tuple[Point, ...]:
        """All points, with the present one. Where nobody has reported for a while, a gap is between."""
        if not now.workers:
            now = self.gap(now.at_ms)
        is_gap = bool(self.points) and now.at_ms - self.points[-1].at_ms > 2 * STEP_MS
        return (*self.points, *((self.gap(self.points[-1].at_ms + STEP_MS),) if is_gap else ()), now)

    @staticmethod
    def gap(at_ms: int) -> Point:
        """A moment in which no worker reported: nothing was measured."""
        return Point(at_ms, 0, {}, 0, 0, 0, 0, None)

    def _end_step(self) -> None:
        statuses = newest(self._now.values())
        at_ms = (self._step + 1) * STEP_MS
        self.points.append(point_of(overview_of(statuses, at_ms, self), statuses, self._before))
        del self.points[:-MOST_POINTS]
        self._before, self._now = statuses, {}


def overview_of(statuses: Iterable[WorkerStatus], at_ms: int, of: TimeSeries) -> Overview:
    """The overview of some moment."""
    return overview(statuses, at_ms, partitions=of.partitions, connections=of.connections)


def point_of(found: Overview, statuses: Iterable[WorkerStatus], before: Iterable[WorkerStatus]) -> Point:
    """One point."""
    oldest = oldest_ms(found)
    return Point(
        at_ms=found.at_ms,
        workers=len(found.alive),
        rates={name: round(rate, 3) for name, rate in rates(before, statuses).items()},
        lag=sum(one.records for one in found.lags),
        waiting=sum(found.waiting.values()),
        undelivered=sum(sum(one.undelivered.values()) for one in found.connections),
        parked=sum(sum(one.parked.values()) for one in found.connections),
        oldest_seconds=None if oldest is None else max(0.0, (found.at_ms - oldest) / 1000),
    )


def oldest_ms(found: Overview) -> int | None:
    """When the oldest change that is under way was accepted."""
    return min(
        (one.oldest_accepted_ms for one in found.connections if one.oldest_accepted_ms is not None), default=None
    )
