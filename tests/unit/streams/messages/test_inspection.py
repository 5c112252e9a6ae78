"""Questions and answers of verify read back as they were written."""

from __future__ import annotations

from streams.messages import Inspection, Observation, Remedy, Snapshot, Standing

SNAPSHOT = Snapshot(
    connection="acme",
    lead="7",
    kind="note",
    id="1",
    state={"noteId": 1},
    version_ms=1,
    fingerprint="f",
    read_ms=1,
    update_time_ms=1,
    accepted_ms=1,
)


def test_an_inspection_reads_back_with_its_remedy_and_its_snapshot() -> None:
    """Everything that a repair needs travels with it."""
    remedy = Remedy(cure="doubt", fields=("body",), tags=("a",))
    asked = Inspection(
        run="r",
        number=1,
        connection="acme",
        question="mend",
        expires_ms=5,
        lead="7",
        entity="acme:7:note:1",
        remedy=remedy,
        snapshot=SNAPSHOT,
        after=(1, "x"),
    )
    assert Inspection.from_bytes(asked.to_bytes()) == asked


def test_an_observation_reads_back_with_all_that_was_seen() -> None:
    """Custom fields may hold anything that JSON can."""
    seen = Observation(
        run="r",
        number=1,
        connection="acme",
        lead="7",
        answer="seen",
        at_ms=5,
        standings={"acme:7:note:1": Standing(ghl_id="n", written=("body",))},
        contact={"id": "c", "customFields": {"f": [1, None, {"a": "b"}]}, "tags": ["x"]},
        notes=({"id": "n", "body": None},),
        bearers=(("7", "c"),),
        after=(1.5, "x"),
    )
    assert Observation.from_bytes(seen.to_bytes()) == seen


def test_both_are_keyed_by_the_contact_else_by_the_connection() -> None:
    """All about one contact stays in order."""
    about_lead = Inspection(run="r", number=1, connection="acme", question="contact", expires_ms=5, lead="7")
    about_all = Observation(run="r", number=2, connection="acme", answer="seen", at_ms=5)
    assert (about_lead.lane, about_all.lane) == ("acme:7", "acme")
