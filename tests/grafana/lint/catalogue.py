"""What queries may use: the metrics of the product, of its processes, of Prometheus, and the recorded series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["counter", "gauge", "histogram"]

OF_EVERY_PROCESS: Mapping[str, Type] = {
    "process_start_time_seconds": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_cpu_seconds": "counter",
    "process_open_fds": "gauge",
    "process_max_fds": "gauge",
}
"""Of Prometheus' client library, on Linux."""

OF_PROMETHEUS: Mapping[str, Type] = {"up": "gauge", "scrape_duration_seconds": "gauge", "ALERTS": "gauge"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`product` holds our own metrics without the suffixes of counters and histograms."""

    product: Mapping[str, Type]
    recorded: frozenset[str] = frozenset()

    def knows(self, series: str) -> bool:
        """Whether a name of a query is a series that can exist."""
        return series in self.recorded or self._base(series) is not None

    def is_counter(self, series: str) -> bool:
        """Whether the series only grows: a counter, or a part of a histogram."""
        found = self._base(series)
        return found is not None and found[1] in {"counter", "histogram"}

    def unused(self, series: Iterable[str]) -> list[str]:
        """Our metrics to which none of the series belongs."""
        used = {found[0] for name in series if (found := self._base(name)) is not None}
        return sorted(name for name in self.product if name not in used)

    def _base(self, series: str) -> tuple[str, Type] | None:
        metrics = {**OF_EVERY_PROCESS, **OF_PROMETHEUS, **self.product}
        for name, kind, ends in (
            (series, "gauge", True),
            (series.removesuffix("_total"), "counter", series.endswith("_total")),
            *((series.removesuffix(end), "histogram", series.endswith(end)) for end in ("_bucket", "_count", "_sum")),
        ):
            if ends and metrics.get(name) == kind:
                return name, metrics[name]
        return None
