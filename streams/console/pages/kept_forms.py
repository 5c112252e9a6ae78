"""A form that came after its session had ended: kept through the sign-in, and offered to be sent once more. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from streams.console.pages.layout import Form
from streams.console.pages.views.sign_in_view import KeptFormView

LONGEST = 400_000
_SECRET = re.compile(r"(^|_)(api_key|token|secret|password|credential|answer|ticket)")
"""Fields of such names are left out and typed again: what they hold is not written into a page."""
_HIDDEN = ("csrf", "do", "version")


def keep(action: str, form: Form) -> str | None:
    """A form as one text, without secrets; None when there is nothing to keep, or too much."""
    fields = {name: value for name, value in form.items() if name != "csrf" and not _SECRET.search(name)}
    if not any(fields.values()):
        return None
    text = json.dumps({"action": action, "fields": fields})
    return text if len(text) <= LONGEST else None


def kept_form(text: str, csrf: str, safe_path: Callable[[str], str]) -> KeptFormView | None:
    """A kept form for the session that has just begun; None for a text that is none."""
    try:
        found = json.loads(text) if len(text) <= LONGEST else {}
        action, fields = found["action"], found["fields"]
        if not isinstance(action, str) or safe_path(action) != action:
            return None
        pairs = tuple((str(name), str(value)) for name, value in fields.items() if name != "csrf")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    shown = tuple((name, value) for name, value in pairs if value and name not in _HIDDEN)
    return KeptFormView(action, csrf, pairs, shown)
