"""Where a browser may be sent after a sign-in: only to our own pages. Pure."""

from __future__ import annotations

import re

HOME = "/console/"
_SAFE = re.compile(r"/console(/[A-Za-z0-9._~:@%+-]*)*(\?[A-Za-z0-9._~:@%+=&/?-]*)?")


def safe_path(text: str) -> str:
    """The path, when it is one of the console's; else its first page."""
    is_safe = len(text) <= 2000 and _SAFE.fullmatch(text) and "//" not in text and "/../" not in text
    return text if is_safe and not text.endswith("/..") else HOME
