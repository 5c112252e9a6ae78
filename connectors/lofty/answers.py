"""How a refusal of Lofty's becomes an error. Its bodies come in at least four forms.

| form | example |
| --- | --- |
| code and message | `{"code":200100,"message":"Sorry, the vendor …"}` |
| code inside the message | `{"message":"BaseApplicationException:errorCode=20006,errorMsg=Lead not exist"}` |
| message only | `{"message":"Too Many Requests"}` |
| bare JSON string | `"LEAD_NOT_EXIST"`, as the OpenAPI document describes every error |

What is none of them (a page of a firewall, an empty body) still becomes an error with its first words.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.errors import MalformedAnswer, VendorError
from connectors.http.error_texts import LONGEST_READ, error_texts, page_text
from connectors.http.json_reader import UnreadableJson, read
from connectors.http.request import Response
from connectors.lofty.rate import read_rate

_INSIDE = re.compile(r"errorCode=(\d{1,9})(?:\s*,\s*errorMsg=(.*))?", re.DOTALL)


def read_error(body: bytes) -> tuple[int | None, tuple[str, ...]]:
    """Lofty's code, if the body holds one, and its words. Never raises, and never is without words."""
    try:
        content = read(body).value
    except UnreadableJson:
        content = None
    code, words = _said(content)
    if words is None:
        words = page_text(body)
    words = words[:LONGEST_READ]
    inside = _INSIDE.search(words)
    if inside is not None:
        code = int(inside[1]) if code is None else code
        words = (inside[2] or "").strip() or words
    return code, error_texts((words,))


def _said(content: Any) -> tuple[int | None, str | None]:
    if isinstance(content, str):
        return None, content or None
    if not isinstance(content, dict):
        return None, None
    code = next((found for name in ("code", "errorCode") if (found := _code(content.get(name))) is not None), None)
    words = next((one for name in ("message", "errorMsg", "msg", "error") if (one := content.get(name))), None)
    return code, None if words is None else str(words)


def _code(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def refusal(operation: str, response: Response, *, now: float) -> VendorError:
    """The error for a response other than 2xx."""
    code, messages = read_error(response.body)
    return VendorError(
        vendor="lofty",
        operation=operation,
        status=response.status,
        messages=messages,
        code=code,
        rate=read_rate(response.headers, now=now),
    )


def malformed(operation: str, response: Response, expected: str, *, now: float, came: str = "") -> MalformedAnswer:
    """The error for a 2xx whose body is not what the operation promises. It says what was expected, no content."""
    return MalformedAnswer(
        vendor="lofty",
        operation=operation,
        status=response.status,
        messages=(f"expected {expected}, got {came or f'{len(response.body)} bytes without'}",),
        rate=read_rate(response.headers, now=now),
    )
