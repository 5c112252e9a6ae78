"""All dashboards, as the text of their files."""

from __future__ import annotations

import json
from pathlib import Path

from grafana.build.budgets import BUDGETS
from grafana.build.connection import CONNECTION
from grafana.build.dashboard import CONSOLE, frame
from grafana.build.flow import FLOW
from grafana.build.overview import OVERVIEW
from grafana.build.runbook import UID, runbook_panels
from grafana.build.runtime import RUNTIME
from grafana.build.vendors import VENDORS

DASHBOARDS = (OVERVIEW, FLOW, BUDGETS, VENDORS, CONNECTION, RUNTIME)


def every_dashboard(grafana: Path, console: str = CONSOLE) -> dict[str, str]:
    """File name → JSON. The runbook is read from `grafana/RUNBOOK.md`."""
    markdown = (grafana / "RUNBOOK.md").read_text(encoding="utf-8")
    runbook = frame(
        UID,
        "Runbook",
        "For whoever was woken up: what an alert means, how bad it is, where to look, what to do.",
        runbook_panels(markdown),
        console=console,
        has_data=False,
    )
    files = {one.name: one.json(console) for one in DASHBOARDS} | {"runbook": runbook}
    return {f"{name}.json": json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in files.items()}
