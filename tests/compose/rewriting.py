"""Which mounted files are rewritten, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.compose.prometheus_files import faster_configuration, faster_rules
from tests.compose.system import Rewrite

NO_THRESHOLDS: Mapping[str, Mapping[str, str]] = {}


def rewriting(factor: float, thresholds: Mapping[str, Mapping[str, str]] = NO_THRESHOLDS) -> Rewrite:
    """Prometheus' files with time `factor` times faster; all others as they are."""

    def rewrite(path: Path, text: str) -> str:
        if path.parts[:2] != ("grafana", "prometheus") or path.suffix != ".yml":
            return text
        if path.name == "prometheus.yml":
            return faster_configuration(text, factor)
        is_rules = path.parts[2] == "rules"
        return faster_rules(text, factor, thresholds) if is_rules else text

    return rewrite
