"""The console's own icons, as lines in a square of 20. They only decorate: each is next to words that say the same."""

from __future__ import annotations

from markupsafe import Markup

_LINES = {
    "overview": "M3 10.5 6.5 10.5 8.5 5 11.5 15.5 13.5 10.5 17 10.5",
    "contacts": "M10 10a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5ZM3.75 16.75c.6-2.9 3-4.5 6.25-4.5s5.65 1.6 6.25 4.5",
    "parked": "M7.25 5v10M12.75 5v10",
    "conflicts": "M7 9.25a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM13 9.25a2.5 2.5 0 1 0 0-5M2.5 15.75c.4-2.4 2.1-3.75 4.5-3.75s4.1 1.35 4.5 3.75M13.5 12c2.2.1 3.6 1.4 4 3.75",
    "connections": "M8.25 11.75a3.25 3.25 0 0 0 4.6 0l2.9-2.9a3.25 3.25 0 0 0-4.6-4.6l-1 1M11.75 8.25a3.25 3.25 0 0 0-4.6 0l-2.9 2.9a3.25 3.25 0 0 0 4.6 4.6l1-1",
    "mapping": "M3.5 5.5h4c5 0 4 9 9 9M3.5 14.5h4c1.5 0 2.4-.8 3-1.9M13 7.2c.7-1 1.7-1.7 3.5-1.7M14.5 3.5l2 2-2 2M14.5 12.5l2 2-2 2",
    "backfill": "M10 3.5v9.5M6 9.25l4 4 4-4M3.75 16.5h12.5",
    "replay": "M4 4.5v3.75h3.75M4.3 8.1A6.25 6.25 0 1 1 3.75 11",
    "verify": "M3.5 5.5h6M3.5 10h4M3.5 14.5h6M11.5 12l2.25 2.25 3.75-4.5",
    "doctor": "M7.75 3.5h4.5v4.25h4.25v4.5h-4.25v4.25h-4.5v-4.25H3.5v-4.5h4.25z",
    "runs": "M3.75 10a6.25 6.25 0 1 0 2-4.6M3.5 3.75v3h3M10 6.5V10l2.5 1.75",
    "catalogue": "M3.5 4.25h5v5h-5zM11.5 4.25h5v5h-5zM3.5 11.75h5v5h-5zM11.5 14.25h5M14 11.75v5",
    "notifications": "M5.5 8.25a4.5 4.5 0 0 1 9 0c0 4 1.75 5 1.75 5H3.75s1.75-1 1.75-5ZM8.25 15.75c.7 1.2 2.8 1.2 3.5 0",
    "audit": "M5 3.5h10v13H5zM7.75 7.25h4.5M7.75 10h4.5M7.75 12.75h2.5",
    "people": "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4.5 16.5v-1.25a3.5 3.5 0 0 1 3.5-3.5h4a3.5 3.5 0 0 1 3.5 3.5v1.25",
    "search": "M9 14.25a5.25 5.25 0 1 0 0-10.5 5.25 5.25 0 0 0 0 10.5ZM12.9 12.9l3.6 3.6",
    "menu": "M3.5 6h13M3.5 10h13M3.5 14h13",
    "ok": "M4.5 10.5l3.75 3.75 7.25-8",
    "busy": "M10 5.5V10l3 2M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z",
    "warn": "M10 7.5v3.5M10 13.75v.1M10 3.25l7.25 13H2.75z",
    "bad": "M5.5 5.5l9 9M14.5 5.5l-9 9",
    "idle": "M5 10h10",
    "arrow": "M4 10h11.5M11 5.5l4.5 4.5-4.5 4.5",
}

_LOGO = "M8 12h13m-4.5-4.5L21 12l-4.5 4.5M24 20H11m4.5-4.5L11 20l4.5 4.5"


def icon(name: str) -> Markup:
    """An icon by its name. Raises `KeyError` for one that there is not."""
    if name == "logo":
        return Markup(
            '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="currentColor"/>'
            '<path class="logo-lines" d="{}" fill="none" stroke-width="2.4" stroke-linecap="round" '
            'stroke-linejoin="round"/></svg>'
        ).format(_LOGO)
    return Markup(
        '<svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" '
        'stroke-linecap="round" stroke-linejoin="round"><path d="{}"/></svg>'
    ).format(_LINES[name])
