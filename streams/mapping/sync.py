"""Which notes, tasks and appointments are carried at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.mapping.markers import comes_from_ghl
from streams.messages import Kind


def is_deleted(kind: Kind, state: Mapping[str, Any]) -> bool:
    """Lofty says so itself, with `deleteFlag`: its record in GHL is deleted, too."""
    return kind != "contact" and state.get("deleteFlag") is True


def should_sync(kind: Kind, state: Mapping[str, Any]) -> bool:
    """Whether a Lofty entity is carried to GHL.

    Not carried: what is deleted; what came from GHL by Lofty sync; system notes, which only repeat Lofty's own log; and
    notes without a text.
    """
    if is_deleted(kind, state):
        return False
    if kind != "contact" and any(comes_from_ghl(state.get(name)) for name in ("content", "descr")):
        return False
    if kind == "note":
        content = state.get("content")
        return state.get("systemNote") is not True and isinstance(content, str) and bool(content.strip())
    return True
