"""The rows of the tables of the Lofty sync."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from streams.messages.entity import Entity
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand
from streams.messages.message import Message


class BacklinkRow(Message):
    """`backlinks`: the entity that a GHL id belongs to. Keys are `contact:ID`, `note:ID`, `task:ID`, `appointment:ID`.

    `of:ID` holds the GHL contact of a task of GHL's own. `own:ENTITY` names the contact, as `contact_id`, that had the Lofty id of
    a lead without a link when the location was looked through (`streams/worker/dispatch/own_contacts.py`). `at_ms` is when that
    was noted, `asked_ms` when Lofty was asked whether that lead was deleted (`streams/worker/dispatch/unknown_leads.py`).
    """

    entity: str
    contact_id: str = ""
    at_ms: int = 0
    asked_ms: int = 0


def looked_through(connection: str) -> str:
    """The key in `backlinks` that says: the connection's location was looked through."""
    return f"@own:{connection}"


def own_contact(entity: Entity) -> str:
    """The key in `backlinks` of the contact that had a lead's Lofty id."""
    return f"own:{entity.key}"


class WebhookRow(Message):
    """`webhooks`: a webhook id that was received, and when."""

    at_ms: int


class EventRow(Message):
    """`events`: an event that waits to be judged, in its contact's turn. `contact` is what was read for it already."""

    event: GhlEvent
    contact: dict[str, Any] | None = None
    attempts: int = 0
    not_before_ms: int = 0
    last_error: str = ""


class ExternalEditRow(Message):
    """`heard`: the tags on a GHL contact that are not ours, as the newest event had them."""

    at_ms: int
    tags: tuple[str, ...] = ()


class LoftyCommandRow(Message):
    """`errands`: one thing of a lead that the Lofty sync wants in Lofty, and what Lofty holds of it.

    `written` are the hashes of what was last written, `is_finished` whether the task was finished by us, None when that is
    not known. `intent_ms` is the time of a create or a deletion that may or may not have happened.
    `body` is what a read found that the lead lacks, to be written by the next request.
    """

    write: LoftyCommand
    lofty_id: str | None = None
    written: dict[str, str] = Field(default_factory=dict)
    is_finished: bool | None = False
    intent_ms: int | None = None
    body: dict[str, Any] | None = None
    is_settled: bool = False
    is_gone: bool = False
    attempts: int = 0
    not_before_ms: int = 0
    last_error: str = ""
    parked: str = ""
