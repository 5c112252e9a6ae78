"""Prometheus' configuration, recording rules and alerts, and Alertmanager's: checked by their own tools, and linted."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import streams.settings
from tests.contract.test_deployment import command
from tests.grafana.lint.rules import alerts, rule_findings, unit_test_findings
from tests.grafana.project import GRAFANA, catalogue, dashboards, headings, rule_files, rule_tests, runbook
from tests.grafana.promtool import amtool, promtool

Json = dict[str, Any]

PROMETHEUS = GRAFANA / "prometheus"
EVERY_ALERT = frozenset(name for content in rule_files().values() for name in alerts(content))


def test_prometheus_reads_its_configuration_and_rules() -> None:
    """`promtool check config` follows the names of the rule files, too."""
    said = promtool("check", "config", "prometheus.yml", cwd=PROMETHEUS)
    assert f"{len(rule_files())} rule files found" in said


DAYS = "freshness.yml"
"""Looks at hours of evaluations, every fifteen seconds: promtool takes as long as for all others together."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=pytest.mark.thorough) if one == DAYS else one for one in sorted(rule_tests())],
)
def test_promtool_finds_that_alerts_fire_and_stay_silent(name: str) -> None:
    """`promtool test rules`."""
    assert "SUCCESS" in promtool("test", "rules", name, cwd=PROMETHEUS / "tests")


@pytest.mark.parametrize("name", sorted(rule_files()))
def test_rules_pass_the_linter(name: str) -> None:
    """Severity, summary, description, a runbook section, known metrics, rates of counters only."""
    assert rule_findings(rule_files()[name], catalogue(), headings()) == []


def test_each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """An alert that cannot fire, or always does, is found before it is needed."""
    assert unit_test_findings(EVERY_ALERT, list(rule_tests().values())) == []


def test_each_alert_has_its_own_section_in_the_runbook_and_no_section_is_left_over() -> None:
    """A section is named as its alert."""
    named = {heading for heading in headings() if heading.startswith("LoftyGhl")}
    assert named == EVERY_ALERT


def test_the_runbook_speaks_of_alerts_that_exist() -> None:
    """Also where one section sends the reader to another."""
    words = {word.strip(".,;:()`|") for word in runbook().split()}
    assert {word for word in words if word.startswith("LoftyGhl")} <= EVERY_ALERT


def test_the_runbook_names_commands_and_options_that_exist() -> None:
    """At 3 a.m. nobody guesses how a command is spelt."""
    said = re.findall(r"`lofty-ghl ([^`]+)`", runbook())
    unknown = []
    for line in said:
        found, left = command(line.split())
        options = {option for parameter in found.params for option in parameter.opts}
        unknown += [f"{line}: {word}" for word in left if word.startswith("--") and word not in options]
    assert len(said) > 20
    assert unknown == []


def test_the_runbook_names_panels_that_exist() -> None:
    """`*Flow*, "Deliveries, by what was answered"` is there to be found."""
    titles = {one["title"]: {panel["title"] for panel in one["panels"]} for one in dashboards().values()}
    named = re.findall(r'\*(\w+)\*, "([^"]+?)[,.]?"', runbook())
    assert len(named) > 8
    assert [(page, panel) for page, panel in named if not any(panel in one for one in titles.get(page, ()))] == []


def test_the_runbook_names_settings_that_exist() -> None:
    """Each is in the example of the configuration file."""
    example = (Path(streams.settings.__file__).parent / "example.toml").read_text(encoding="utf-8")
    settings = re.findall(r"`(?:gateway\.|ghl\.|worker\.)*([a-z]+_[a-z_]+)(?: = [^`]*)?`", runbook())
    assert len(settings) > 4
    assert [one for one in settings if one not in example] == []


def test_alertmanager_reads_its_configuration() -> None:
    """`amtool check-config`."""
    assert "SUCCESS" in amtool("check-config", str(GRAFANA / "alertmanager" / "alertmanager.yml"))


def test_alertmanager_holds_back_only_alerts_that_exist() -> None:
    """A misspelt name in an inhibition would hold back nothing, in silence."""
    content = yaml.safe_load((GRAFANA / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    named = {
        word
        for rule in content["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        for word in matcher.partition("alertname")[2].strip('=~"').split("|")
        if word
    }
    assert named
    assert named <= EVERY_ALERT


@pytest.mark.parametrize(
    ("key", "value", "finding"),
    [
        ("alert", "TooLate", "begin with LoftyGhl"),
        ("labels", {"severity": "bad"}, "severity must be one of"),
        ("annotations", {}, "no summary"),
        ("for", "2h", "it waits 2h"),
        ("expr", "lofty_ghl_nothing > 1", "which is no metric"),
        ("expr", "rate(lofty_ghl_paused[5m]) > 1", "which is no counter"),
        ("expr", "histogram_quantile(0.9, lofty_ghl_freshness_seconds_bucket) > 1", "quantile of something other"),
    ],
)
def test_a_planted_fault_in_an_alert_is_found(key: str, value: Any, finding: str) -> None:
    """The linter sees what it is there to see."""
    sound = next(
        rule
        for content in rule_files().values()
        for group in content["groups"]
        for rule in group["rules"]
        if "alert" in rule
    )
    planted = {**copy.deepcopy(sound), key: value}
    found = rule_findings({"groups": [{"name": "planted", "rules": [planted]}]}, catalogue(), headings())
    assert any(finding in one for one in found), found


def test_an_alert_without_a_test_is_found() -> None:
    """A case without expected alerts is one in which it stays silent."""
    fires = {"alert_rule_test": [{"alertname": "LoftyGhlA", "exp_alerts": [{}]}]}
    found = unit_test_findings(frozenset({"LoftyGhlA", "LoftyGhlB"}), [{"tests": [fires]}])
    assert found == [
        "LoftyGhlB: no test in which it fires",
        "LoftyGhlA: no test in which it stays silent",
        "LoftyGhlB: no test in which it stays silent",
    ]
