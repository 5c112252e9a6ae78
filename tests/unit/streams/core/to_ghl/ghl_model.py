"""GHL as a dict, and one entity's way through plan, request, receipt and link until it is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from connectors.errors import VendorError
from streams.core.rows import Candidate, LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.opportunity import PIPELINE, adopted
from streams.core.to_ghl.plan import (
    CUSTOM,
    FOUND_BY,
    IDENTIFIERS,
    NAMES,
    UNKNOWN,
    Blocked,
    Call,
    NotBefore,
    Plan,
    Settled,
    Stuck,
    doubt,
)
from streams.core.to_ghl.refused_values import may_stand, refused_values
from streams.messages import Entity, Outcome, Receipt

LAG_MS = 10_000
SEEN_FROM = "seen from"
EXTERNAL = "ext"
Fate = Literal["answered", "applied, then lost", "lost on the way"]


@dataclass(slots=True)
class Contact:
    """What GHL holds of one contact. `seen_from_ms` is when the search begins to show it."""

    fields: dict[str, Any] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    note: dict[str, dict[str, Any]] = field(default_factory=dict)
    task: dict[str, dict[str, Any]] = field(default_factory=dict)
    appointment: dict[str, dict[str, Any]] = field(default_factory=dict)
    opportunity: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen_from_ms: int = 0


class Gone(Exception):
    """GHL has no such contact, note or task."""


class Ghl:
    """One location. Every request is answered as GHL would; `sent` keeps the steps.

    `refuses` are values that it takes in no field: the whole contact is refused. `applies_refused` says that it makes the contact
    all the same, without the phone that it refuses. That is a guess: GHL has been seen to make a contact that it answered with
    422, and nobody wrote down what was in it. An e-mail is checked by its validator, before anything is made.
    """

    def __init__(self, refuses: frozenset[str] = frozenset(), *, applies_refused: bool = False) -> None:
        self.contacts: dict[str, Contact] = {}
        self.sent: list[str] = []
        self.refuses = refuses
        self.applies_refused = applies_refused
        self.allows_several_opportunities = False
        self._ids: Iterator[int] = count(1)

    def new_id(self) -> str:
        """An id that never was used."""
        return f"id{next(self._ids)}"

    def do(self, call: Call, now_ms: int) -> str | None:
        """Perform one call. Returns what `Performed.ghl_id` would say."""
        self.sent.append(call.step)
        verb, kind = call.step.split(" ", 1)
        if call.step in ("create contact", "update contact"):
            self._refuse(call, now_ms)
        if call.step == "create contact":
            return self._create(_flat(call.body), now_ms)
        if call.step in ("find contact", "find duplicate"):
            seen = [i for i, c in self.contacts.items() if c.seen_from_ms <= now_ms]
            wanted = CUSTOM + str(call.body["customField"])
            return next((i for i in seen if self.contacts[i].fields.get(wanted) == call.marker), None)
        if call.contact_id not in self.contacts:
            if call.is_delete:
                return call.contact_id
            raise Gone(call.contact_id)
        contact = self.contacts[call.contact_id]
        if kind in ("contact", "tags"):
            return self._change_contact(call, contact)
        children: dict[str, dict[str, Any]] = getattr(contact, kind)
        if kind == "opportunity" and (verb == "find" or PIPELINE in call.body):
            in_pipeline = [i for i, one in children.items() if one[PIPELINE] == call.body[PIPELINE]]
            if verb == "find":
                return next((i for i in in_pipeline if children[i].get(SEEN_FROM, 0) <= now_ms), None)
            others = [i for i in in_pipeline if i != call.ghl_id]
            if others and not self.allows_several_opportunities:
                raise duplicate_opportunity(others[0])
        if verb == "create":
            ghl_id = self.new_id()
            children[ghl_id] = {**call.body, **({SEEN_FROM: now_ms + LAG_MS} if kind == "opportunity" else {})}
            return ghl_id
        if verb == "find":
            texts = ((i, child.get("body") or child.get("description") or "") for i, child in children.items())
            return next((i for i, text in texts if call.marker in text), None)
        assert call.ghl_id is not None
        if verb == "delete":
            children.pop(call.ghl_id, None)
        elif call.ghl_id not in children:
            raise Gone(call.ghl_id)
        else:
            reset = {"appointmentStatus": "confirmed"} if kind == "appointment" else {}
            children[call.ghl_id].update({**reset, **call.body})
        return call.ghl_id

    def _refuse(self, call: Call, now_ms: int) -> None:
        given = _flat(call.body)
        refused = [name for name, value in given.items() if value in self.refuses]
        if refused:
            taken = {name: value for name, value in given.items() if name not in refused}
            is_made = call.is_create and self.applies_refused and refused == ["phone"]
            if is_made and any(taken.get(name) for name in (*IDENTIFIERS, *NAMES)):
                self._create(taken, now_ms)
            words = tuple(f"{name} must be valid" for name in refused)
            raise VendorError(vendor="ghl", operation="create-contact", status=422, messages=words)

    def _create(self, given: dict[str, Any], now_ms: int) -> str:
        """A contact with an e-mail or phone that another has is refused, and that one is named. Nothing may be null."""
        assert "tags" not in given
        assert None not in given.values()
        assert any(given.get(name) for name in (*IDENTIFIERS, *NAMES))
        for name in IDENTIFIERS:
            for ghl_id, contact in self.contacts.items():
                if given.get(name) and contact.fields.get(name) == given[name]:
                    raise duplicate(ghl_id, name)
        ghl_id = self.new_id()
        self.contacts[ghl_id] = Contact(given, seen_from_ms=now_ms + LAG_MS)
        return ghl_id

    def _change_contact(self, call: Call, contact: Contact) -> str | None:
        assert call.contact_id is not None
        match call.step:
            case "update contact":
                assert "tags" not in call.body
                contact.fields.update(_flat(call.body))
            case "add tags":
                contact.tags |= set(call.body["tags"])
            case "remove tags":
                contact.tags -= set(call.body["tags"])
            case "delete contact":
                del self.contacts[call.contact_id]
        return call.contact_id


@dataclass(slots=True)
class Follower:
    """One entity as the writer treats it: plan, intend, send, record. `planned` is called again each time."""

    ghl: Ghl
    entity: Entity
    link: LinkRow | None = None
    now_ms: int = 1_000_000
    candidate: Candidate | None = None
    _refused_create: Call | None = None

    def step(self, planned: Callable[[LinkRow | None, int], Plan], fate: Fate = "answered") -> Plan:
        """At most one request, which has the given fate. Returns the plan that was followed."""
        planned.candidate = self.candidate  # type: ignore[attr-defined]  # a planner takes it from there
        plan = planned(self.link, self.now_ms)
        match plan:
            case NotBefore(at_ms):
                assert at_ms > self.now_ms
                self.now_ms = at_ms
            case Settled():
                self.record("unchanged", settled="as/wanted")
            case Call(step="read contact"):
                self._adopt(fate)
            case Call(step="find duplicate") as call:
                found = self.ghl.do(call, self.now_ms)
                if fate == "answered":
                    self.candidate = Candidate(contact_id=found or "")
            case Call() as call:
                self._send(call, fate)
        self.now_ms += 100
        return plan

    def settle(self, planned: Callable[[LinkRow | None, int], Plan], most: int = 9) -> Plan:
        """Follow the plan until nothing is left to do, or it waits for its contact or for a person."""
        for _ in range(most):
            plan = self.step(planned)
            if isinstance(plan, Settled | Blocked | Stuck):
                return plan
        raise AssertionError(f"not settled after {most} steps: {self.ghl.sent[-most:]}")

    def record(self, outcome: Outcome, step: str = "compare", **facts: Any) -> None:
        """A receipt, recorded twice as a replay would."""
        known = {"outcome": outcome, "step": step, "at_ms": self.now_ms, "version_ms": 1}
        receipt = Receipt.model_validate({**self.entity._asdict(), **known, **facts})
        self.link = record_link(self.link, receipt)
        assert record_link(self.link, receipt) == self.link

    def _adopt(self, fate: Fate) -> None:
        """The contact that GHL named is ours: whose it is otherwise is tested where it is decided."""
        self.ghl.sent.append("read contact")
        if fate != "answered":
            return
        contact_id = self.candidate.contact_id if self.candidate is not None else ""
        contact, refused = self.ghl.contacts.get(contact_id), self._refused_create
        if contact is not None:
            names = refused.fields or {} if refused is not None else contact.fields
            self.record("applied", "read contact", ghl_id=contact_id, fields=dict.fromkeys(names, UNKNOWN), tags=())
        self.candidate = None

    def _send(self, call: Call, fate: Fate) -> None:
        if call.is_create:
            identifiers = {name: call.body[name] for name in FOUND_BY if call.body.get(name)}
            facts = {"fields": dict(call.fields or {}), "identifiers": identifiers or None}
            self.record("intended", call.step, refers_to=call.contact_id, **facts)
        if fate == "lost on the way":
            self._doubt(call)
            return
        try:
            ghl_id = self.ghl.do(call, self.now_ms)
        except Gone:
            self.record("failed", call.step, is_forgotten=True)
            return
        except VendorError as error:
            if fate == "applied, then lost":
                self._doubt(call)
                return
            if "existingId" in error.meta and call.is_create:
                found = adopted(call)
                facts = {"refers_to": call.contact_id, "fields": dict(found.fields or {})}
                self.record("applied", found.step, ghl_id=str(error.meta["existingId"]), **facts)
                return
            if error.meta:
                self.candidate, self._refused_create = Candidate(contact_id=str(error.meta["contactId"])), call
            outcome: Outcome = "doubtful" if may_stand(call, error.status, EXTERNAL) else "failed"
            self.record(outcome, call.step, refused=refused_values(call, error))
            return
        if fate == "applied, then lost":
            self._doubt(call)
            return
        if ghl_id is None:
            self.record("failed", call.step)
            return
        refers_to = None if self.entity.kind == "contact" else call.contact_id
        fields = None if call.fields is None else dict(call.fields)
        self.record(
            "applied",
            call.step,
            ghl_id=ghl_id,
            refers_to=refers_to,
            fields=fields,
            tags=call.tags,
            doubtful_tags=call.doubtful_tags,
            is_deleted=call.is_delete,
        )

    def _doubt(self, call: Call) -> None:
        if not call.is_create:
            self.record("doubtful", call.step, **doubt(call, self.link))


def duplicate_opportunity(existing_id: str) -> VendorError:
    """GHL's refusal of a second opportunity of a contact in a pipeline."""
    words = ("Can not create duplicate opportunity for the contact.",)
    meta = {"existingId": existing_id}
    return VendorError(vendor="ghl", operation="create-opportunity", status=400, messages=words, meta=meta)


def duplicate(contact_id: str, field_name: str) -> VendorError:
    """GHL's refusal of a contact whose e-mail or phone another one has."""
    words = ("This location does not allow duplicated contacts.",)
    meta = {"contactId": contact_id, "matchingField": field_name}
    return VendorError(vendor="ghl", operation="create-contact", status=400, messages=words, meta=meta)


def _flat(body: Any) -> dict[str, Any]:
    """A contact's body as the fields it sets; an empty text clears as null does."""
    flat = {name: value for name, value in body.items() if name != "customFields"}
    flat |= {CUSTOM + one["id"]: one["field_value"] for one in body.get("customFields", [])}
    return {name: None if value == "" else value for name, value in flat.items()}
