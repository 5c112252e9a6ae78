"""Writes a registry as text for Prometheus, in its own format or as OpenMetrics: byte for byte what prometheus-client writes
(`tests/unit/streams/telemetry/metrics/test_exposition.py` compares them), in a third of the time.

With 200 connections a scrape has 17 000 lines, and the event loop waits for it. The library checks and escapes each name and
label of each line at each scrape. The text before a line's value never changes, so it is made once here.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_number: Callable[[float], str] = floatToGoString
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
        self._labels = dict(labels or {})
        self._before: dict[tuple[str, ...], str] = {}

    def write(self, accept: str) -> tuple[bytes, str]:
        """The registry as it is now, and its content type. `accept` is the header: who names OpenMetrics gets it."""
        if "application/openmetrics-text" in accept:
            return self._write(_open_family, with_exemplars=True, end="# EOF\n"), OPENMETRICS
        return self._write(_family, with_exemplars=False, end=""), TEXT

    def _write(self, head: Callable[[Metric], str], *, with_exemplars: bool, end: str) -> bytes:
        lines: list[str] = []
        before, first = self._before, self._first
        with _without_collection():
            for metric in self._registry.collect():
                lines.append(head(metric))
                if isinstance(metric, GaugeRows):
                    lines += self._rows(metric)
                    continue
                for sample in metric.samples:
                    key = (sample.name, *sample.labels.values())
                    begin = before.get(key)
                    if begin is None:
                        begin = before[key] = first(sample)
                    exemplar = _exemplar(sample) if with_exemplars and sample.exemplar is not None else ""
                    lines.append(f"{begin} {_number(sample.value)}{exemplar}\n")
        return ("".join(lines) + end).encode()

    def _rows(self, metric: GaugeRows) -> Iterator[str]:
        before, name = self._before, metric.name
        for labels, value in metric.rows:
            begin = before.get((name, *labels))
            if begin is None:
                begin = before[(name, *labels)] = self._first(metric.sample(labels, value))
            yield f"{begin} {_number(value)}\n"

    def _first(self, sample: Sample) -> str:
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
    return f" # {{{labels}}} {_number(found.value)}{at}"
