"""`grafana/prometheus/` in another place and at another speed: for tests and pictures, the same files with few things replaced.

What is replaced: where the targets are, how often they are scraped, and all durations of the rules by one factor.
Expressions, thresholds, labels and texts stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "grafana" / "prometheus"
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}


def seconds(duration: str) -> float:
    """A duration of Prometheus, such as `1h30m`. Raises ValueError for anything else."""
    if not re.fullmatch(r"(\d+(ms|[smhdwy]))+", duration):
        raise ValueError(f"expected a duration such as 5m, got {duration!r}")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def faster(duration: str, factor: float, least_seconds: float) -> str:
    """A duration divided by a factor, never below a least one; zero stays zero."""
    asked = seconds(duration)
    return f"{max(least_seconds, asked / factor) * 1000:.0f}ms" if asked else "0s"


def faster_expr(expr: str, factor: float, least_seconds: float) -> str:
    """All ranges (`[5m]`, `[1h:15s]`) and offsets of a query divided by a factor."""

    def ranged(found: re.Match[str]) -> str:
        return "[" + ":".join(faster(one, factor, least_seconds) for one in found[1].split(":")) + "]"

    expr = re.sub(r"\[([0-9a-z:]+)\]", ranged, expr)
    return re.sub(r"\boffset ([0-9a-z]+)", lambda found: f"offset {faster(found[1], factor, least_seconds)}", expr)


def rules(factor: float = 1.0, least_seconds: float = 4.0, folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Each rule file by its name, with `for`, ranges and offsets divided by `factor`.

    Ranges never get shorter than `least_seconds`: at least four scrapes must fit into them.
    """
    files = {}
    for file in sorted((folder / "rules").glob("*.yml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        if factor != 1.0:
            for group in content["groups"]:
                group.pop("interval", None)
                for rule in group["rules"]:
                    rule["expr"] = faster_expr(rule["expr"], factor, least_seconds)
                    for wait in ("for", "keep_firing_for"):
                        if wait in rule:
                            rule[wait] = faster(rule[wait], factor, 0.0)
        files[file.name] = content
    return files


def configuration(
    targets: Mapping[str, Sequence[str]],
    rule_files: Sequence[Path],
    *,
    scrape_seconds: float = 15.0,
    alertmanagers: Sequence[str] = (),
    folder: Path = FOLDER,
) -> dict[str, Any]:
    """`prometheus.yml` with the jobs' targets at the given addresses. Raises KeyError for a job without any."""
    content: dict[str, Any] = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    every = f"{scrape_seconds * 1000:.0f}ms"
    content["global"].update(scrape_interval=every, scrape_timeout=every, evaluation_interval=every)
    content["rule_files"] = [str(file) for file in rule_files]
    content["alerting"]["alertmanagers"] = (
        [{"static_configs": [{"targets": list(alertmanagers)}]}] if alertmanagers else []
    )
    jobs = [job for job in content["scrape_configs"] if job["job_name"] != "prometheus"]
    for job in jobs:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": list(targets[job["job_name"]])}]
    content["scrape_configs"] = jobs
    return content
