"""A lead with a note, a task and an appointment, and a GHL that holds exactly what it should: tests spoil it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.fingerprint import fingerprint
from streams.core.to_ghl.desired import resolve_contact
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.plan import CUSTOM
from streams.core.to_ghl.planning import Rules, desired_child
from streams.mapping import LEAD_ID_FIELD, TagRules, compile_mapping, map_contact
from streams.messages import Entity, Observation, Snapshot, Standing
from streams.operations.verify.judge_lead import VerificationBasis

LEAD = "77"
MAPPING = compile_mapping(tags=TagRules(always=("lofty",)))
RULES = Rules(MAPPING, "US")
DIRECTORY = Directory(
    {fold(LEAD_ID_FIELD): "f-lead", fold("Lofty stage"): "f-stage"}, {fold("agent@example.com"): "user-1"}
)
BASIS = VerificationBasis(RULES, DIRECTORY)

CONTACT = Entity.contact("acme", LEAD).key
NOTE = Entity("acme", LEAD, "note", "1").key
TASK = Entity("acme", LEAD, "task", "2").key
APPOINTMENT = Entity("acme", LEAD, "appointment", "3").key
STATES: dict[str, dict[str, Any]] = {
    CONTACT: {"leadId": 77, "firstName": "Ada", "emails": ["ada@example.com"], "stage": "New"},
    NOTE: {"noteId": 1, "content": "likes gardens", "creatorName": "Bob"},
    TASK: {"id": 2, "content": "call her", "endAt": "2026-05-02T10:00:00Z", "finishFlag": False},
    APPOINTMENT: {"id": 3, "content": "see the house", "deadline": 1_800_000_000_000},
}


def snapshot_of(key: str, state: Mapping[str, Any] | None, version_ms: int = 10) -> Snapshot:
    """A snapshot of an entity."""
    entity = Entity.from_key(key)
    return Snapshot(
        connection=entity.connection,
        lead=entity.lead,
        kind=entity.kind,
        id=entity.id,
        state=None if state is None else dict(state),
        version_ms=version_ms,
        fingerprint=fingerprint(state),
        read_ms=version_ms,
        update_time_ms=version_ms,
        accepted_ms=version_ms,
    )


CALENDAR_BASIS = VerificationBasis(
    Rules(MAPPING, "US", calendar="cal"), Directory(DIRECTORY.custom_fields, DIRECTORY.users, frozenset({"user-1"}))
)


class World:
    """`snapshots` are Lofty's, `contact`, `notes` and `tasks` are GHL's, `standings` ours. All may be changed."""

    def __init__(self) -> None:
        self.snapshots = {key: snapshot_of(key, state) for key, state in STATES.items()}
        mapped = map_contact(MAPPING, STATES[CONTACT], region="US")
        desired = resolve_contact(mapped, DIRECTORY, LEAD).contact
        written = {name: value for name, value in desired.fields.items() if value is not None}
        self.contact: dict[str, Any] | None = {
            "id": "c-1",
            **{name: value for name, value in written.items() if not name.startswith(CUSTOM)},
            "customFields": {n.removeprefix(CUSTOM): v for n, v in written.items() if n.startswith(CUSTOM)},
            "tags": ["lofty", "theirs"],
        }
        self.notes = [{"id": "n-1", **self.child(NOTE)}]
        self.tasks = [{"id": "t-2", **self.child(TASK)}, {"id": "t-3", **self.child(APPOINTMENT)}]
        self.appointments: list[dict[str, Any]] = []
        self.standings = {
            CONTACT: Standing(ghl_id="c-1", version_ms=10, written=tuple(written), tags=("lofty",)),
            NOTE: Standing(ghl_id="n-1", version_ms=10, written=("body",)),
            TASK: Standing(ghl_id="t-2", version_ms=10, written=tuple(self.child(TASK))),
            APPOINTMENT: Standing(ghl_id="t-3", version_ms=10, written=tuple(self.child(APPOINTMENT))),
        }

    def child(self, key: str) -> dict[str, Any]:
        """What a note or task should be in GHL."""
        return dict(desired_child(self.snapshots[key], RULES, DIRECTORY).fields)

    def into_calendar(self) -> None:
        """The appointment is in the calendar, as it should be."""
        desired = desired_child(self.snapshots[APPOINTMENT], CALENDAR_BASIS.rules, DIRECTORY, "appointment")
        self.tasks.pop()
        self.appointments.append({"id": "a-3", **desired.fields})
        self.stand(APPOINTMENT, ghl_id="a-3", written=tuple(desired.fields))

    def stand(self, key: str, **changes: Any) -> None:
        """Change what our tables say of an entity."""
        self.standings[key] = self.standings[key].model_copy(update=changes)

    def delete_in_lofty(self, key: str) -> None:
        """Lofty deleted it, and we know."""
        self.snapshots[key] = snapshot_of(key, None)

    @property
    def seen(self) -> Observation:
        """The observation that a worker would send."""
        return Observation(
            run="r",
            number=1,
            connection="acme",
            lead=LEAD,
            answer="seen" if self.contact else "not found",
            at_ms=20,
            standings=self.standings,
            contact=self.contact,
            notes=tuple(self.notes) if self.contact else (),
            tasks=tuple(self.tasks) if self.contact else (),
            appointments=tuple(self.appointments) if self.contact else (),
        )
