"""An import in memory: what each lead would become in a location, decided by the functions of the worker, and without any request.

The location is known as it was read: its contacts with e-mail, telephone and custom fields. What the import would make there is
added, so that two leads of one person meet each other as they would in GHL. Each lead is planned until nothing is left to do, as
`ghl_writer.py` and `identities.py` do it; GHL's answers are those that the location would give: a create is refused where its
e-mail, or else its telephone, is on a contact already, and names that one.

It does not know values that GHL will refuse, contacts that are added meanwhile, or e-mails that a contact has beside its first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from streams.core.fingerprint import fingerprint
from streams.core.rows import Candidate, LinkRow, OutboxRow
from streams.core.to_ghl.contact_identity import adopted_contact, conflict_about, named_in_common, shared_contact
from streams.core.to_ghl.directory import ONE_OPTION, Directory, fields_needed_first, fold
from streams.core.to_ghl.identity import family_of, has_in_common, judge, person_of
from streams.core.to_ghl.plan import IDENTIFIERS, Call, DesiredContact, Settled, Stuck
from streams.core.to_ghl.planning import Prepared, Rules, prepare
from streams.mapping import LEAD_ID_FIELD, CustomField
from streams.messages import Conflict, Entity, Snapshot

Became = Literal["new", "matching", "shared", "conflicting", "refused"]

LOFTY_ID = "Lofty id"
MOST_STEPS = 20
"""So many requests no contact needs; a simulation that does is a defect, and says so."""

TO_BE_MADE = "to be made:"
"""Prefix of the ids of contacts and custom fields that are not there yet."""

_NAMES = ("firstName", "lastName", "name")


@dataclass(frozen=True, slots=True)
class SimulatedLead:
    """What one lead would become.

    - `new`: a contact is made · `matching`: a contact that is there becomes the lead's, found `by` that
    - `shared`: its contact is that of the lead `shares` · `conflicting`: a contact is made without a value that another contact has
    - `refused`: nothing is written; `because` says why, `by` is the reason's name

    `link` is what our memory would read of its contact before anything is written on it; None for a contact that is made.
    `requests` are those to GHL, `writes` of them change something. `left_out` and `unreadable` are values that are not carried.
    """

    lead: str
    became: Became
    by: str = ""
    contact_id: str = ""
    because: str = ""
    shares: str = ""
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)
    link: LinkRow | None = None
    requests: int = 0
    writes: int = 0
    tags: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(slots=True)
class _Lead:
    """A lead while it is planned. `prepared` is its mapping, until its candidate or its conflicts change."""

    entity: Entity
    row: OutboxRow
    link: LinkRow | None = None
    prepared: Prepared | None = None
    adopted: LinkRow | None = None
    by: str = ""
    is_made: bool = False
    requests: int = 0
    writes: int = 0

    def judge_next(self, candidate: Candidate | None) -> None:
        """The contact that has to be judged before anything is written; None: none."""
        self.row, self.prepared = self.row.model_copy(update={"candidate": candidate}), None


@dataclass(slots=True)
class SimulatedImport:
    """One connection. `leads` are the ids that are known to live. `new_fields` are custom fields that would be made, with their types.

    `may_live` is asked about a lead whose id a contact has, and that is none of `leads`.
    """

    connection: str
    rules: Rules
    directory: Directory
    leads: Collection[str]
    makes_fields: bool = True
    may_live: Callable[[str], bool] = lambda _lead: False
    new_fields: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _holders: dict[str, Entity] = field(default_factory=dict)
    _own: dict[str, str] = field(default_factory=dict)
    _found_by: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.makes_fields:
            known = self.rules.mapping.custom_fields
            self._make_fields([known[name] for name in fields_needed_first(known) if not known[name].is_key])

    def add_contacts(self, contacts: Iterable[Mapping[str, Any]]) -> None:
        """Contacts of the location, the oldest first."""
        field_id = self.directory.custom_field_id(LEAD_ID_FIELD)
        for contact in contacts:
            self._put(contact)
            lofty_id = str((contact.get("customFields") or {}).get(field_id) or "")
            if lofty_id:
                self._own.setdefault(lofty_id, str(contact["id"]))

    def simulate(self, state: Mapping[str, Any], now_ms: int) -> SimulatedLead:
        """One lead, by Lofty's JSON. Leads are given in the order of the import."""
        entity = Entity.contact(self.connection, str(state["leadId"]))
        lead = _Lead(entity, OutboxRow(snapshot=snapshot_of_lead(self.connection, state, now_ms)))
        if (own := self._own.get(entity.lead)) is not None:
            lead.judge_next(Candidate(contact_id=own, field=LOFTY_ID))
        for _ in range(MOST_STEPS):
            prepared = lead.prepared = lead.prepared or prepare(lead.row, self.rules, self.directory, lead.link)
            if prepared.missing and self.makes_fields and self._make_fields(self._creatable(prepared.missing)):
                lead.prepared = None
                continue
            plan = prepared.plan(lead.link, None, now_ms)
            if isinstance(plan, Stuck):
                return self._ended(lead, prepared, plan)
            if not isinstance(plan, Call) or prepared.contact is None:
                return self._ended(lead, prepared, plan if isinstance(plan, Settled) else None)
            self._perform(lead, prepared, prepared.contact, plan)
        return SimulatedLead(entity.lead, "refused", "defect", because=f"it is not done after {MOST_STEPS} requests")

    # -- one request --------------------------------------------------------------------------------------

    def _perform(self, lead: _Lead, prepared: Prepared, desired: DesiredContact, call: Call) -> None:
        lead.requests += 2 if call.step == "write opt-outs" else 1
        link = lead.link or LinkRow()
        match call.step:
            case "find duplicate":
                lead.judge_next(Candidate(contact_id=self._searched(call)))
                return
            case "read contact":
                self._decide(lead, prepared, desired, self.contacts[call.contact_id or ""])
                return
            case "create contact":
                if not prepared.directory.takes_duplicates and (found := self._duplicate(call.body)) is not None:
                    passed = lead.row.candidate.passed if lead.row.candidate is not None else ""
                    candidate = Candidate(contact_id=found[0], field=found[1], passed=passed)
                    lead.judge_next(candidate)
                    return
                contact_id, lead.is_made = f"{TO_BE_MADE}{lead.entity.lead}", True
                self._put({**_contact_of(call.body), "id": contact_id})
                self._holders[contact_id] = lead.entity
                lead.link = link.model_copy(
                    update={"ghl_id": contact_id, "fields": dict(call.fields or {}), "tags": ()}
                )
            case "update contact":
                named = self._duplicate({name: call.body.get(name) for name in IDENTIFIERS})
                if named is not None and named[0] != link.ghl_id and not prepared.directory.takes_duplicates:
                    self._leave_out(lead, desired, named[1], named[0])
                    return
                contact = self.contacts[link.ghl_id or ""]
                self._put({**contact, **{name: call.body[name] for name in IDENTIFIERS if name in call.body}})
                lead.link = link.model_copy(update={"fields": dict(call.fields or {})})
            case "write opt-outs":
                lead.link = link.model_copy(update={"fields": dict(call.fields or {})})
            case _:
                update = {"tags": call.tags or (), "doubtful_tags": call.doubtful_tags or ()}
                lead.link = link.model_copy(update=update)
        lead.writes += 1

    def _decide(self, lead: _Lead, prepared: Prepared, desired: DesiredContact, contact: Mapping[str, Any]) -> None:
        """Whose the candidate is, as `Identities.decide` judges it."""
        candidate, link = lead.row.candidate or Candidate(), lead.link or LinkRow()
        contact_id = str(contact["id"])
        lofty_id = str((contact.get("customFields") or {}).get(desired.external_id_field) or "")
        mine = person_of(desired.fields, lead.entity.lead, family_of(lead.row.snapshot.state or {}))
        found = person_of(contact, lofty_id)
        if candidate.passed != contact_id and not has_in_common(mine, found):
            lead.judge_next(Candidate(passed=contact_id))
            return
        holder = self._holder(lead.entity, contact_id, lofty_id)
        rules = self.rules
        verdict = judge(
            mine,
            found,
            is_living=holder is not None,
            shared_email=rules.shared_email,
            shared_phone=rules.shared_phone,
        )
        name = named_in_common(candidate.field, desired)
        if verdict == "own":
            lead.by = LOFTY_ID if lofty_id == lead.entity.lead else _equal_in(mine.email, found.email, name)
            contact = _as_wanted(contact, desired)
            facts = adopted_contact(desired, contact, link, rules=rules, before=LinkRow())
            lead.link = lead.adopted = link.model_copy(update=facts)
            self._holders[contact_id] = lead.entity
        elif verdict == "shared" and holder is not None:
            lead.by = name
            lead.link = link.model_copy(update=shared_contact(desired, contact_id, name, holder.key))
        elif prepared.directory.takes_duplicates:
            lead.judge_next(Candidate())
            return
        else:
            self._leave_out(lead, desired, name, contact_id, holder)
            return
        lead.judge_next(None)

    def _leave_out(
        self, lead: _Lead, desired: DesiredContact, name: str, contact_id: str, holder: Entity | None = None
    ) -> None:
        link, holder = lead.link or LinkRow(), holder or self._holders.get(contact_id)
        conflict = conflict_about(desired, name, contact_id, holder.key if holder is not None else "")
        lead.link = link.model_copy(update={"conflicts": {**link.conflicts, name: conflict}})
        lead.judge_next(None)

    def _ended(self, lead: _Lead, prepared: Prepared, plan: Stuck | Settled | None) -> SimulatedLead:
        link, wanted = lead.link or LinkRow(), prepared.contact
        found = SimulatedLead(
            lead.entity.lead,
            "matching",
            by=lead.by,
            contact_id=link.ghl_id or "",
            shares=link.shares,
            conflicts={} if link.shares else dict(link.conflicts),
            link=lead.adopted,
            requests=lead.requests,
            writes=lead.writes,
            tags=wanted.tags if wanted is not None else (),
            left_out=prepared.left_out,
            unreadable=prepared.flags,
        )
        if isinstance(plan, Stuck):
            return replace(found, became="refused", by=plan.reason, because=plan.because)
        if link.shares:
            return replace(found, became="shared")
        if lead.is_made:
            return replace(found, became="conflicting" if link.conflicts else "new", contact_id="")
        return found

    # -- the location -------------------------------------------------------------------------------------

    def _put(self, contact: Mapping[str, Any]) -> None:
        contact_id = str(contact["id"])
        for name, value in _identifiers(self.contacts.get(contact_id, {})):
            if self._found_by.get((name, value)) == contact_id:
                del self._found_by[name, value]
        self.contacts[contact_id] = contact
        for name, value in _identifiers(contact):
            self._found_by.setdefault((name, value), contact_id)

    def _duplicate(self, body: Mapping[str, Any]) -> tuple[str, str] | None:
        """The contact that GHL would name for a body, and by which field."""
        for name, value in _identifiers(body):
            if (found := self._found_by.get((name, value))) is not None:
                return found, name
        return None

    def _searched(self, call: Call) -> str:
        if call.marker:
            return self._own.get(call.marker, "")
        found = self._duplicate(call.body)
        return found[0] if found is not None else ""

    def _holder(self, entity: Entity, contact_id: str, lofty_id: str) -> Entity | None:
        """The living lead, other than this one, whose the contact is."""
        holder = self._holders.get(contact_id)
        if holder is not None and holder != entity:
            return holder
        if lofty_id and lofty_id != entity.lead and (lofty_id in self.leads or self.may_live(lofty_id)):
            return Entity.contact(self.connection, lofty_id)
        return None

    def _creatable(self, missing: Mapping[str, str]) -> list[CustomField]:
        known = self.rules.mapping.custom_fields
        fields = (known.get(reference) or CustomField(reference, kind) for reference, kind in missing.items())
        return [one for one in fields if not one.is_key]

    def _make_fields(self, wanted: Iterable[CustomField]) -> bool:
        """The location has these custom fields from here on. False: it had them all."""
        missing = [one for one in wanted if fold(one.reference) not in self.directory.custom_fields]
        if not missing:
            return False
        ids = {one.reference: f"{TO_BE_MADE}{one.reference}" for one in missing}
        options = {ids[one.reference]: one.options for one in missing if one.type in ONE_OPTION and one.options}
        self.new_fields |= {one.reference: one.type for one in missing}
        self.directory = replace(
            self.directory,
            custom_fields={**self.directory.custom_fields, **{fold(name): id for name, id in ids.items()}},
            types={**self.directory.types, **{ids[one.reference]: one.type for one in missing}},
            options={**self.directory.options, **options},
        )
        return True


def snapshot_of_lead(connection: str, state: Mapping[str, Any], now_ms: int) -> Snapshot:
    """A lead as if it had been read now."""
    lead = str(state["leadId"])
    return Snapshot(
        connection=connection,
        lead=lead,
        kind="contact",
        id=lead,
        state=dict(state),
        version_ms=now_ms,
        fingerprint=fingerprint(dict(state)),
        read_ms=now_ms,
        update_time_ms=now_ms,
        accepted_ms=now_ms,
        origin="backfill",
    )


def _identifiers(contact: Mapping[str, Any]) -> list[tuple[str, str]]:
    """E-mail and telephone as GHL compares them, in the order in which it looks."""
    email = str(contact.get("email") or "").strip().casefold()
    phone = "".join(one for one in str(contact.get("phone") or "") if one.isdigit())
    return [(name, value) for name, value in (("email", email), ("phone", phone)) if value]


def _equal_in(mine: str, found: str, named: str) -> str:
    return "email" if mine and mine == found else named


def _contact_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A contact as GHL would show it after it was created with this body."""
    custom = {one["id"]: one["field_value"] for one in body.get("customFields", ())}
    return {**body, "customFields": custom, "tags": []}


def _as_wanted(contact: Mapping[str, Any], desired: DesiredContact) -> dict[str, Any]:
    """The contact with its names in the letters of the wanted ones, if they differ in case only: the search shows lower case."""
    same = {
        name: desired.fields[name]
        for name in _NAMES
        if desired.fields.get(name) and str(contact.get(name) or "").casefold() == str(desired.fields[name]).casefold()
    }
    return {**contact, **same}
