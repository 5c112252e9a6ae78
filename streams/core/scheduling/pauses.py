"""Decides whether a budget pauses after an answer, and for how long. Gives the reason as a sentence for people, and as a label."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from connectors.errors import ConnectorError, VendorError
from connectors.outcome import MISSING_PERMISSION, Classification, Disposition, classify
from connectors.rate import RateHeaders

PAUSE_SECONDS = 60.0
"""How long a budget whose token or scope is refused pauses before one request tries again."""

SPENT_SECONDS = 3600.0
"""The same once the day's requests are spent, and the vendor does not say until when."""

LONGEST_SECONDS = 3600.0
"""The longest wait that we accept from a vendor; then one request tries again. A mistake of the vendor, or of a proxy in between
(`Retry-After: 1e12`), must not stop a connection for ever."""

LONGEST_DAY_SECONDS = 86_400.0
"""The same where it says that the day's requests are spent."""

PauseKind = Literal["rate limit", "daily quota", "no access", "uninstalled", "other"]
PAUSE_KINDS: tuple[PauseKind, ...] = get_args(PauseKind)

_KINDS: dict[str, PauseKind] = {
    "rate limit": "rate limit",
    "daily quota": "daily quota",
    "the app was uninstalled in GHL": "uninstalled",
    "connect again": "no access",
    "token expired": "no access",
    "not authorized": "no access",
    "forbidden": "no access",
    "wrong key": "no access",
    "wrong account": "no access",
    "missing permission": "no access",
    "location inactive": "no access",
}


class Pause(NamedTuple):
    """A pause of a budget. The text before the first colon of `cause` is the outcome's name (`connectors/outcome.py`)."""

    seconds: float
    cause: str


def pause_after(error: ConnectorError, window_seconds: float) -> Pause | None:
    """The pause that an answer asks for, if any. `window_seconds` is the vendor's window, where it does not say when to come back."""
    outcome = classify(error)
    if outcome.disposition in (Disposition.PAUSE, Disposition.REFRESH):
        return Pause(PAUSE_SECONDS, f"{outcome.name}: {error}")
    if outcome.disposition is not Disposition.THROTTLED:
        return None
    rate = (error.rate if isinstance(error, VendorError) else None) or RateHeaders()
    is_spent = rate.daily_remaining is not None and rate.daily_remaining <= 0
    longest = LONGEST_DAY_SECONDS if is_spent else LONGEST_SECONDS
    if rate.retry_after_seconds:
        return Pause(min(rate.retry_after_seconds, longest), f"{outcome.name}: {error}")
    if is_spent:
        return Pause(min(rate.daily_reset_seconds or SPENT_SECONDS, longest), f"daily quota: {error}")
    seconds = rate.reset_seconds or rate.window_seconds or window_seconds
    return Pause(min(seconds, longest), f"{outcome.name}: {error}")


def shuts_out(outcome: Classification) -> bool:
    """Whether no request can succeed until a person authorizes the app (again). A missing permission only fails some requests."""
    is_about_all = outcome.disposition in (Disposition.PAUSE, Disposition.REFRESH)
    return is_about_all and outcome.name != MISSING_PERMISSION


def pause_kind(cause: str) -> PauseKind:
    """The kind of a cause."""
    return _KINDS.get(cause.partition(":")[0], "other")
