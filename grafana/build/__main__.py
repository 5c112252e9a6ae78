"""`python -m grafana.build`: writes `grafana/dashboards/*.json`. `--check` only says which differ, with exit code 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grafana.build.dashboard import CONSOLE
from grafana.build.every import every_dashboard

GRAFANA = Path(__file__).resolve().parents[1]


def main() -> int:
    """Write them, or compare."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--console", default=CONSOLE, help=f"where people see the console (default: {CONSOLE})")
    given = parser.parse_args()
    differ = []
    for name, text in every_dashboard(GRAFANA, given.console).items():
        file = GRAFANA / "dashboards" / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            differ.append(name)
            if not given.check:
                file.write_text(text, encoding="utf-8")
    for name in differ:
        print(f"{name}: {'differs; run python -m grafana.build' if given.check else 'written'}")
    return 1 if given.check and differ else 0


if __name__ == "__main__":
    sys.exit(main())
