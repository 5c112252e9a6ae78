"""Writes a registry as text for Prometheus, in its own format or as OpenMetrics: byte for byte what prometheus-client writes
(`tests/unit/streams/telemetry/metrics/test_exposition.py` compares them), in a fraction of the time.

With 1,000 connections a scrape has 100 000 lines, and the event loop waits for it. The library checks and escapes each name and
label of each line at each scrape. Most lines are what they were at the last one, so they are kept: those of gauges here, those of
counters and histograms with what they count (`counts.py`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from streams.telemetry.metrics.counts import Counts, as_text

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


class GaugeRows(Metric):
    """The readings of one gauge, as label values and value: half of all lines, which need no object each to be written."""

    def __init__(self, name: str, documentation: str, label_names: tuple[str, ...]) -> None:
        super().__init__(name, documentation, "gauge")
        self.label_names = label_names
        self.rows: list[tuple[tuple[str, ...], float]] = []

    def sample(self, labels: tuple[str, ...], value: float) -> Sample:
        """One reading as the library knows it."""
        return Sample(self.name, dict(zip(self.label_names, labels, strict=True)), value)

    @property
    def samples(self) -> list[Sample]:
        """All of them, for whoever else collects the registry."""
        return [self.sample(labels, value) for labels, value in self.rows]

    @samples.setter
    def samples(self, _: list[Sample]) -> None:
        """The library's constructor sets an empty list."""


class Exposition:
    """Writes one registry, again and again. Names and labels are those of the catalogue: valid in both formats.

    `labels` are in every line: they tell apart the processes of one scrape.
    """

    def __init__(self, registry: CollectorRegistry, labels: Mapping[str, str] | None = None) -> None:
        self._registry = registry
        self._plain = _Format(dict(labels or {}), with_exemplars=False)
        self._open = _Format(dict(labels or {}), with_exemplars=True)
        self._gauges: dict[str, dict[tuple[str, ...], tuple[float, str]]] = {}
        """By metric and labels: the last value, and its line, which both formats write alike."""

    def write(self, accept: str) -> tuple[bytes, str]:
        """The registry as it is now, and its content type. `accept` is the header: who names OpenMetrics gets it."""
        if "application/openmetrics-text" in accept:
            return self._write(_open_family, self._open, end="# EOF\n"), OPENMETRICS
        return self._write(_family, self._plain, end=""), TEXT

    def _write(self, head: Callable[[Metric], str], write: _Format, *, end: str) -> bytes:
        lines: list[str] = []
        with _without_collection():
            for metric in self._registry.collect():
                lines.append(head(metric))
                if isinstance(metric, GaugeRows):
                    lines += self._rows(metric)
                elif isinstance(metric, Counts):
                    lines += metric.texts(write)
                else:
                    lines += map(write, metric.samples)
        return ("".join(lines) + end).encode()

    def _rows(self, metric: GaugeRows) -> Iterator[str]:
        known = self._gauges.setdefault(metric.name, {})
        for labels, value in metric.rows:
            last = known.get(labels)
            if last is not None and last[0] == value:
                yield last[1]
                continue
            begin = last[1][: last[1].rindex(" ")] if last else self._plain.begin(metric.sample(labels, value))
            line = f"{begin} {as_text(value)}\n"
            known[labels] = value, line
            yield line


class _Format:
    """Writes lines in one of both formats."""

    def __init__(self, labels: Mapping[str, str], *, with_exemplars: bool) -> None:
        self._labels = labels
        self._with_exemplars = with_exemplars

    def __call__(self, sample: Sample) -> str:
        exemplar = _exemplar(sample) if self._with_exemplars and sample.exemplar is not None else ""
        return f"{self.begin(sample)} {as_text(sample.value)}{exemplar}\n"

    def begin(self, sample: Sample) -> str:
        """The text before a value. Labels in the order of their names."""
        named = {**sample.labels, **self._labels}
        if not named:
            return sample.name
        labels = ",".join(f'{name}="{text.translate(_ESCAPED)}"' for name, text in sorted(named.items()))
        return f"{sample.name}{{{labels}}}"


@contextmanager
def _without_collection() -> Iterator[None]:
    """A hundred thousand samples live for a moment and none of them in a cycle.

    Python would look for cycles meanwhile, through all that the worker holds: up to half of the scrape.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _family(metric: Metric) -> str:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    return f"# HELP {name} {metric.documentation.translate(_HELP)}\n# TYPE {name} {metric.type}\n"


def _open_family(metric: Metric) -> str:
    text = metric.documentation.translate(_ESCAPED)
    return f"# HELP {metric.name} {text}\n# TYPE {metric.name} {metric.type}\n"


def _exemplar(sample: Sample) -> str:
    found = sample.exemplar
    assert found is not None
    labels = ",".join(f'{name}="{text.translate(_ESCAPED)}"' for name, text in sorted(found.labels.items()))
    at = f" {found.timestamp}" if found.timestamp is not None else ""
    return f" # {{{labels}}} {as_text(found.value)}{at}"
