"""Every dashboard of `grafana/` matches its source, can be parsed, and queries only metrics that exist."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.build.every import every_dashboard
from tests.compose.queries import substituted
from tests.grafana.lint.dashboards import dashboard_findings, data_panels
from tests.grafana.lint.promql import names
from tests.grafana.lint.rules import alerts
from tests.grafana.project import GRAFANA, catalogue, dashboards, headings, rule_files
from tests.grafana.promtool import promtool

Json = dict[str, Any]

EXPECTED = ("overview", "flow", "budgets", "vendors", "connection", "runtime", "runbook")
NOT_SHOWN: dict[str, str] = {}
"""Metrics that are on no dashboard and in no alert, each with its reason."""


def test_the_committed_json_is_what_the_source_generates() -> None:
    """Edit `grafana/build/`, then run `python -m grafana.build`."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in (GRAFANA / "dashboards").glob("*.json")}
    assert committed == every_dashboard(GRAFANA)


def test_there_is_a_dashboard_for_each_question() -> None:
    """The names are links in people's bookmarks; uids are unique."""
    assert set(dashboards()) == set(EXPECTED)
    assert len({one["uid"] for one in dashboards().values()}) == len(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_dashboard_passes_the_linter(name: str) -> None:
    """Titles, descriptions, units, legends, grid, links, and rates of counters only: see `tests/grafana/lint`."""
    assert dashboard_findings(dashboards()[name], catalogue(), headings()) == []


def test_every_metric_is_on_a_dashboard_or_in_an_alert() -> None:
    """What nobody sees need not be counted."""
    shown = [
        target["expr"] for one in dashboards().values() for panel in data_panels(one) for target in panel["targets"]
    ]
    shown += [
        rule["expr"] for content in rule_files().values() for group in content["groups"] for rule in group["rules"]
    ]
    unused = catalogue().unused(name for expr in shown for name in names(expr))
    assert sorted(set(unused) - set(NOT_SHOWN)) == []
    assert sorted(set(NOT_SHOWN) - set(unused)) == []


def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    """Each query, with Grafana's variables filled in, as a rule for `promtool`."""
    values = {"__rate_interval": "1m", "__range": "1h", "__range_s": "3600", "connection": ".*", "budget": ".*"}
    rules = [
        {"record": f"query:{name}:{number}", "expr": substituted(target["expr"], values)}
        for name, one in dashboards().items()
        for number, target in enumerate(target for panel in data_panels(one) for target in panel["targets"])
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", str(file))
    assert len(rules) > 50


def test_every_alert_is_told_of_on_a_dashboard() -> None:
    """Each alert's section of the runbook is linked from the panel that shows what it is about."""
    linked = {
        link["url"].rpartition("#")[2]
        for one in dashboards().values()
        for panel in data_panels(one)
        for link in panel["links"]
    }
    named = {name.lower() for content in rule_files().values() for name in alerts(content)}
    assert sorted(named - linked) == []


def test_provisioning_finds_what_it_names() -> None:
    """The data source's uid is the default of each dashboard's variable; the folder is where compose mounts them."""
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/lofty-ghl.yml").read_text(encoding="utf-8"))
    compose = (GRAFANA.parent / "docker-compose.yml").read_text(encoding="utf-8")
    uids = {
        variable["current"]["value"]
        for one in dashboards().values()
        for variable in one["templating"]["list"]
        if variable["type"] == "datasource"
    }
    assert uids == {source["datasources"][0]["uid"]}
    assert f"./grafana/dashboards:{provider['providers'][0]['options']['path']}:ro" in compose


Plant = Callable[[Json], None]


def _plant(path: str, value: Any) -> Plant:
    """Put a value at a path such as `panels.1.title` of a dashboard."""

    def put(dashboard: Json) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = dashboard
        for parent in parents:
            place = place[parent]
        place[last] = value

    return put


RATE = "rate(lofty_ghl_intake_total[$__rate_interval])"


@pytest.mark.parametrize(
    ("plant", "finding"),
    [
        (_plant("schemaVersion", 36), "schemaVersion"),
        (_plant("uid", "somewhere"), "uid"),
        (_plant("description", ""), "no description"),
        (_plant("panels.0.title", ""), "no title"),
        (_plant("panels.0.title", "B"), "appears 2 times"),
        (_plant("panels.0.id", 2), "appears 2 times"),
        (_plant("panels.0.type", "graph"), "'graph' is not one of"),
        (_plant("panels.0.description", "no sentence"), "must be a sentence"),
        (_plant("panels.0.links", []), "no link into the runbook"),
        (_plant("panels.0.links.0.url", "/d/lofty-ghl-runbook/runbook?viewPanel=1#nothing"), "leads to no section"),
        (_plant("panels.0.links.0.url", "https://example.com"), "neither to a dashboard nor to the console"),
        (_plant("panels.0.datasource", {"type": "prometheus", "uid": "abc"}), "must be the variable"),
        (_plant("panels.0.fieldConfig.defaults.unit", ""), "no unit"),
        (
            _plant("panels.0.fieldConfig.defaults.thresholds.steps", [{"value": 3, "color": "red"}]),
            "thresholds must begin",
        ),
        (_plant("panels.0.fieldConfig.defaults.min", None), "needs a minimum"),
        (_plant("panels.0.targets", []), "has no query"),
        (_plant("panels.0.targets.0.legendFormat", "__auto"), "no legend"),
        (_plant("panels.0.targets.0.instant", True), "must query a range"),
        (_plant("panels.0.targets.0.expr", "lofty_ghl_nothing"), "which is no metric"),
        (_plant("panels.0.targets.0.expr", "rate(lofty_ghl_paused[$__rate_interval])"), "which is no counter"),
        (_plant("panels.0.targets.0.expr", "sum(lofty_ghl_intake_total)"), "only ever grows"),
        (_plant("panels.0.targets.0.expr", RATE.replace("$__rate_interval", "5m")), "fixed range [5m]"),
        (
            _plant("panels.0.targets.0.expr", RATE.replace("intake_total", 'intake_total{vendor="$who"}')),
            "$who is used",
        ),
        (
            _plant(
                "panels.0.targets.0.expr",
                "histogram_quantile(0.9, rate(lofty_ghl_freshness_seconds_bucket[$__rate_interval]))",
            ),
            "quantile of something other",
        ),
        (_plant("panels.1.gridPos", {"x": 8, "y": 0, "w": 16, "h": 4}), "overlap"),
        (_plant("panels.1.gridPos", {"x": 14, "y": 0, "w": 10, "h": 4}), "gap"),
        (_plant("panels.1.gridPos", {"x": 12, "y": 0, "w": 14, "h": 4}), "beyond the 24 columns"),
        (_plant("templating.list", []), "$datasource"),
    ],
)
def test_a_planted_fault_is_found(plant: Plant, finding: str) -> None:
    """The linter sees what it is there to see, and nothing on the sound dashboard before."""
    sound = _sound()
    assert dashboard_findings(sound, catalogue(), headings()) == []
    planted = copy.deepcopy(sound)
    plant(planted)
    found = dashboard_findings(planted, catalogue(), headings())
    assert any(finding in one for one in found), found


def _sound() -> Json:
    """A dashboard of two panels with nothing wrong."""
    from grafana.build.dashboard import Band, Dashboard
    from grafana.build.panel import Query
    from grafana.build.panels import lines

    both = tuple(
        lines(title, "How many.", Query(RATE, "{{vendor}}"), unit="short", width=12, see="First look") for title in "AB"
    )
    return Dashboard("sound", "Sound", "For a test: is it sound?", (Band(4, both),)).json()


def test_every_dashboard_has_its_question_in_the_readme() -> None:
    """One sentence for each: for whom it is, and which question it answers."""
    readme = (GRAFANA / "README.md").read_text(encoding="utf-8")
    questions = {name: dashboard["description"] for name, dashboard in dashboards().items() if name != "runbook"}
    assert {name for name, question in questions.items() if question not in readme} == set()
