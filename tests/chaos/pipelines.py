"""The pipelines of two locations, and which stages of Lofty have a place in them. One location allows several opportunities of a contact."""

from __future__ import annotations

from connectors.sandbox.ghl import GhlSandbox
from connectors.sandbox.ghl.seeds import seed

WITH_PIPELINES = (0, 2)
"""The connections. Others have no opportunities."""
SEVERAL = 2
STAGES = ("Nurture", "Showing", "Closed", "Archived")
"""What agents choose from; the first has no pair."""
_PIPELINES = (
    {"name": "Buyers", "stages": ["New", "Talking", "Done"]},
    {"name": "Past", "stages": ["Lost"]},
)
_PAIRS = (
    ("Showing", "Buyers", "Talking", "open"),
    ("Closed", "Buyers", "Done", "won"),
    ("Archived", "Past", "Lost", "lost"),
)


def stage_tables() -> str:
    """The pairs, in the configuration."""
    return "".join(
        f"""
[[connections.pair{number}.stages]]
lofty = "{lofty}"
pipeline = "{pipeline}"
stage = "{stage}"
status = "{status}"
"""
        for number in WITH_PIPELINES
        for lofty, pipeline, stage, status in _PAIRS
    )


def add_pipelines(ghl: GhlSandbox) -> None:
    """The locations have them."""
    for number in WITH_PIPELINES:
        seed(ghl, {"location": f"loc{number}", "pipelines": list(_PIPELINES)})
