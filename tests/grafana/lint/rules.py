"""The rules for every alert, every recording rule and their unit tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from grafana.build.runbook import runbook_path
from tests.compose.prometheus_files import seconds_of
from tests.grafana.lint.catalogue import Catalogue
from tests.grafana.lint.promql import names, quantiles_are_sound, rated

Json = dict[str, Any]

SEVERITIES = frozenset({"page", "ticket"})
MOST_FOR_SECONDS = 1800.0
GRAFANA = "{{ $externalLabels.grafana }}"


def rule_findings(content: Json, catalogue: Catalogue, headings: frozenset[str]) -> list[str]:
    """Every breach in one file of rules."""
    found: list[str] = []
    for group in content["groups"]:
        for rule in group["rules"]:
            where = rule.get("alert") or rule.get("record")
            findings = _alert(rule, headings) if "alert" in rule else _recorded(rule)
            found += [f"{where}: {text}" for text in (*findings, *_expr(rule["expr"], catalogue))]
    return found


def alerts(content: Json) -> dict[str, Json]:
    """The alerts of a file, by name. If an alert has several rules, the last one is returned."""
    return {rule["alert"]: rule for group in content["groups"] for rule in group["rules"] if "alert" in rule}


def recorded(content: Json) -> frozenset[str]:
    """The series that a file records."""
    return frozenset(rule["record"] for group in content["groups"] for rule in group["rules"] if "record" in rule)


def unit_test_findings(names_of_alerts: frozenset[str], tests: list[Json]) -> list[str]:
    """Each alert has a unit test in which it fires, and one in which it stays silent."""
    fires: set[str] = set()
    silent: set[str] = set()
    for test in (test for content in tests for test in content["tests"]):
        for case in test.get("alert_rule_test", []):
            (fires if case.get("exp_alerts") else silent).add(case["alertname"])
    found = [f"{name}: no test in which it fires" for name in sorted(names_of_alerts - fires)]
    found += [f"{name}: no test in which it stays silent" for name in sorted(names_of_alerts - silent)]
    found += [f"{name}: is tested and does not exist" for name in sorted((fires | silent) - names_of_alerts)]
    return found


def _alert(rule: Json, headings: frozenset[str]) -> Iterator[str]:
    labels, notes = rule.get("labels", {}), rule.get("annotations", {})
    if not re.fullmatch(r"LoftyGhl[A-Z][A-Za-z]+", rule["alert"]):
        yield "an alert's name must begin with LoftyGhl"
    if labels.get("severity") not in SEVERITIES:
        yield f"severity must be one of {sorted(SEVERITIES)}, got {labels.get('severity')!r}"
    for key in ("summary", "description", "runbook_url"):
        if not notes.get(key, "").strip():
            yield f"it has no {key}"
    if not notes.get("description", "").strip().endswith((".", "?")):
        yield "the description must be made of sentences"
    known = {GRAFANA + runbook_path(heading) for heading in headings}
    if notes.get("runbook_url") not in known:
        yield f"{notes.get('runbook_url')!r} leads to no section of the runbook"
    if "for" not in rule:
        yield "it fires at once: write `for: 0s` if that is intended"
    elif seconds_of(str(rule["for"])) > MOST_FOR_SECONDS:
        yield f"it waits {rule['for']} before it fires"


def _recorded(rule: Json) -> Iterator[str]:
    if not re.fullmatch(r"lofty_ghl:[a-z0-9_]+:[a-z0-9_]+", rule["record"]):
        yield "a recorded series must be named lofty_ghl:WHAT:HOW"


def _expr(expr: str, catalogue: Catalogue) -> Iterator[str]:
    yield from (f"queries {name}, which is no metric" for name in sorted(names(expr)) if not catalogue.knows(name))
    yield from (
        f"takes the rate of {name}, which is no counter"
        for name in sorted(rated(expr))
        if not catalogue.is_counter(name)
    )
    if not quantiles_are_sound(expr):
        yield "takes a quantile of something other than sum by (le) of a rate"
