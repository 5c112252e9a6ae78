"""The runbook as a dashboard: a panel of text for each section of `grafana/RUNBOOK.md`.

A link from a panel or an alert opens that section inside Grafana, and no web host of ours is needed.
The number of a section's panel is made from its heading, so that a link survives new and deleted sections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from zlib import crc32

UID = "lofty-ghl-runbook"

LINES_A_UNIT = 0.9
"""How many lines of text one unit of the grid's height takes, roughly."""


@dataclass(frozen=True, slots=True)
class Section:
    """One `##` of the runbook."""

    heading: str
    text: str


def slug(heading: str) -> str:
    """The anchor that a heading has where Markdown is shown."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def panel_number(heading: str) -> int:
    """The panel of a section: the same wherever the section is."""
    return 1000 + crc32(slug(heading).encode()) % 1_000_000


def runbook_path(heading: str) -> str:
    """The path of a section, below Grafana's address."""
    return f"/d/{UID}/runbook?viewPanel={panel_number(heading)}#{slug(heading)}"


def sections(markdown: str) -> tuple[Section, ...]:
    """The runbook's sections. The text before the first section is its introduction, under the title's name."""
    head, *parts = re.split(r"^## ", markdown, flags=re.MULTILINE)
    title, _, introduction = head.removeprefix("# ").partition("\n")
    found = [Section(title.strip(), introduction.strip())]
    for part in parts:
        heading, _, text = part.partition("\n")
        found.append(Section(heading.strip(), text.strip()))
    return tuple(found)


def runbook_panels(markdown: str) -> list[dict[str, Any]]:
    """A panel for each section, two beside each other."""
    panels: list[dict[str, Any]] = []
    y = 0
    introduction, *rest = sections(markdown)
    height = _height(introduction.text, wide=True)
    panels.append(_panel(introduction, 0, 0, 24, height))
    y += height
    for left, right in zip(rest[::2], [*rest[1::2], None], strict=False):
        height = max(_height(one.text, wide=False) for one in (left, right) if one is not None)
        panels.append(_panel(left, 0, y, 12 if right else 24, height))
        if right is not None:
            panels.append(_panel(right, 12, y, 12, height))
        y += height
    return panels


def _height(text: str, *, wide: bool) -> int:
    columns = 190 if wide else 92
    lines = sum(max(1, -(-len(line) // columns)) for line in text.splitlines())
    return 3 + round(lines * LINES_A_UNIT)


def _panel(section: Section, x: int, y: int, w: int, h: int) -> dict[str, Any]:
    return {
        "id": panel_number(section.heading),
        "type": "text",
        "title": section.heading,
        "description": "A section of grafana/RUNBOOK.md.",
        "gridPos": {"x": x, "y": y, "w": w, "h": h},
        "options": {
            "mode": "markdown",
            "content": section.text,
            "code": {"language": "plaintext", "showLineNumbers": False},
        },
    }
