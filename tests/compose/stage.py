"""The stage of the tests: the demo, with Prometheus' time running faster, and what a dashboard's variables stand for."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.compose.asking import Prometheus, Refused, what_is_wrong
from tests.compose.queries import Query, constants, substituted, variables
from tests.compose.rewriting import NO_FACTORS, rewriting
from tests.compose.system import ROOT, System, system, until_healthy
from tests.deadlines import within

DASHBOARDS = ROOT / "grafana" / "dashboards"
RULES = ROOT / "grafana" / "prometheus" / "rules"
FACTOR = 15.0
"""A minute of the rules is four seconds here."""


@dataclass(slots=True, repr=False)
class Stage:
    """What stands."""

    system: System
    prometheus: Prometheus
    calm_since: float = 0.0
    """When everything ran and no alert was left. The start does not run faster, so alerts may fire in it."""

    @property
    def alertmanager(self) -> str:
        """Its address."""
        return self.system.url("alertmanager", 9093)

    def variables(self) -> dict[str, str]:
        """Values as Grafana would fill them in: for All and for several the pattern of all, intervals of a short look back."""
        intervals = {
            "__rate_interval": "20s",
            "__interval": "5s",
            "__range": "60s",
            "__range_s": "60",
            "__range_ms": "60000",
        }
        asked = {one.name: "|".join(self.prometheus.values(one.metric, one.label)) for one in variables(DASHBOARDS)}
        return {**constants(DASHBOARDS), **intervals, **asked}

    def wrong(self, query: Query, values: dict[str, str]) -> str | None:
        """What is wrong with a query's answer, now."""
        try:
            return what_is_wrong(self.prometheus.query(substituted(query.expr, values)))
        except Refused as error:
            return f"is refused: {error}"

    def fired(self, since: float) -> set[str]:
        """The names of the alerts that fired at any time since then (seconds since the epoch)."""
        seconds = max(1, int(time.time() - since))
        found = self.prometheus.query(f'count_over_time(ALERTS{{alertstate="firing"}}[{seconds}s])')
        return {one.labels["alertname"] for one in found}

    def has_settled(self) -> bool:
        """The leads with which the agencies began are in GHL, and little is on its way."""
        links = self.prometheus.query("sum(lofty_ghl_links)")
        waits = self.prometheus.query('sum(lofty_ghl_waiting{priority="live"})')
        return bool(links and links[0].value >= 80 and waits and waits[0].value < 10)

    def until(self, claim: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until a claim holds; returns how long it took. Raises TimeoutError."""
        began = time.monotonic()
        while not claim():
            if time.monotonic() - began > within(seconds):
                raise TimeoutError(f"not within {within(seconds):.0f} s: {what}")
            time.sleep(0.2)
        return time.monotonic() - began


@contextmanager
def stage(factor: float = FACTOR, factors: Mapping[str, float] = NO_FACTORS) -> Iterator[Stage]:
    """Everything of `docker compose --profile demo up`, healthy. `factors`: alerts whose time runs at another speed."""
    with (
        tempfile.TemporaryDirectory(prefix="lofty-ghl-compose-") as folder,
        system(Path(folder), "demo", rewriting(factor, factors)) as found,
    ):
        until_healthy(found)
        on = Stage(found, Prometheus(found.url("prometheus", 9090)))
        on.until(lambda: set(on.prometheus.targets().values()) == {"up"}, 30, "everything is scraped")
        on.until(lambda: not on.prometheus.alerts(), 30, "nothing fires after the start")
        on.calm_since = time.time()
        yield on
