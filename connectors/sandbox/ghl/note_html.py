"""Notes as GHL keeps them: as HTML, whatever was sent. A text's line breaks are white space there, and `<b` begins a tag."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

_LEFT_OUT = ["script", "style", "iframe", "object", "template"]
_BLOCK = re.compile(r"<(?:p|div|ul|ol|h[1-6]|blockquote|pre|table)\b", re.IGNORECASE)


def kept_note(body: str) -> str:
    """The body of a note as GHL shows it to its users and gives it back: parsed, without scripts, in a paragraph."""
    document = LexborHTMLParser(body)
    document.strip_tags(_LEFT_OUT)
    inner = document.body.inner_html if document.body is not None else ""
    kept = re.sub(r"\s+", " ", inner or "", flags=re.ASCII).strip()
    return f"<p>{kept}</p>" if kept and not _BLOCK.match(kept) else kept
