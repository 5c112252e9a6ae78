"""The rules for every dashboard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from grafana.build.runbook import panel_number, runbook_path
from tests.grafana.lint.catalogue import Catalogue
from tests.grafana.lint.promql import names, quantiles_are_sound, ranges, rated, variables

Json = dict[str, Any]

KINDS = frozenset({"stat", "timeseries", "table", "gauge", "bargauge", "heatmap"})
WITHOUT_DATA = frozenset({"row", "text"})
INSTANT = frozenset({"table", "gauge", "bargauge"})
OWN_VARIABLES = frozenset({"__rate_interval", "__interval", "__range", "__range_s"})
LEAST_SCHEMA = 39
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard_findings(dashboard: Json, catalogue: Catalogue, headings: frozenset[str]) -> list[str]:
    """Every breach, one sentence each; `headings` are the runbook's sections."""
    found = [*_frame(dashboard), *_grid(dashboard["panels"]), *_variables(dashboard)]
    for panel in dashboard["panels"]:
        where = f"panel {panel.get('title')!r}"
        found += [f"{where}: {finding}" for finding in _panel(panel, catalogue, headings)]
    return found


def data_panels(dashboard: Json) -> list[Json]:
    """The panels with queries."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in WITHOUT_DATA]


def _frame(dashboard: Json) -> Iterator[str]:
    if dashboard.get("schemaVersion", 0) < LEAST_SCHEMA:
        yield f"schemaVersion must be at least {LEAST_SCHEMA}, got {dashboard.get('schemaVersion')}"
    if not re.fullmatch(r"lofty-ghl-[a-z]+", dashboard.get("uid", "")):
        yield f"a uid must begin with lofty-ghl-, got {dashboard.get('uid')!r}"
    for key in ("title", "description", "tags", "refresh", "time"):
        if not dashboard.get(key):
            yield f"it has no {key}"
    for what in ("id", "title"):
        counts = Counter(panel.get(what) for panel in dashboard["panels"])
        yield from (f"the {what} {value!r} appears {n} times" for value, n in counts.items() if n > 1)


def _grid(panels: list[Json]) -> Iterator[str]:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in panels:
        grid = panel["gridPos"]
        taken.update(
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        )
    rows = max((y for _, y in taken), default=-1) + 1
    if twice := [cell for cell, n in taken.items() if n > 1]:
        yield f"panels overlap at {min(twice)}"
    if outside := [cell for cell in taken if cell[0] >= 24]:
        yield f"a panel is beyond the 24 columns at {min(outside)}"
    if gaps := [(x, y) for x in range(24) for y in range(rows) if (x, y) not in taken]:
        yield f"the grid has a gap at {min(gaps)}"


def _variables(dashboard: Json) -> Iterator[str]:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    texts = [target["expr"] for panel in data_panels(dashboard) for target in panel["targets"]]
    texts += [link["url"] for panel in dashboard["panels"] for link in panel.get("links", [])]
    texts += [panel["datasource"]["uid"] for panel in data_panels(dashboard) if "datasource" in panel]
    texts += [link["url"] for link in dashboard["links"]]
    used = frozenset().union(*(variables(text) for text in texts)) - OWN_VARIABLES
    used = frozenset(name for name in used if not name.startswith("__"))
    yield from (f"the variable ${name} is used and not defined" for name in sorted(used - defined))
    yield from (f"the variable ${name} is defined and not used" for name in sorted(defined - used))


def _panel(panel: Json, catalogue: Catalogue, headings: frozenset[str]) -> Iterator[str]:
    kind = panel["type"]
    if not panel.get("title"):
        yield "it has no title"
    yield from _links(panel, headings)
    if kind in WITHOUT_DATA:
        return
    if kind not in KINDS:
        yield f"{kind!r} is not one of {sorted(KINDS)}"
        return
    if not panel.get("description", "").endswith("."):
        yield "the description must be a sentence"
    if panel.get("datasource") != DATASOURCE:
        yield "its data source must be the variable ${datasource}"
    if not any(link["url"].startswith("/d/lofty-ghl-runbook/") for link in panel.get("links", [])):
        yield "it has no link into the runbook"
    yield from _field(kind, panel["fieldConfig"]["defaults"])
    if not panel.get("targets"):
        yield "it has no query"
    refs = Counter(target.get("refId") for target in panel.get("targets", []))
    yield from (f"the refId {ref!r} appears {n} times" for ref, n in refs.items() if n > 1)
    for target in panel.get("targets", []):
        yield from _target(kind, target, catalogue)


def _field(kind: str, field: Json) -> Iterator[str]:
    if not field.get("unit"):
        yield "it has no unit"
    steps = [step["value"] for step in field.get("thresholds", {}).get("steps", [])]
    if not steps or steps[0] is not None or steps[1:] != sorted(steps[1:]):
        yield f"thresholds must begin without a value and ascend, got {steps}"
    if kind in {"gauge", "bargauge"} and (field.get("min") is None or (kind == "gauge" and field.get("max") is None)):
        yield "a gauge needs a minimum and a maximum"
    if kind == "timeseries" and field.get("min") is None:
        yield "a graph needs a minimum, or its axis begins anywhere"
    if kind in {"gauge", "bargauge"} and field.get("unit") == "percentunit" and field.get("max") != 1:
        yield "the maximum of a share must be 1"


def _target(kind: str, target: Json, catalogue: Catalogue) -> Iterator[str]:
    expr = target["expr"]
    if target.get("datasource") != DATASOURCE:
        yield f"the data source of {target.get('refId')} must be the variable ${{datasource}}"
    if not target.get("legendFormat") or target["legendFormat"] == "__auto":
        yield f"{expr!r} has no legend"
    if target.get("instant") is not (kind in INSTANT) or target.get("range") is not (kind not in INSTANT):
        yield f"a {kind} must query {'an instant' if kind in INSTANT else 'a range'}"
    yield from (
        f"{expr!r} queries {name}, which is no metric" for name in sorted(names(expr)) if not catalogue.knows(name)
    )
    for name in sorted(rated(expr)):
        if not catalogue.is_counter(name):
            yield f"{expr!r} takes the rate of {name}, which is no counter"
    for name in sorted(names(expr) - rated(expr)):
        if catalogue.is_counter(name):
            yield f"{expr!r} shows the counter {name} itself, which only ever grows"
    if not quantiles_are_sound(expr):
        yield f"{expr!r} takes a quantile of something other than sum by (le) of a rate"
    if kind not in INSTANT:
        for span in ranges(expr):
            if not span.startswith(("$__rate_interval", "$__range")):
                yield f"{expr!r} has the fixed range [{span}] instead of [$__rate_interval]"


def _links(panel: Json, headings: frozenset[str]) -> Iterator[str]:
    known = {runbook_path(heading) for heading in headings}
    numbers = {panel_number(heading) for heading in headings}
    if len(numbers) != len(headings):
        yield "two sections of the runbook have the same number: rename one of them"
    for link in panel.get("links", []):
        url = link["url"]
        if url.startswith("/d/lofty-ghl-runbook/") and url not in known:
            yield f"{url!r} leads to no section of the runbook"
        if not url.startswith(("/d/lofty-ghl-", "${console}")):
            yield f"{url!r} leads neither to a dashboard nor to the console"
