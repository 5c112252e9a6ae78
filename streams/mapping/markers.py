"""Markers: how a note or task in GHL says which note or task of Lofty it is.

GHL has no idempotency key and no external id for them, so each carries one line such as `[lofty-note:400000012345]`.
It is alone on the last line. It shows that we created the entity, and for which Lofty id.

What Lofty sync writes to Lofty has a marker, too: `[ghl-appointment:ID]`, named for its origin in GHL.
"""

from __future__ import annotations

import re

from streams.messages import Kind

_AROUND = r"(?:[\s\u200b-\u200f\u2060\ufeff]|<[^<>\n]{1,300}>|&nbsp;)*"
"""What an editor may put around a marker: white space, also of no width, and tags with their styles."""
_MARKER = re.compile(rf"{_AROUND}\[lofty-(note|task|appointment):([A-Za-z0-9_-]{{1,64}})\]{_AROUND}")
_LINE_END = re.compile(r"\n|<br\b[^<>]{0,300}>|</(?:p|div|li|h[1-6]|blockquote|td|pre)>", re.IGNORECASE)


def marker(kind: Kind, lofty_id: str) -> str:
    """The marker of a Lofty id."""
    return f"[lofty-{kind}:{lofty_id}]"


def with_marker(text: str, kind: Kind, lofty_id: str) -> str:
    """A text with the marker alone on its last line."""
    return f"{text.rstrip()}\n\n{marker(kind, lofty_id)}".lstrip()


def find_marker(text: str | None, kind: Kind) -> str | None:
    """The Lofty id in a text that GHL holds, or None. HTML around the marker is allowed for.

    The last one of this kind counts, as ours is written last: a marker that someone typed above it does not.
    """
    found = None
    for line in _LINE_END.split(text or ""):
        match = _MARKER.fullmatch(line)
        if match and match[1] == kind:
            found = match[2]
    return found


_FROM_GHL = re.compile(r"^\s*\[ghl-(?:appointment|note|task|rule):[A-Za-z0-9_.-]{1,64}\]\s*$", re.MULTILINE)

CONTENT_LIMIT = 2000
"""Lofty cuts the text of a note there (its OpenAPI document)."""


def back_marker(about: str) -> str:
    """The marker in Lofty of what is about a thing of GHL, such as `appointment:ID`."""
    return f"[ghl-{about}]"


def with_back_marker(text: str, about: str) -> str:
    """A text for Lofty with the marker alone on its last line, cut so that Lofty does not cut the marker off."""
    last = back_marker(about)
    room = CONTENT_LIMIT - len(last) - 2
    kept = text.strip()
    if utf16_units(kept) > room:
        kept = cut_to_utf16_units(kept, room - 1).rstrip() + "…"
    return f"{kept}\n\n{last}".lstrip()


def utf16_units(text: str) -> int:
    """The length of a text as Java and JavaScript count it, and so perhaps Lofty: most emoji are two."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def cut_to_utf16_units(text: str, most: int) -> str:
    """The longest beginning of a text with so many UTF-16 units; no character is halved."""
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")


def comes_from_ghl(text: object) -> bool:
    """Whether a text in Lofty was written by Lofty sync."""
    return isinstance(text, str) and _FROM_GHL.search(text) is not None
