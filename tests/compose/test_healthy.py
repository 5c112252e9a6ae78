"""On a healthy system every panel shows something, every rule has what it reads, and no alert fires.

The system is that of `docker compose --profile demo up`, run natively, with the very files of `grafana/`.
"""

from __future__ import annotations

import time

import pytest

from tests.compose.excuses import EXCUSED
from tests.compose.queries import Query, alert_queries, panel_queries, rule_queries, selectors
from tests.compose.stage import DASHBOARDS, RULES, Stage

PANELS, RECORDED, ALERTS = list(panel_queries(DASHBOARDS)), list(rule_queries(RULES)), list(alert_queries(RULES))
WARM_SECONDS = 300.0
"""So long at most until everything has happened once: an agency's hour, a full sweep, a second value of each rate."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]


@pytest.fixture(scope="module")
def warm(running: Stage) -> Stage:
    """The running system, once all of it has happened."""
    asked = [one for one in (*PANELS, *RECORDED) if one.where not in EXCUSED]
    deadline = time.monotonic() + WARM_SECONDS
    while time.monotonic() < deadline and any(running.wrong(one, running.variables()) for one in asked):
        time.sleep(2)
    return running


def test_everything_is_scraped(warm: Stage) -> None:
    """Workers, gateways, and Prometheus itself."""
    assert warm.prometheus.targets() == {"worker": "up", "gateway": "up", "prometheus": "up"}


def test_every_rule_is_evaluated(warm: Stage) -> None:
    """None ends in an error."""
    assert warm.prometheus.broken_rules() == []


@pytest.mark.parametrize("query", [one for one in PANELS if one.where not in EXCUSED], ids=str)
def test_a_panel_shows_something(warm: Stage, query: Query) -> None:
    """Its query is neither empty nor an error, and its values are numbers."""
    assert warm.wrong(query, warm.variables()) is None


def test_panels_of_troubles_are_quiet(warm: Stage) -> None:
    """They can be evaluated, and are empty for the reason that is given; a fault makes each appear."""
    values = warm.variables()
    found = {one.where: warm.wrong(one, values) for one in PANELS if one.where in EXCUSED}
    assert {where: wrong for where, wrong in found.items() if wrong != "is empty"} == {}, (
        "they no longer need an excuse"
    )


@pytest.mark.parametrize("query", [one for one in RECORDED if one.where not in EXCUSED], ids=str)
def test_a_rule_records_something(warm: Stage, query: Query) -> None:
    """The recorded series is there, and a number."""
    assert warm.wrong(Query(query.where, query.where), {}) is None


@pytest.mark.parametrize("query", ALERTS, ids=str)
def test_an_alert_has_what_it_reads(warm: Stage, query: Query) -> None:
    """Each series that its expression names is there, so that it can fire; whether it does is another test's."""
    missing = [one for one in selectors(query.expr) if one not in EXCUSED and not warm.prometheus.query(one)]
    assert missing == []
    assert warm.wrong(query, {}) == "is empty"


def test_no_alert_fires(warm: Stage) -> None:
    """Nor did any since the start."""
    assert warm.fired(warm.calm_since) == set()


def test_excuses_are_of_queries_that_exist() -> None:
    """An excuse that nothing needs hides the next mistake."""
    known = {one.where for one in (*PANELS, *RECORDED)} | {name for one in ALERTS for name in selectors(one.expr)}
    assert EXCUSED.keys() <= known
