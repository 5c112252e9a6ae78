"""What receipts do to links and to the outbox, in any order and any number of times."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import Intent, LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import (
    comes_back,
    is_overtaken,
    leaves_children,
    record_link,
    record_outbox,
    stays_on_left,
    unsettle,
)
from streams.core.to_ghl.delivery import settled_as
from streams.core.to_ghl.plan import UNKNOWN
from streams.messages import Conflict, Entity, Receipt, Snapshot

HASHES = st.dictionaries(st.sampled_from(["email", "city"]), st.sampled_from(["h1", "h2"]))
RECEIPTS = st.builds(
    Receipt,
    connection=st.just("c"),
    lead=st.just("7"),
    kind=st.just("contact"),
    id=st.just("7"),
    outcome=st.sampled_from(["intended", "applied", "unchanged", "failed", "doubtful", "refused", "parked"]),
    step=st.sampled_from(["create contact", "update contact"]),
    at_ms=st.integers(0, 9),
    version_ms=st.integers(0, 5),
    settled=st.sampled_from(["", "", "f1/m", "f2/m"]),
    ghl_id=st.none() | st.sampled_from(["g1", "g2"]),
    refers_to=st.none() | st.just("g0"),
    fields=st.none() | HASHES,
    tags=st.none() | st.just(("a",)),
    doubtful_tags=st.none() | st.just(("b",)),
    is_deleted=st.booleans(),
    is_forgotten=st.sampled_from([False, False, False, True]),
)
LOGS = st.lists(RECEIPTS, max_size=8)
LINKS = st.none() | st.builds(
    LinkRow, ghl_id=st.none() | st.just("g"), version_ms=st.integers(0, 5), settled=st.sampled_from(["", "f1/m"])
)


def receipt(outcome: str, **facts: Any) -> Receipt:
    """A receipt about one contact at version 5."""
    given_facts = {"version_ms": 5, "step": "update contact", "at_ms": 1} | facts
    return Receipt.model_validate(
        {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "outcome": outcome, **given_facts}
    )


def row(version_ms: int = 5, fingerprint: str = "f1", **facts: Any) -> OutboxRow:
    """The desired state of one contact."""
    snapshot = Snapshot(
        connection="c",
        lead="7",
        kind="contact",
        id="7",
        state={},
        version_ms=version_ms,
        fingerprint=fingerprint,
        read_ms=0,
        update_time_ms=0,
        accepted_ms=0,
    )
    return OutboxRow(snapshot=snapshot, **facts)


ROWS = st.none() | st.builds(
    row, st.integers(0, 5), st.sampled_from(["f1", "f2"]), attempts=st.integers(0, 2), parked=st.sampled_from(["", "x"])
)


@given(link=LINKS, one=RECEIPTS)
def test_a_receipt_applied_twice_is_a_receipt_applied_once(link: LinkRow | None, one: Receipt) -> None:
    """Kafka delivers at least once."""
    once = record_link(link, one)
    assert record_link(once, one) == once


@given(desired=ROWS, one=RECEIPTS)
def test_a_receipt_applied_twice_to_the_outbox_is_one_applied_once(desired: OutboxRow | None, one: Receipt) -> None:
    """Kafka delivers at least once."""
    once = record_outbox(desired, one)
    assert record_outbox(once, one) == once


@given(log=LOGS, again_from=st.integers(0, 8))
def test_reading_a_part_of_the_history_again_changes_nothing(log: list[Receipt], again_from: int) -> None:
    """After a crash the log is read again from the last commit, onto a link that has seen all of it."""
    link = reduce(record_link, log, LinkRow())
    assert reduce(record_link, log[again_from:], link) == link


@given(LOGS)
def test_no_receipt_removes_or_parks_a_newer_desired_state(log: list[Receipt]) -> None:
    """What became wanted while the write was under way is still wanted."""
    newer = row(version_ms=6, fingerprint="f2")
    still: OutboxRow | None = newer
    for one in log:
        still = record_outbox(still, one)
    assert still == newer


def test_a_settled_receipt_keeps_another_state_of_the_same_version() -> None:
    """Equal versions follow the topic: the one that came later is not the one that was written."""
    settled = receipt("applied", settled=settled_as("f1", "m"))
    assert record_outbox(row(fingerprint="f1"), settled) is None
    assert record_outbox(row(fingerprint="f2"), settled) == row(fingerprint="f2")
    assert record_outbox(row(version_ms=4, fingerprint="f0"), settled) is None


def test_a_refusal_does_not_park_another_state_of_the_same_version() -> None:
    """The state that came later was never tried."""
    refused = receipt("refused", fingerprint="f1", message="property gender should not exist")
    assert record_outbox(row(fingerprint="f2"), refused) == row(fingerprint="f2")


def test_a_refused_state_waits_with_the_vendors_words() -> None:
    """Parked until its next change, with a clean slate of attempts."""
    refused = receipt("refused", message="422 no")
    after = record_outbox(row(attempts=3), refused)
    assert after == row(parked="422 no")


@pytest.mark.parametrize(
    ("settled", "said", "is_read_again"),
    [
        ("", receipt("unchanged", step="compare"), True),
        ("f1/m", receipt("unchanged", step="compare"), False),
        ("", receipt("unchanged", step="compare", settled="f1/m"), False),
        ("", receipt("doubtful"), False),
    ],
)
def test_what_was_found_unchanged_and_became_unknown_is_read_again(
    settled: str, said: Receipt, is_read_again: bool
) -> None:
    """Its receipt moves the version: the read that the doubt asked for is older, and would be passed over as stale."""
    link = LinkRow(ghl_id="g", settled=settled, version_ms=2)
    assert is_overtaken(link, said) is is_read_again
    assert record_link(link, said).version_ms == (2 if said.outcome == "doubtful" else 5)


def test_success_forgets_the_failures_before_it() -> None:
    """A state in more than one request starts each with fresh attempts."""
    failed = row(attempts=3, not_before_ms=9, last_error="503")
    assert record_outbox(failed, receipt("applied")) == row()
    assert record_outbox(failed, receipt("failed")) == failed
    assert record_outbox(failed, receipt("intended")) == failed


@pytest.mark.parametrize("outcome", ["applied", "unchanged", "failed", "refused"])
def test_every_definite_answer_ends_an_intent(outcome: str) -> None:
    """After it, the create either happened or did not."""
    link = LinkRow(intent=Intent(at_ms=1, step="create contact"))
    settled = "f1/m" if outcome == "unchanged" else ""
    assert record_link(link, receipt(outcome, settled=settled)).intent is None


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (Intent(at_ms=1, step="create contact"), receipt("parked", step="create contact")),
        (Intent(at_ms=1, step="create contact"), receipt("refused", step="find contact")),
        (Intent(at_ms=1, step="create note"), receipt("refused", step="find note")),
        (Intent(at_ms=2, step="create contact", is_repeated=True), receipt("refused", step="create contact")),
        (
            Intent(at_ms=2, step="create contact", is_repeated=True),
            receipt("failed", step="create contact", is_forgotten=True),
        ),
        (Intent(at_ms=1, step="create note"), receipt("failed", kind="note", step="find note", is_forgotten=True)),
    ],
)
def test_what_says_nothing_of_a_create_leaves_it_in_doubt(intent: Intent, said: Receipt) -> None:
    """Else it would be made again without a look."""
    assert record_link(LinkRow(intent=intent), said).intent == intent


def test_what_deliver_found_unchanged_does_not_settle_what_became_unknown_meanwhile() -> None:
    """It looked at the link before the doubt was recorded, and its receipt stands behind the doubt's."""
    link = LinkRow(ghl_id="g", fields={"lastName": "h"}, settled="f1/m", version_ms=4)
    unknown = record_link(link, receipt("doubtful", fields={"lastName": UNKNOWN}))

    after = record_link(unknown, receipt("unchanged"))

    assert after.settled == ""
    assert after.fields == {"lastName": UNKNOWN}
    assert after.version_ms == 5, "older snapshots are older than this one"
    assert record_outbox(row(), receipt("unchanged"), unknown, wanted="f1/m") == row()


def test_giving_up_does_not_end_an_intent() -> None:
    """`parked` says that we do not know."""
    link = LinkRow(intent=Intent(at_ms=1, step="create contact"))
    assert record_link(link, receipt("parked")).intent == link.intent


def test_a_late_deletion_makes_all_that_stood_there_unknown() -> None:
    """An earlier owner deleted it, perhaps after what a later one has written: it may be gone."""
    link = LinkRow(ghl_id="g", fields={"lastName": "h"}, settled="f1/m", version_ms=5, epoch=8)
    late = receipt("applied", step="delete contact", ghl_id="g", is_deleted=True, epoch=7)
    after = record_link(link, late)
    assert (after.settled, after.fields) == ("", {"lastName": UNKNOWN})
    anew = link.model_copy(update={"ghl_id": "another"})
    assert record_link(anew, late) == anew, "what was made after that deletion still is there"


def test_an_intent_remembers_what_was_to_be_written() -> None:
    """So that a search knows what may be there, and by what it can be found."""
    link = record_link(None, receipt("intended", step="create contact", at_ms=8, fields={"email": "h1"}))
    assert link == LinkRow(intent=Intent(at_ms=8, step="create contact", fields={"email": "h1"}))


def test_a_partial_write_is_not_settled_and_keeps_the_version() -> None:
    """Only a state that is whole moves the link's version."""
    link = LinkRow(ghl_id="g", settled="f0/m", version_ms=3)
    partly = record_link(link, receipt("applied", fields={"email": "h"}))
    wholly = record_link(partly, receipt("applied", settled="f1/m"))
    assert (partly.settled, partly.version_ms) == ("", 3)
    assert (wholly.settled, wholly.version_ms, wholly.fields) == ("f1/m", 5, {"email": "h"})


def test_a_comparison_does_not_bring_a_deleted_contact_back() -> None:
    """`unchanged` says nothing of what GHL holds."""
    link = LinkRow(ghl_id="g", is_deleted=True)
    assert record_link(link, receipt("unchanged", settled="f1/m")).is_deleted


def test_a_forgotten_link_starts_anew_but_not_with_an_older_version() -> None:
    """Nothing of the old contact counts, except that older snapshots still are old."""
    link = LinkRow(ghl_id="g", fields={"email": "h"}, tags=("a",), settled="f/m", version_ms=4)
    assert record_link(link, receipt("failed", is_forgotten=True)) == LinkRow(version_ms=4)


def test_a_create_that_failed_for_sure_leaves_an_earlier_doubt_standing() -> None:
    """The first create may have happened although the second certainly did not; a look that finds nothing ends both."""
    first = record_link(None, receipt("intended", step="create note", at_ms=1))
    second = record_link(first, receipt("intended", step="create note", at_ms=2))
    refused = record_link(second, receipt("failed", step="create note"))
    looked = record_link(refused, receipt("failed", step="find note"))

    assert refused.intent is not None
    assert looked.intent is None


def test_a_receipt_under_an_earlier_mapping_leaves_what_a_replay_wants() -> None:
    """It is read again after a crash, when the replay has put the row for the new mapping already."""
    desired = row(5, "f1")
    old, new = receipt("applied", settled="f1/old"), receipt("applied", settled="f1/new")
    assert record_outbox(desired, old, wanted="f1/new") == desired
    assert record_outbox(desired, new, wanted="f1/new") is None


def test_a_refusal_of_an_earlier_owner_does_not_park_what_was_put_since() -> None:
    """The mapping may have been fixed in between: the row gets its own attempt."""
    desired = row(5, "f1", epoch=7)
    assert record_outbox(desired, receipt("refused", fingerprint="f1", epoch=6)) == desired
    parked = record_outbox(desired, receipt("refused", fingerprint="f1", epoch=7))
    assert parked is not None
    assert parked.parked


@pytest.mark.parametrize(
    ("before", "step", "comes"),
    [
        (None, "create contact", False),
        (LinkRow(intent=Intent(at_ms=0, step="create contact")), "create contact", False),
        (LinkRow(version_ms=3, settled="f/m"), "create contact", True),
        (LinkRow(version_ms=3), "find contact", True),
        (LinkRow(version_ms=3, ghl_id="g"), "update contact", False),
        (LinkRow(version_ms=3, ghl_id="another"), "compare", True),
        (LinkRow(version_ms=5, ghl_id="g"), "create contact", True),
    ],
    ids=["first", "first, intended", "was never written", "was forgotten", "updated", "adopted", "read again"],
)
def test_a_contact_comes_back_when_it_is_made_but_not_for_the_first_time(
    before: LinkRow | None, step: str, comes: bool
) -> None:
    """Then its notes and tasks are looked at again."""
    assert comes_back(before, receipt("applied", step=step, ghl_id="g")) is comes


@pytest.mark.parametrize(
    ("child", "is_unsettled"),
    [
        (LinkRow(settled="f/m"), True),
        (LinkRow(settled="f/m", ghl_id="n", refers_to="g"), False),
        (LinkRow(settled="f/m", ghl_id="n", refers_to="another"), True),
        (LinkRow(ghl_id="n", refers_to="another"), False),
    ],
    ids=["its contact was gone", "there", "on the contact that was", "not settled anyway"],
)
def test_what_is_not_on_the_contact_that_came_back_is_not_settled(child: LinkRow, is_unsettled: bool) -> None:
    """What is there stays as it is."""
    after = unsettle(child, "g")
    assert (after is not None) is is_unsettled
    assert after is None or (after.settled == "" and after.ghl_id == child.ghl_id)


@pytest.mark.parametrize("outcome", ["unchanged", "doubtful", "failed", "applied"])
def test_what_a_person_decided_outlives_the_link(outcome: str) -> None:
    """A decision adds to the others, whatever else the receipt says; a contact that is made again keeps them."""
    link = record_link(LinkRow(ghl_id="g", decided={"x": "apart"}), receipt(outcome, decided={"y": "same"}))
    forgotten = record_link(link, receipt("failed", is_forgotten=True))
    assert (forgotten.ghl_id, forgotten.decided) == (None, {"x": "apart", "y": "same"})


def test_conflicts_gather_while_values_are_refused_and_are_all_said_once_it_is_settled() -> None:
    """A refusal adds its own; what settles a contact names those that are left, an empty mapping none."""
    phone, email = (Conflict(hash="h", contact_id=one) for one in ("c-1", "c-2"))
    entity = Entity.contact("acme", "77")
    link: LinkRow | None = None
    for outcome, conflicts, left in (
        ("failed", {"phone": phone}, {"phone"}),
        ("failed", {"email": email}, {"phone", "email"}),
        ("applied", None, {"phone", "email"}),
        ("unchanged", {"email": email}, {"email"}),
        ("doubtful", {}, set()),
    ):
        settled = "f/m" if outcome == "unchanged" else ""
        facts = {"outcome": outcome, "step": "compare", "at_ms": 1, "version_ms": 1, "conflicts": conflicts}
        link = record_link(link, Receipt.model_validate({**entity._asdict(), **facts, "settled": settled}))
        assert set(link.conflicts) == left


def test_a_value_that_is_free_again_while_its_contact_is_being_settled_is_not_forgotten() -> None:
    """Another lane ends the conflict between the plan and the receipt that settles without the value."""
    conflict = {"phone": Conflict(hash="h", contact_id="c-1")}
    entity = Entity.contact("acme", "77")
    link: LinkRow | None = None
    for outcome, conflicts, settled in (("failed", conflict, ""), ("doubtful", {}, ""), ("applied", conflict, "f/m")):
        facts = {"outcome": outcome, "step": "add tags", "at_ms": 1, "version_ms": 1, "conflicts": conflicts}
        link = record_link(link, Receipt.model_validate({**entity._asdict(), **facts, "settled": settled}))
    assert (link.conflicts, link.settled) == ({}, "")


def test_of_one_field_the_newest_value_is_left_out_whether_another_has_it_or_ghl_refuses_it() -> None:
    """A refusal ends the conflict about the value before, and the other way round: each value is sent once, not without end."""
    taken = {"phone": Conflict(hash="taken", contact_id="c-1")}
    link = record_link(LinkRow(ghl_id="g"), receipt("failed", conflicts=taken))
    link = record_link(link, receipt("failed", refused={"phone": "refused"}))
    assert (link.refused, link.conflicts) == ({"phone": "refused"}, {})
    link = record_link(link, receipt("failed", conflicts=taken))
    assert (link.refused, link.conflicts) == ({}, taken)
    link = record_link(link, receipt("failed", refused={"email": "refused"}))
    assert (link.refused, link.conflicts) == ({"email": "refused"}, taken)
    assert record_link(link, receipt("applied", refused={"email": "", "phone": ""})).conflicts == taken


@pytest.mark.parametrize(
    ("before", "facts", "leaves"),
    [
        (LinkRow(ghl_id="g"), {"settled": "f/m", "is_gone": True}, True),
        (LinkRow(ghl_id="g"), {"settled": "f/m", "is_gone": True, "is_deleted": True}, True),
        (LinkRow(ghl_id="g", is_gone=True), {"settled": "f/m", "is_gone": True}, False),
        (LinkRow(ghl_id="g"), {"is_gone": True}, False),
        (LinkRow(ghl_id="g"), {"settled": "f/m"}, False),
        (None, {"settled": "f/m", "is_gone": True}, False),
    ],
)
def test_what_hung_on_a_lead_is_looked_for_once_when_the_lead_is_gone(
    before: LinkRow | None, facts: dict[str, Any], leaves: bool
) -> None:
    """Not before its contact is as a deleted lead's should be, and not again for the next receipt."""
    assert leaves_children(before, receipt("applied", **facts)) is leaves


@pytest.mark.parametrize(
    ("contact", "stays"),
    [
        (LinkRow(parted_from="c-1", is_gone=True), True),
        (LinkRow(parted_from="c-1", ghl_id="c-2"), False),
        (LinkRow(parted_from="c-3"), False),
        (LinkRow(), False),
    ],
)
def test_what_hangs_on_a_contact_that_its_lead_left_is_known_by_its_link(contact: LinkRow, stays: bool) -> None:
    """A lead with another contact takes it along."""
    assert stays_on_left(LinkRow(ghl_id="n-1", refers_to="c-1"), contact) is stays
    in_doubt = LinkRow(intent=Intent(at_ms=1, step="create note", refers_to="c-1"))
    assert stays_on_left(in_doubt, contact) is stays
