"""The contents of `grafana/`, read once: dashboards, rules, unit tests, runbook, and the catalogue of metrics that they may use."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from grafana.build.runbook import sections
from streams.telemetry.metrics.catalogue import CATALOGUE
from tests.grafana.lint.catalogue import Catalogue, Type
from tests.grafana.lint.rules import recorded

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "grafana"


@cache
def dashboards() -> dict[str, Json]:
    """File name without ending → the committed dashboard."""
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@cache
def rule_files() -> dict[str, Json]:
    """File name → the committed rules."""
    return _yaml("prometheus/rules")


@cache
def rule_tests() -> dict[str, Json]:
    """File name → promtool's unit tests."""
    return _yaml("prometheus/tests")


@cache
def runbook() -> str:
    """The text of the runbook."""
    return (GRAFANA / "RUNBOOK.md").read_text(encoding="utf-8")


def headings() -> frozenset[str]:
    """The runbook's sections; its introduction is one."""
    return frozenset(section.heading for section in sections(runbook()))


@cache
def catalogue() -> Catalogue:
    """Every metric that the code declares, and every series that the rules record."""
    product: dict[str, Type] = {spec.full_name.removesuffix("_total"): spec.type for spec in CATALOGUE}
    return Catalogue(product, frozenset().union(*(recorded(content) for content in rule_files().values())))


def _yaml(folder: str) -> dict[str, Json]:
    return {
        file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((GRAFANA / folder).glob("*.yml"))
    }
