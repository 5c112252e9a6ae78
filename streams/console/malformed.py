"""What no browser and no program sends: one place that answers it with 400, before any handler looks at it.

| what came | where it is found |
| --- | --- |
| a header that is not UTF-8: aiohttp passes such bytes on as lone surrogates, which nothing can write again | `well_formed` |
| an address with a control character, or one that cannot be read | `well_formed` |
| a form that is none, or not in UTF-8 | `posted` |
| a body that ends too early, or is no proper HTTP | `as_malformed`, asked by the pages' and the API's own refusals |
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from streams.console.errors import Malformed

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_well_formed(request: web.Request) -> None:
    """Raises `Malformed` for a request whose headers or address nobody could have meant."""
    if "Host" not in request.headers:
        raise Malformed("The header Host is missing.")
    for name, value in request.headers.items():
        if not _is_text(name) or not _is_text(value):
            raise Malformed(f"The header {name[:40]!a} is not UTF-8.")
    try:
        texts = [request.path, *(part for pair in request.query.items() for part in pair)]
        host = request.host, request.url.host
    except ValueError:
        raise Malformed("The address cannot be read.") from None
    if not all(_is_text(one) for one in texts) or _CONTROL.search(request.path) or not all(host):
        raise Malformed("The address holds characters that no address has.")


async def posted(request: web.Request) -> Mapping[str, str]:
    """The texts of a form. Raises `Malformed` for what is none; our pages send `application/x-www-form-urlencoded` only."""
    if request.content_type != FORM or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Malformed(f"The form must be {FORM}, in UTF-8.")
    if (await request.read()).count(b"&") > MOST_FIELDS:
        raise Malformed(f"The form has more than {MOST_FIELDS} fields.")
    try:
        form = await request.post()
    except ValueError:
        raise Malformed("The form cannot be read.") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def posted_lists(request: web.Request, name: str) -> list[str]:
    """All values of one field of a form, such as of boxes that were ticked."""
    await posted(request)
    return [value for value in (await request.post()).getall(name, []) if isinstance(value, str)]


def as_malformed(error: BaseException) -> Malformed | None:
    """The refusal of a request whose body broke off or is no proper HTTP; None where the fault is not the sender's."""
    if isinstance(error, (web.RequestPayloadError, HttpProcessingError, ConnectionError)):
        return Malformed(f"The request did not come as it must ({type(error).__name__}).")
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
