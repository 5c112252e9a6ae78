"""What a metric is, as a value: its name, type, labels and meaning. The registry, the tests and the documents are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

PREFIX = "lofty_ghl_"

Type = Literal["counter", "gauge", "histogram"]
Bound = Literal["connection", "budget", "operation", "topic", "status", "version", "process"]
Process = Literal["worker", "gateway", "supervisor"]
"""`supervisor`: what keeps several worker processes of one command running."""

"""What bounds the number of values of a label whose values are not listed: never a contact, never an e-mail."""

ALL = "*"
"""In `zeros`: every value of the label, as far as they are known at the start."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label: `values` is its closed set; where that is empty, `bound` says what its values are names of."""

    name: str
    values: tuple[str, ...] = ()
    bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric. `name` is without the prefix, and with the suffix that its type and unit give it.

    `by` are the processes that show it. `zeros` are label values with which a series exists from the start, at 0, so that
    `increase()` sees the first event and a panel of a healthy system is not empty.
    `is_live` says that a series exists only as long as its subject: such series are made again for each scrape.
    """

    name: str
    type: Type
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    by: tuple[Process, ...] = ("worker",)
    zeros: tuple[tuple[str, ...], ...] = ()
    is_live: bool = False

    @property
    def full_name(self) -> str:
        """The name on the wire."""
        return PREFIX + self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels' names, in order."""
        return tuple(label.name for label in self.labels)

    def zero_rows(self, known: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
        """The label values that exist from the start. `known` are the values of labels that are bound to something."""
        for row in self.zeros:
            columns = [
                (label.values or tuple(known.get(label.bound or "", ()))) if value == ALL else (value,)
                for label, value in zip(self.labels, row, strict=True)
            ]
            yield from product(*columns)


Reading = tuple[Spec, tuple[str, ...], float]
"""A gauge, the values of its labels, and what it reads now."""
