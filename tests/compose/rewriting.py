"""Which mounted files are rewritten, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.compose.prometheus_files import faster_configuration, faster_rules
from tests.compose.system import Rewrite

NO_FACTORS: Mapping[str, float] = {}


def rewriting(factor: float, factors: Mapping[str, float] = NO_FACTORS) -> Rewrite:
    """Prometheus' files with time `factor` times faster, for some alerts another; all other files as they are."""

    def rewrite(path: Path, text: str) -> str:
        if path.parts[:2] != ("grafana", "prometheus") or path.suffix != ".yml":
            return text
        if path.name == "prometheus.yml":
            return faster_configuration(text, factor)
        is_rules = path.parts[2] == "rules"
        return faster_rules(text, factor, factors) if is_rules else text

    return rewrite
