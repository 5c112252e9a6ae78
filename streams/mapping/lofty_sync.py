"""Lofty sync, compiled: which events of GHL are written to Lofty, by which rules, and whose value wins in a field.

A template is a text with JMESPath expressions in double braces: `Call {{ contact.firstName }}`.
Expressions read `event` (the webhook's payload), `contact` (as GHL holds it now), `tag`, `lead` and `connection`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from streams.mapping.errors import WrongTerm
from streams.mapping.expression import Expression, compile_expression
from streams.mapping.opt_outs import closed_in_ghl

FieldOwner = Literal["lofty", "ghl", "newest"]

SCOPE = ("event", "contact", "tag", "lead", "connection")
"""The names that a rule's expressions may read."""

RULE_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "contact changed": "ContactUpdate",
        "contact deleted": "ContactDelete",
        "do not disturb changed": "ContactDndUpdate",
        "tag added": "ContactTagUpdate",
        "tag removed": "ContactTagUpdate",
        "note written": "NoteCreate",
        "note changed": "NoteUpdate",
        "note deleted": "NoteDelete",
        "task created": "TaskCreate",
        "task completed": "TaskComplete",
        "task deleted": "TaskDelete",
        "appointment booked": "AppointmentCreate",
        "appointment changed": "AppointmentUpdate",
        "appointment deleted": "AppointmentDelete",
    }
)
"""The events of rules, and the type of webhook that reports each (GHL has none for a task that was changed)."""

LOFTY_FIELDS: Mapping[str, str] = MappingProxyType(
    {"firstName": "firstName", "lastName": "lastName", "email": "emails", "phone": "phones"}
)
"""The fields of a GHL contact that can be owned by GHL, and what Lofty calls them when they are written."""

OPT_OUT_EVENTS = ("ContactUpdate", "ContactDndUpdate")
"""The webhooks that show a contact's opt-outs."""

OPT_OUTS_DIFFER = "OptOutsDiffer"
"""Our own event: a search has seen that a contact's opt-outs in GHL are not those of its lead."""

STAGE = "stage"
"""A lead's stage, which is no field of a contact: its owner counts where stages have pairs (`streams/mapping/opportunity.py`)."""

STAGE_EVENTS = ("OpportunityCreate", "OpportunityUpdate", "OpportunityStageUpdate", "OpportunityStatusUpdate")
"""The webhooks that show where an opportunity is. One move fires two or three of them."""

LOFTY_STAGE_EDIT = "LoftyStageEdit"
"""Our own event: Lofty holds another stage, though GHL owns it."""

STAGE_WRITTEN = "StageWritten"
"""Our own event: a stage that GHL's move asked for is in Lofty, or Lofty's was edited meanwhile and stays."""

OF_A_STAGE = (*STAGE_EVENTS, LOFTY_STAGE_EDIT, STAGE_WRITTEN)
"""All events of a lead's stage."""

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def brings_opt_outs(type_: str, body: Mapping[str, Any]) -> bool:
    """Whether an event is about opt-outs: a channel is closed, or differs from Lofty."""
    return type_ == OPT_OUTS_DIFFER or (type_ in OPT_OUT_EVENTS and bool(closed_in_ghl(body)))


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions in it."""

    source: str
    parts: tuple[str | Expression, ...]

    @property
    def roots(self) -> frozenset[str]:
        """The names that it reads."""
        return frozenset().union(*(part.roots for part in self.parts if isinstance(part, Expression)))

    def render(self, scope: Mapping[str, Any]) -> str:
        """The text for an event. A missing value reads as an empty text."""
        return "".join(part if isinstance(part, str) else _text(part.read(dict(scope))) for part in self.parts).strip()


def compile_template(source: str) -> Template:
    """Compile a template. Raises `WrongTerm` for an expression that is none, or that reads an unknown name."""
    parts: list[str | Expression] = []
    end = 0
    for match in _BRACES.finditer(source):
        parts += [source[end : match.start()], compile_condition(match[1].strip())]
        end = match.end()
    rest = source[end:]
    if "{{" in rest or "}}" in rest:
        raise WrongTerm("a template with closed braces", repr(source), "put each expression between {{ and }}")
    parts.append(rest)
    return Template(source, tuple(part for part in parts if part != ""))


def compile_condition(source: str) -> Expression:
    """Compile an expression over an event. Raises `WrongTerm`."""
    expression = compile_expression(source)
    if unknown := sorted(expression.roots - set(SCOPE)):
        raise WrongTerm(f"an expression over {', '.join(SCOPE)}", f"{unknown[0]!r} in {source!r}")
    return expression


@dataclass(frozen=True, slots=True)
class RuleTask:
    """The Lofty task that a rule makes."""

    type: str
    content: Template
    due_minutes: float
    role: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when an event of this kind meets the condition, a task or a note is made in Lofty, once."""

    name: str
    on: str
    when: Expression | None = None
    task: RuleTask | None = None
    note: Template | None = None

    @property
    def type(self) -> str:
        """The type of webhook that triggers it."""
        return RULE_EVENTS[self.on]

    @property
    def roots(self) -> frozenset[str]:
        """The names that its expressions read."""
        texts = [one for one in (self.note, self.task.content if self.task else None) if one is not None]
        return frozenset().union(self.when.roots if self.when else (), *(text.roots for text in texts))

    def applies(self, scope: Mapping[str, Any]) -> bool:
        """Whether its condition holds."""
        return self.when is None or bool(self.when.read(dict(scope)))


@dataclass(frozen=True, slots=True)
class LoftySyncRules:
    """What is written from one GHL location to Lofty. By default nothing is.

    `opt_outs`: who opted out in GHL is opted out in Lofty (`streams/core/opt_outs.py`).
    `owners` says whose value wins, for the fields that it names; an edit in GHL of any other field stays until Lofty's changes.
    `stage` says it of a lead's stage; None: a move in GHL stays until Lofty's stage changes, and no webhook of it counts.
    """

    appointments: bool = False
    notes: bool = False
    tasks: bool = False
    finishes_tasks: bool = False
    role: str = "Agent"
    rules: tuple[Rule, ...] = ()
    owners: Mapping[str, FieldOwner] = field(default_factory=dict)
    opt_outs: bool = False
    stage: FieldOwner | None = None

    @property
    def types(self) -> frozenset[str]:
        """The types of webhooks that mean something here; empty when nothing is written to Lofty."""
        found = {rule.type for rule in self.rules}
        if self.appointments:
            found |= {"AppointmentCreate", "AppointmentUpdate", "AppointmentDelete"}
        if self.notes:
            found |= {"NoteCreate", "NoteUpdate", "NoteDelete"}
        if self.tasks:
            found |= {"TaskCreate", "TaskComplete", "TaskDelete"}
        if self.finishes_tasks:
            found |= {"TaskComplete"}
        if self.stage is not None:
            found |= {*OF_A_STAGE}
        if self.owners:
            found |= {"ContactCreate", "ContactUpdate", "LoftyEdit"}
        return frozenset(found)

    @property
    def follows_contacts(self) -> bool:
        """Whether a GHL contact must lead back to its lead."""
        return self.opt_outs or bool(self.types)

    def wants(self, type_: str, body: Mapping[str, Any]) -> bool:
        """Whether an event means something here. Of a contact's opt-outs, only those that close a channel do."""
        return type_ in self.types or (self.opt_outs and brings_opt_outs(type_, body))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return "" if isinstance(value, dict) else str(value)
