"""Keeps the metrics of single connections and budgets to those that need a look; all others are together one: `OTHERS`. Pure.

With a thousand connections a scrape of all is 8 MB. Sums over all series stay what they are in both modes: a counter's increments
go to a connection's own series while it is shown, and to those of the others otherwise, and both only grow; gauges that can be
added up are. So an alert or a panel over all connections asks the same in both modes. What an alert asks of a single connection is
shown before the alert would be raised (`streams/core/attention.py`), or always, where it counts (`sweeps_total`, `left_out_total`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from streams.telemetry.metrics import catalogue as c
from streams.telemetry.metrics.spec import Reading, Spec

OTHERS = "(others)"
"""No connection and no budget is called that."""

FOLDED_COUNTS = (c.FRESHNESS, c.READS, c.WRITES, c.UNCHANGED, c.LOFTY_WRITES, c.PAUSES)
"""Counters and histograms of which only what is shown has series of its own. `SWEEPS` and `LEFT_OUT` stay: alerts count them."""

_ADDED = (
    *(c.PARKED_OPEN, c.LINKS, c.CONFLICTS, c.OTHER_DEPLOYMENTS, c.UNDELIVERED, c.ON_HOLD, c.CONNECTION_PAUSED),
    *(c.SWEEP_RUNNING, c.SWEEP_CHANGES, c.SWEEP_SEEN, c.SWEEP_KNOWN),
    *(c.WAITING, c.BLOCKED, c.WAITING_FOR_QUOTA, c.IN_FLIGHT, c.IN_FLIGHT_LIMIT, c.WINDOW_USED, c.WINDOW_LIMIT),
)
_HIGHEST = (
    *(c.UNDELIVERED_SECONDS, c.OPT_OUT_SECONDS, c.SETTLE_SECONDS, c.SWEEP_ENDED),
    *(c.PAUSED, c.SWEEP_LOAD, c.SWEEP_FORECAST),
)
RULES: dict[str, Literal["added", "highest"]] = {
    **{spec.name: "added" for spec in _ADDED},
    **{spec.name: "highest" for spec in _HIGHEST},
}
"""What the others have together. The gauges that are not here have no meaning for several: the others have none."""

SHOWN_LOAD = 0.7
"""Limits of Lofty whose sweeps take more than this are shown: the alert is at 0.9."""


def labelled_by(spec: Spec) -> int | None:
    """Which label names a connection or a budget; None for a metric of the whole process."""
    return next((at for at, label in enumerate(spec.labels) if label.name in ("connection", "budget")), None)


_LABELLED = {spec.name: at for spec in c.CATALOGUE if (at := labelled_by(spec)) is not None}
"""The metrics of single connections and budgets, and which label names these."""
_OF_CONNECTIONS = frozenset(spec.name for spec in c.CATALOGUE if "connection" in spec.label_names)
_ALONE = (OTHERS,)


def folded(
    readings: Iterable[Reading], connections: Collection[str], budgets: Collection[tuple[str, str]]
) -> Iterator[Reading]:
    """The readings of the process, of the connections and budgets (dispatcher, name) that are shown, and of the others together."""
    rest: dict[str, tuple[Spec, dict[tuple[str, ...], float]]] = {}
    lofty_budgets = {name for dispatcher, name in budgets if dispatcher == "read"}
    for reading in readings:
        spec, labels, value = reading
        name = spec.name
        at = _LABELLED.get(name)
        if at is None:
            yield reading
            continue
        if name in _OF_CONNECTIONS:
            is_shown = labels[at] in connections
        elif at == 0:  # a limit of Lofty, without a dispatcher
            is_shown = labels[0] in lofty_budgets or (spec is c.SWEEP_LOAD and value > SHOWN_LOAD)
        else:
            is_shown = (labels[0], labels[at]) in budgets
        if is_shown:
            yield reading
        elif (rule := RULES.get(name)) is not None:
            _, values = rest.get(name) or rest.setdefault(name, (spec, {}))
            key = _ALONE if len(labels) == 1 else (*labels[:at], OTHERS, *labels[at + 1 :])
            before = values.get(key, 0.0)
            values[key] = before + value if rule == "added" else (value if value > before else before)
    for spec, values in rest.values():
        yield from ((spec, labels, value) for labels, value in values.items())
