"""From a view to HTML: Jinja2 with escaping always on, and the few filters that templates use.

Templates and assets lie beside this file and travel in the wheel. An asset's address holds a hash of its content, so that
browsers may keep it for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from streams.console.pages.charts import gauge, plot
from streams.console.pages.icons import icon
from streams.console.pages.views.page_view import PageContext, StatusText
from streams.console.pages.wording import counted, day, grouped, length, moment, sentence

BASE = "/console"
"""Where the console is mounted."""

REFRESH_MS = 15_000
_TIMES = re.compile(r"<time [^>]*>[^<]*</time>")

ASSETS: Mapping[str, str] = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}


@cache
def asset(name: str) -> bytes:
    """The content of an asset. Raises `KeyError` for a name that is none."""
    if name not in ASSETS:
        raise KeyError(name)
    return files("streams.console.pages").joinpath("assets", name).read_bytes()


@cache
def asset_href(name: str) -> str:
    """The address of an asset, which changes with its content."""
    return f"{BASE}/assets/{name}?v={blake2b(asset(name), digest_size=6).hexdigest()}"


def href(path: str, **query: str | int) -> str:
    """An address in the console: each part of the path is quoted by `part`, empty queries are left out."""
    asked = urlencode({name: value for name, value in query.items() if value != ""})
    return f"{BASE}{path}{'?' + asked if asked else ''}"


def part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def zone_of(name: str) -> tzinfo:
    """The time zone of a name that a browser gave; UTC for what is none."""
    if (
        not 0 < len(name) <= 64
        or not name.replace("/", "").replace("_", "").replace("-", "").replace("+", "").isalnum()
    ):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not among the machine's zones, or a folder of them
        return UTC


def render(template: str, view: object, page: PageContext, **more: Any) -> str:
    """The whole page."""
    return _environment().get_template(template).render(view=view, page=page, **more)


def page_mark(text: str, now_ms: int) -> str:
    """The ETag of a page. What only the passing of time changes, as in "3 min ago", is looked at every fifteen seconds."""
    digest = blake2b(_TIMES.sub("", text).encode(), digest_size=9).hexdigest()
    return f'"{digest}-{now_ms // REFRESH_MS}"'


@pass_context
def _time(context: Context, at_ms: int, form: str = "local", *, focus: bool = True) -> Markup:
    """A `<time>`: local or ago, with the exact UTC on hover and on focus."""
    page: PageContext = context["page"]
    one = moment(at_ms, page.now_ms, page.zone)
    shown = one.ago if form == "ago" else one.local
    known = f"{one.local} · {one.utc}" if form == "ago" and one.local != one.utc else one.utc
    stop = Markup(' tabindex="0"') if focus else Markup()
    return Markup('<time class="time" datetime="{}" data-utc="{}"{}>{}</time>').format(one.machine, known, stop, shown)


@pass_context
def _day(context: Context, at_ms: int) -> str:
    page: PageContext = context["page"]
    return day(at_ms, page.now_ms, page.zone)


@pass_context
def _by_day(context: Context, steps: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Steps of a timeline under the reader's days, in their order."""
    days: dict[str, list[Any]] = {}
    for step in steps:
        days.setdefault(_day(context, step.event.at_ms), []).append(step)
    return list(days.items())


@pass_context
def _plot(context: Context, points: Any, title: str, unit: str) -> Markup:
    page: PageContext = context["page"]
    return plot(points, title=title, unit=unit, zone=page.zone)


def _state(state: StatusText, words: str = "") -> Markup:
    return Markup('<span class="state {}">{}</span>').format(state.level, words or state.words)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("streams.console.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "href": href,
        "asset": asset_href,
        "icon": icon,
        "gauge": gauge,
        "plot": _plot,
        "time": _time,
        "day": _day,
        "state": _state,
        "BASE": BASE,
    }
    made.filters |= {
        "grouped": grouped,
        "length": length,
        "counted": counted,
        "part": part,
        "sentence": sentence,
        "by_day": _by_day,
        "first_of": lambda texts: next(iter(texts), ""),
    }
    return made
