"""Markers: how a note or task in GHL says which note or task of Lofty it is.

GHL has no idempotency key and no external id for them, so each carries one line such as `[lofty-note:400000012345]`.
It is alone on the last line. It shows that we created the entity, and for which Lofty id.

What Lofty sync writes to Lofty has a marker, too: `[ghl-appointment:ID]`, named for its origin in GHL.
"""

from __future__ import annotations

import re

from streams.messages import Kind

_MARKER = re.compile(
    r"^(?:\s|<[^<>\n]{1,40}>|&nbsp;)*\[lofty-(note|task|appointment):([A-Za-z0-9_-]{1,64})\](?:\s|<[^<>\n]{1,40}>|&nbsp;)*$",
    re.MULTILINE,
)


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
    for line in re.split(r"\n|<br\s*/?>|</p>|</div>", text or "", flags=re.IGNORECASE):
        match = _MARKER.match(line)
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
    if len(kept) > room:
        kept = kept[: room - 1].rstrip() + "…"
    return f"{kept}\n\n{last}".lstrip()


def comes_from_ghl(text: object) -> bool:
    """Whether a text in Lofty was written by Lofty sync."""
    return isinstance(text, str) and _FROM_GHL.search(text) is not None
