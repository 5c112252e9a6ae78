"""`python -m tests.grafana.render`: pictures of all dashboards from a running Prometheus. Exit code 1 when a panel is empty."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tests.grafana.render.ask import Prometheus, Span
from tests.grafana.render.page import page, photograph

GRAFANA = Path(__file__).resolve().parents[3] / "grafana"


def draw_all(prometheus: Prometheus, span: Span, out: Path) -> dict[str, list[str]]:
    """Draw every dashboard of data; returns the empty panels of each."""
    empty: dict[str, list[str]] = {}
    for file in sorted((GRAFANA / "dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        if not any("targets" in panel for panel in dashboard["panels"]):
            continue  # the runbook is text
        html, height, empty[file.stem] = page(dashboard, span, prometheus)
        photograph(html, height, out / f"{file.stem}.png")
    return empty


def main() -> int:
    """Draw, and say which panels were empty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", default="http://localhost:9090")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--end", type=float, default=time.time(), help="the right edge, in seconds since 1970")
    parser.add_argument("--scrape-seconds", type=float, default=15, help="the distance of scrapes in that Prometheus")
    parser.add_argument("--connection", default=".*", help="the value of the variable `connection`")
    parser.add_argument("--out", type=Path, default=GRAFANA / "pictures")
    given = parser.parse_args()
    span = Span(
        given.end - 60 * given.minutes,
        given.end,
        given.scrape_seconds,
        {"datasource": "lofty-ghl", "connection": given.connection, "budget": ".*"},
    )
    empty = draw_all(Prometheus(given.prometheus), span, given.out)
    for dashboard, titles in empty.items():
        print(f"{dashboard}: {'no data in ' + ', '.join(titles) if titles else 'every panel has data'}")
    return 1 if any(empty.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
