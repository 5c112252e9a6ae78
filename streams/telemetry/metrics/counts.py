"""Counters and histograms that keep the text of each series until it counts again.

With a thousand connections there are fifty thousand such lines, and between two scrapes few of them change. `prometheus-client` makes an
object of each line at each scrape, with its labels in a dictionary: half of the scrape. To whoever collects the registry these are the
library's (`tests/unit/streams/telemetry/metrics/test_exposition.py` compares both), and they may be counted in any thread.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Generic, Literal, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from streams.telemetry.metrics.spec import Spec

Write = Callable[[Sample], str]
"""Writes a line of one format. Texts are kept by it, so a reader uses the same one again and again."""

Value = tuple[str, dict[str, str], float, Exemplar | None]
"""A line's suffix, its labels beyond those of the series, its value, and what it was counted for last."""

S = TypeVar("S", bound="Series")

as_text: Callable[[float], str] = floatToGoString
"""A number as Prometheus' own formats have it. (The library's function has no annotations.)"""


class Series:
    """One series of a metric: what was counted under some label values. `lock` is the metric's."""

    __slots__ = ("_lock", "texts")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.texts: dict[Write, str] = {}
        """Its lines, as they were written since it counted last."""

    @abstractmethod
    def values(self) -> Iterator[Value]:
        """What its lines say. The caller has the lock."""


class Count(Series):
    """A counter's."""

    __slots__ = ("_exemplar", "_value")

    def __init__(self, lock: Lock) -> None:
        super().__init__(lock)
        self._value = 0.0
        self._exemplar: Exemplar | None = None

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """So many more. Raises `ValueError` for fewer."""
        if amount < 0:
            raise ValueError(f"expected 0 or more to add to a counter, got {amount}")
        with self._lock:
            self._value += amount
            if exemplar:
                self._exemplar = Exemplar(exemplar, amount, time.time())
            self.texts.clear()

    def values(self) -> Iterator[Value]:
        yield "_total", {}, self._value, self._exemplar


class Distribution(Series):
    """A histogram's. `bounds` are its buckets', with infinity as the last."""

    __slots__ = ("_bounds", "_exemplars", "_numbers", "_sum")

    def __init__(self, lock: Lock, bounds: tuple[float, ...]) -> None:
        super().__init__(lock)
        self._bounds = bounds
        self._numbers = [0] * len(bounds)
        self._exemplars: dict[int, Exemplar] = {}
        self._sum = 0.0

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """One of that size."""
        with self._lock:
            self._sum += amount
            for number, bound in enumerate(self._bounds):
                if amount <= bound:
                    self._numbers[number] += 1
                    if exemplar:
                        self._exemplars[number] = Exemplar(exemplar, amount, time.time())
                    break
            self.texts.clear()

    def values(self) -> Iterator[Value]:
        total = 0
        for number, bound in enumerate(self._bounds):
            total += self._numbers[number]
            yield "_bucket", {"le": as_text(bound)}, float(total), self._exemplars.get(number)
        yield "_count", {}, float(total), None
        yield "_sum", {}, self._sum, None


class Counts(Metric, Generic[S]):
    """One counter or histogram, all its series. A metric without labels has its one series from the start."""

    def __init__(self, spec: Spec, type_: Literal["counter", "histogram"], make: Callable[[Lock], S]) -> None:
        super().__init__(spec.full_name.removesuffix("_total"), spec.help, type_)
        self._names = spec.label_names
        self._make = make
        self._lock = Lock()
        self._series: dict[tuple[str, ...], S] = {}
        if not self._names:
            self.labels()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        """The registry keeps its collectors in a dictionary; the library's `Metric` cannot be in one."""
        return id(self)

    def labels(self, *values: str) -> S:
        """The series of these label values; from now on it exists."""
        found = self._series.get(values)
        if found is not None:
            return found
        if len(values) != len(self._names):
            raise ValueError(f"expected values of {', '.join(self._names) or 'no label'}, got {values}")
        with self._lock:
            return self._series.setdefault(values, self._make(self._lock))

    def known(self) -> list[tuple[str, ...]]:
        """The label values of all series."""
        return list(self._series)

    def remove(self, values: tuple[str, ...]) -> None:
        """End a series."""
        with self._lock:
            self._series.pop(values, None)

    def texts(self, write: Write) -> list[str]:
        """The lines of each series. Only what has counted since they were written the last time is written again."""
        with self._lock:
            return [one.texts.get(write) or self._written(values, one, write) for values, one in self._series.items()]

    def _written(self, labels: tuple[str, ...], one: S, write: Write) -> str:
        text = one.texts[write] = "".join(map(write, self._samples(labels, one)))
        return text

    def _samples(self, labels: tuple[str, ...], one: S) -> Iterator[Sample]:
        named = dict(zip(self._names, labels, strict=True))
        for suffix, more, value, exemplar in one.values():
            yield Sample(self.name + suffix, {**named, **more}, value, None, exemplar)

    @property
    def samples(self) -> list[Sample]:
        """All lines, for whoever else collects the registry."""
        with self._lock:
            return [sample for labels, one in self._series.items() for sample in self._samples(labels, one)]

    @samples.setter
    def samples(self, _: list[Sample]) -> None:
        """The library's constructor sets an empty list."""

    def collect(self) -> Iterable[Metric]:
        """As a collector of the library."""
        return (self,)

    def describe(self) -> Iterable[Metric]:
        """As a collector of the library."""
        return (self,)


class Counter(Counts[Count]):
    """A metric that counts."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, "counter", Count)

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Without labels."""
        self.labels().inc(amount, exemplar)


class Histogram(Counts[Distribution]):
    """A metric of sizes."""

    def __init__(self, spec: Spec) -> None:
        bounds = (*spec.buckets, float("inf"))
        super().__init__(spec, "histogram", lambda lock: Distribution(lock, bounds))

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Without labels."""
        self.labels().observe(amount, exemplar)
