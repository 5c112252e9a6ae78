"""Plan: the one next request that brings an entity in GHL closer to its desired state.

One plan is at most one request: after its receipt is recorded, the entity is planned again, until it is settled.
So a crash between two requests loses nothing, and what is sent is always decided on the latest state.

An update without an answer makes what it touched unknown (`doubt`), so that it is written again whatever is wanted by then.
A deletion without an answer makes the whole entity unknown: if it is wanted again, it is written, and created again if it is gone.

A create without an outcome is *in doubt* (`link.intent`): we look before creating again.
`plan_contact.py` plans contacts, `plan_child.py` what hangs on them, `opportunity.py` their opportunities; here is what both say, and what an answer that never came
leaves behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.mapping.opt_outs import Channels

StepName = Literal[
    "create contact",
    "find contact",
    "find duplicate",
    "read contact",
    "write opt-outs",
    "update contact",
    "add tags",
    "remove tags",
    "delete contact",
    "create note",
    "find note",
    "update note",
    "delete note",
    "create task",
    "find task",
    "update task",
    "complete task",
    "delete task",
    "create appointment",
    "find appointment",
    "update appointment",
    "delete appointment",
    "create opportunity",
    "find opportunity",
    "update opportunity",
]

CUSTOM = "custom:"
"""Prefix of a custom field's id among the desired fields."""

ASSIGNED = "assignedTo"
"""The field with the id of the user whom a contact is assigned to."""

IDENTIFIERS = ("email", "phone")
"""The fields by which GHL recognises a contact."""

NAMES = ("firstName", "lastName", "name")
"""A contact without identifiers is created by one of these."""

FOUND_BY = (*IDENTIFIERS, "calendarId", "startTime", "pipelineId")
"""What of a create is kept with its intent, because it is looked for by it.

An appointment is listed by calendar and time, an opportunity by its pipeline.
"""

UNKNOWN = ""
"""The hash of a field that may or may not be written: equal to no value's, so that it is written or cleared again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to GHL, and what its link reads once it succeeded.

    `contact_id` is the GHL id of the contact acted on, `ghl_id` that of the note, task or appointment.
    `marker` is what a search is for. `is_create` asks for an intent before it is sent.
    `is_look`: nothing is in doubt, and all that waits for the contact is searched for at once (`adopt.py`).
    """

    step: StepName
    contact_id: str | None = None
    ghl_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None
    tags: tuple[str, ...] | None = None
    doubtful_tags: tuple[str, ...] | None = None
    marker: str = ""
    is_create: bool = False
    is_delete: bool = False
    is_look: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing left to do; `because` in words."""

    because: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Waits for its contact."""

    because: str


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Too early: what was created may not be visible before `at_ms`, so until then its absence says nothing."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Cannot be written safely; `because` in words, with what would help. `reason` is that of the parked record."""

    because: str
    reason: str = "not findable"


Plan = Call | Settled | Blocked | NotBefore | Stuck


@dataclass(frozen=True, slots=True)
class DesiredContact:
    """A contact as it should be: GHL's field names, custom fields as `custom:ID`, tags in lower case.

    None means: ours, and empty. `external_id_field` is the custom field id that holds the Lofty id, when there is one.
    `opt_outs` are the channels that the lead has closed; None where the connection does not carry them.
    `only_ours` are custom fields that are named for Lofty, so nobody else fills them in.
    """

    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    lofty_id: str
    external_id_field: str | None = None
    opt_outs: Channels | None = None
    only_ours: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DesiredChild:
    """A note, task or appointment as it should be. Its text contains `marker`.

    `options` go with each write, and are never compared.
    `earlier` are values that earlier releases wrote and that say the same: GHL may keep them.
    `html` names the fields that GHL keeps as HTML, and may give back in another form.
    `flags` say, in words, what could not be read, `left_out` what the location lacks for a value; `lacks` names that.
    """

    fields: Mapping[str, Any]
    marker: str
    options: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    html: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    def differing(self, written: Mapping[str, str]) -> dict[str, Any]:
        """The fields whose value is not the one that was written last, by its hash. What was never written stays empty."""
        found = {}
        for name, value in self.fields.items():
            hashes = [field_hash(held) for held in (value, *self.earlier.get(name, ()))]
            if written.get(name) not in hashes and (value is not None or name in written):
                found[name] = value
        return found


def doubt(call: Call, link: LinkRow | None) -> dict[str, Any]:
    """The fields of a link after an update or a deletion without an answer: what it touched is no longer known."""
    link = link or LinkRow()
    facts: dict[str, Any] = {}
    if call.is_delete:
        facts["fields"] = dict.fromkeys(link.fields, UNKNOWN)
    elif call.fields is not None:
        facts["fields"] = {n: h if link.fields.get(n) == h else UNKNOWN for n, h in call.fields.items()}
    if touched := call.body.get("tags"):
        facts["doubtful_tags"] = tuple(sorted({*link.doubtful_tags, *touched}))
    return facts
