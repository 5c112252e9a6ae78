"""Answers that are more than one object, and how a refusal of GHL's becomes an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import MalformedAnswer, VendorError
from connectors.ghl.rate import read_rate
from connectors.ghl.wire import GhlContact, GhlOpportunity
from connectors.http.error_texts import LONGEST_ID, MOST_TEXTS, error_texts, page_text, short_id
from connectors.http.json_reader import UnreadableJson, read
from connectors.http.request import Response

_MOST_META = 20


@dataclass(frozen=True, slots=True)
class Upserted:
    """The contact after an upsert, and whether it is new."""

    contact: GhlContact
    is_new: bool
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Some contacts. `total` counts all that match, when GHL says so; `search_after` leads to the next page."""

    contacts: tuple[GhlContact, ...]
    total: int | None = None
    search_after: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class OpportunityPage:
    """Some opportunities. `total` counts all that match, when GHL says so."""

    opportunities: tuple[GhlOpportunity, ...]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Followers:
    """Who follows a contact or an opportunity after a change, and those that it concerned."""

    followers: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BulkTagged:
    """The result of a bulk change: the contacts that were changed, and GHL's message for each of the others."""

    done: tuple[str, ...]
    refused: Mapping[str, str]


def parse(body: bytes) -> Any:
    """A JSON body, also one with the raw control characters that GHL sometimes leaves in texts. None when it is none."""
    try:
        return read(body).value
    except UnreadableJson:
        return None


def refusal(operation: str, response: Response) -> VendorError:
    """The error for a response other than 2xx."""
    return VendorError(**_facts(operation, response))


def malformed(operation: str, response: Response, expected: str, came: str = "") -> MalformedAnswer:
    """The error for a 2xx whose body is not what the operation promises. It names what was expected, no content."""
    facts = _facts(operation, response) | {
        "messages": (f"expected {expected}, got {came or f'{len(response.body)} bytes without'}",)
    }
    return MalformedAnswer(**facts)


def trace_id(content: Any, headers: Mapping[str, str]) -> str | None:
    """GHL's `traceId`, from the body, otherwise from a header."""
    found = content.get("traceId") if isinstance(content, dict) else None
    return short_id(found) or short_id(headers.get("x-trace-id"))


def _facts(operation: str, response: Response) -> dict[str, Any]:
    content = parse(response.body)
    meta = content.get("meta") if isinstance(content, dict) else None
    return {
        "vendor": "ghl",
        "operation": operation,
        "status": response.status,
        "messages": error_texts(_messages(content, response)),
        "trace_id": trace_id(content, response.headers),
        "meta": _short(meta) if isinstance(meta, dict) else None,
        "rate": read_rate(response.headers),
    }


def _short(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What a refusal says beside its words, as far as it is names and ids."""
    known = list(meta.items())[:_MOST_META]
    return {name: value for name, value in known if len(name) <= LONGEST_ID and len(str(value)) <= LONGEST_ID}


def _messages(content: Any, response: Response) -> list[str]:
    """GHL's words: a text on 400/401/403, a list on 422, `error_description` from OAuth, a page from its proxy."""
    if isinstance(content, dict):
        for name in ("message", "error_description", "error"):
            found = content.get(name)
            if isinstance(found, dict):
                found = found.get("message")
            if isinstance(found, list) and found:
                return [one if isinstance(one, str) else json.dumps(one) for one in found[:MOST_TEXTS]]
            if found:
                return [str(found)]
    return [page_text(response.body)]
