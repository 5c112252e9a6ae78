"""Why a budget pauses, in five words: a pause's cause is a sentence with the vendor's own words, which is no label."""

from __future__ import annotations

from typing import Literal, get_args

PauseKind = Literal["rate limit", "daily quota", "no access", "uninstalled", "other"]
PAUSE_KINDS: tuple[PauseKind, ...] = get_args(PauseKind)

_KINDS: dict[str, PauseKind] = {
    "rate limit": "rate limit",
    "daily quota": "daily quota",
    "the app was uninstalled in GHL": "uninstalled",
    "connect again": "no access",
    "token expired": "no access",
    "not authorized": "no access",
    "wrong key": "no access",
    "missing permission": "no access",
    "location inactive": "no access",
}


def pause_kind(cause: str) -> PauseKind:
    """The kind of a cause: what stands before its first colon is the outcome's name (`connectors/outcome.py`)."""
    return _KINDS.get(cause.partition(":")[0], "other")
