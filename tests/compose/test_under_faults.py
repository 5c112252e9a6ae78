"""Each fault raises its alert in the real Prometheus within the promised time, Alertmanager hears of it, and nothing else fires.

All share one system, one after another; each is healed, and the next begins only once no alert is left.
"""

from __future__ import annotations

import time

import pytest

from tests.compose.asking import told_alertmanager
from tests.compose.excuses import EXCUSED
from tests.compose.faults import FACTORS, FAULTS, Fault
from tests.compose.queries import Query, alert_queries, panel_queries, rule_queries
from tests.compose.stage import DASHBOARDS, FACTOR, RULES, Stage

CALM_SECONDS = 100.0
"""A budget that lost its access tries again after a minute."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

QUERIES = {one.where: one for one in (*panel_queries(DASHBOARDS), *rule_queries(RULES))}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_raises_its_alert_and_no_other(running: Stage, fault: Fault) -> None:
    """Within the promised time; what is empty only while all is well shows something now."""
    running.until(lambda: not running.prometheus.alerts(), CALM_SECONDS, f"calm before: {running.prometheus.alerts()}")
    began = time.time()
    fault.inject(running.system)
    try:
        within = fault.rule_seconds / FACTORS.get(fault.alert, FACTOR) + fault.real_seconds
        took = running.until(lambda: fault.alert in running.prometheus.alerts(), within, f"{fault.alert} fires")
        running.until(lambda: fault.alert in told_alertmanager(running.alertmanager), 10, "Alertmanager hears of it")
        excused = [QUERIES.get(where, Query(where, where)) for where, one in EXCUSED.items() if one.fault == fault.name]
        values = running.variables()
        quiet = {one.where: running.wrong(one, values) for one in excused if running.wrong(one, values)}
    finally:
        fault.heal(running.system)
    if fault.is_over_when_healed:
        running.until(lambda: not running.prometheus.alerts(), CALM_SECONDS, f"calm again after {fault.name}")
    fired = running.fired(began)
    print(f"{fault.name}: {fault.alert} fired after {took:.0f} s of {within:.0f}; all: {', '.join(sorted(fired))}")
    assert quiet == {}
    assert fired - {fault.alert} <= fault.along.keys()


def test_every_fault_raises_an_alert_that_exists() -> None:
    """And what may come along exists, too; excuses name faults that are injected."""
    alerts = {one.where for one in alert_queries(RULES)}
    named = {fault.alert for fault in FAULTS} | {name for fault in FAULTS for name in fault.along}
    assert named <= alerts
    assert {one.fault for one in EXCUSED.values()} <= {fault.name for fault in FAULTS}
