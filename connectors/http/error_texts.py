"""Vendors' error texts, made safe to store: limited in length and number, without possible credentials.

They are cut before any expression sees them, and each expression looks at each character a bounded number of times:
a text of a megabyte costs what one of four kilobytes costs, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from connectors.http.json_reader import printable

__all__ = ["LONGEST_ID", "LONGEST_READ", "MOST_TEXTS", "error_texts", "page_text", "printable", "short_id"]

LONGEST_READ = 4000
"""How much of a text is looked at."""

LONGEST_KEPT = 500
"""How much of a text is kept."""

MOST_TEXTS = 8
"""How many texts of one refusal are kept."""

LONGEST_ID = 200
"""How much is kept of an id of theirs (of a trace, of a thing)."""

# Each takes a run of characters as a whole, so that no character is read again from each position.
_SCHEMES = re.compile(r"\b(bearer|token)\s+([^\s,;\"']+)", re.IGNORECASE)
_RUNS = re.compile(r"[\w.~+/-]{8,}")
_TAGS = re.compile(r"<[^<>]*>")
_IN_TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~+/="
_SHORTEST_AFTER_SCHEME = 16


def error_texts(texts: Iterable[object]) -> tuple[str, ...]:
    """What a refusal says, at least one text: each printable, short, and without tokens."""
    return tuple(_tidy(str(one)) for one in islice(texts, MOST_TEXTS)) or ("no message",)


def page_text(body: bytes) -> str:
    """The text of an HTML page that came instead of JSON (from a firewall or a proxy)."""
    text = body[:LONGEST_READ].decode("utf-8", "replace")
    return " ".join(_TAGS.sub(" ", text).split()) or "no message"


def short_id(value: object) -> str | None:
    """A vendor's id of something as text that can be kept, None for nothing and for what is none."""
    if not isinstance(value, str | int) or isinstance(value, bool) or not value:
        return None
    return printable(str(value)[:LONGEST_ID], LONGEST_ID)


def _tidy(text: str) -> str:
    said = text[:LONGEST_READ]
    said = _SCHEMES.sub(_without_credential, said)
    said = _RUNS.sub(_without_token, said)
    if len(text) > LONGEST_READ and len(said) <= LONGEST_KEPT:
        said = said.rstrip(_IN_TOKENS)  # a token that the cut has shortened is not known as one
    return printable(" ".join(said.split()), LONGEST_KEPT)


def _without_credential(found: re.Match[str]) -> str:
    is_long = found[1].lower() == "bearer" or len(found[2]) >= _SHORTEST_AFTER_SCHEME
    return "***" if is_long else found[0]


def _without_token(found: re.Match[str]) -> str:
    """A run of characters that tokens consist of: GHL's private tokens begin with `pit-`, signed ones (JWT) with `eyJ`."""
    run = found[0]
    low = run.lower()
    private, signed = low.find("pit-"), low.find("eyj")
    starts = [
        at for at in (private if len(run) - private >= 12 else -1, signed if "." in run[signed:] else -1) if at >= 0
    ]
    return f"{run[: min(starts)]}***" if starts else run
