"""The rate limits of one location, counted as GHL counts: a window and a day, each from its first request on."""

from __future__ import annotations

from connectors.sandbox.ghl.settings import GhlSandboxSettings
from connectors.sandbox.shared.window import FixedWindow


class LocationLimits:
    """Both limits of one location. A request that is refused for them is not counted."""

    __slots__ = ("_day", "_settings", "_window")

    def __init__(self, settings: GhlSandboxSettings) -> None:
        self._settings = settings
        self._window = FixedWindow(settings.window_limit, settings.window_seconds)
        self._day = FixedWindow(settings.daily_limit, settings.day_seconds)

    def take(self, now: float) -> bool:
        """Count a request; False when it is one too many."""
        window, day = self._window, self._day
        fits = window.admits(now)
        if not day.admits(now) or not fits:
            return False
        window.count(now)
        day.count(now)
        return True

    def leave(self, now: float, left: int) -> None:
        """Of the day so many requests are left: the location's other integrations have made the rest."""
        self._day.admits(now)
        self._day.leave(left, now)

    def headers(self, now: float) -> dict[str, str]:
        """GHL's headers, as of now. `Retry-After` (undocumented) only on request, and only when nothing is left."""
        settings, window, day = self._settings, self._window, self._day
        headers = {
            "X-RateLimit-Limit-Daily": str(settings.daily_limit or 1_000_000),
            "X-RateLimit-Daily-Remaining": str(day.remaining),
            "X-RateLimit-Interval-Milliseconds": str(int(settings.window_seconds * 1000)),
            "X-RateLimit-Max": str(settings.window_limit or 1_000_000),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Daily-Reset": str(max(0, int((day.ends_at - now) * 1000))),
        }
        if settings.sends_retry_after and (window.remaining == 0 or day.remaining == 0):
            ends_at = day.ends_at if day.remaining == 0 else window.ends_at
            headers["Retry-After"] = str(max(1, -int(-(ends_at - now))))
        return headers
