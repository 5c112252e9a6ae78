"""What a replay would write, simulated by the functions that the dispatcher plans with."""

from __future__ import annotations

from typing import Any

from streams.core.rows import Intent, LinkRow, OutboxRow
from streams.core.to_ghl.delivery import settled_as
from streams.core.to_ghl.directory import Directory, fold
from streams.core.to_ghl.planning import Rules
from streams.mapping import LEAD_ID_FIELD
from streams.messages import Snapshot
from streams.operations.replay.simulate import EntityState, PlannedOutcome, SimulationBasis, settle, simulate_lead
from streams.settings import parse_settings

CONFIG = """
[kafka]
bootstrap_servers = "localhost:9092"
[connections.acme]
region = "US"
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "loc"
"""
CONNECTION = parse_settings(CONFIG, {}).connections["acme"]
NAMES = {fold(name): f"id-{number}" for number, name in enumerate(CONNECTION.mapping.custom_fields)}
BASIS = SimulationBasis.of(Rules(CONNECTION.mapping, "US"), Directory(NAMES), "m", creates_custom_fields=True)


def snapshot(kind: str = "contact", fingerprint: str = "f", **state: Any) -> Snapshot:
    """A lead, or a note of it."""
    whole = {"leadId": 7, "firstName": "Ada", "emails": ["ada@example.com"], **state}
    given = {"noteId": 9, "content": "Call.", **state} if kind == "note" else whole
    return Snapshot.model_validate(
        {"connection": "acme", "lead": "7", "kind": kind, "id": "7" if kind == "contact" else "9", "state": given}
        | {"version_ms": 5, "fingerprint": fingerprint, "read_ms": 1, "update_time_ms": 1, "accepted_ms": 1}
    )


def foreseen(
    *standings: EntityState, owner: LinkRow | None = None, basis: SimulationBasis = BASIS
) -> list[PlannedOutcome]:
    """What would become of them."""
    return list(simulate_lead(standings, owner, basis, 1_000_000))


def written(one: Snapshot) -> LinkRow:
    """Its link once it is in GHL, settled under an earlier mapping."""
    link = settle(EntityState(one, None, None), BASIS, 0)
    return link.model_copy(update={"ghl_id": "g", "settled": settled_as(one.fingerprint, "earlier"), "version_ms": 5})


def test_a_contact_that_is_nowhere_is_created_and_then_its_note() -> None:
    """The note is planned on the contact that the replay would make."""
    contact, note = foreseen(EntityState(snapshot("note"), None, None), EntityState(snapshot(), None, None))
    assert (contact.verdict, contact.steps[0].step, contact.steps[0].fields["firstName"]) == (
        "create",
        "create contact",
        "Ada",
    )
    assert contact.steps[0].fields[LEAD_ID_FIELD] == "7"
    assert (note.verdict, note.steps[0].step) == ("create", "create note")


def test_only_the_fields_that_differ_are_told() -> None:
    """By name, with the new value."""
    before, after = snapshot(), snapshot(lastName="Byron")
    [one] = foreseen(EntityState(after, written(before).model_copy(update={"settled": "f/earlier"}), None))
    assert one.verdict == "update"
    assert [(step.step, dict(step.fields)) for step in one.steps] == [("update contact", {"lastName": "Byron"})]


def test_what_another_mapping_leaves_as_it_is_is_unchanged() -> None:
    """No request; and so is what is settled under this mapping, without being mapped."""
    one = snapshot()
    assert [f.verdict for f in foreseen(EntityState(one, written(one), None))] == ["unchanged"]
    settled = LinkRow(ghl_id="g", settled=settled_as("f", "m"), version_ms=5)
    assert [f.verdict for f in foreseen(EntityState(one, settled, None))] == ["unchanged"]


def test_a_deleted_lead_gets_its_tag() -> None:
    """By the connection's policy."""
    gone = snapshot(fingerprint="gone").model_copy(update={"state": None})
    [one] = foreseen(EntityState(gone, written(snapshot()).model_copy(update={"settled": ""}), None))
    assert [(step.step, step.fields["tags"]) for step in one.steps] == [("add tags", ["lofty-deleted"])]


def test_what_is_parked_would_be_tried_again_and_what_is_on_its_way_is_left_alone() -> None:
    """As the worker would do."""
    one = snapshot()
    [parked] = foreseen(EntityState(one, None, OutboxRow(snapshot=one, parked="refused")))
    [pending] = foreseen(EntityState(one, None, OutboxRow(snapshot=one)))
    assert (parked.verdict, parked.was_parked, pending.verdict) == ("create", True, "pending")


def test_a_note_without_its_contact_waits_and_a_doubtful_create_is_looked_for() -> None:
    """Neither is written."""
    [note] = foreseen(EntityState(snapshot("note"), None, None))
    known = LinkRow(intent=Intent(at_ms=999_999, step="create contact", identifiers={"email": "old@example.com"}))
    lost = LinkRow(intent=Intent(at_ms=999_999, step="create contact"))
    assert note.verdict == "blocked"
    assert [foreseen(EntityState(snapshot(), one, None))[0].verdict for one in (known, lost)] == ["in doubt", "stuck"]


def test_custom_fields_that_the_location_lacks_are_told() -> None:
    """They would be made first, so their values count."""
    bare = SimulationBasis.of(Rules(CONNECTION.mapping, "US"), Directory(), "m", creates_custom_fields=True)
    [one] = foreseen(EntityState(snapshot(), None, None), basis=bare)
    assert LEAD_ID_FIELD in one.new_fields
    assert one.steps[0].fields[LEAD_ID_FIELD] == "7"
