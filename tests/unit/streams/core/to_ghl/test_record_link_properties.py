"""What holds for a link whatever receipt comes: every outcome against every state of the row."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.apply_receipt import is_late, record_link
from streams.core.to_ghl.plan import UNKNOWN
from streams.messages import Outcome, Receipt
from streams.messages.entity import KINDS

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STEPS = [f"{verb} {kind}" for verb in ("create", "find", "update", "delete") for kind in KINDS] + [
    "compare",
    "add tags",
]
SETTLED = st.sampled_from(["", "f1/m", "f2/m"])
HASHES = st.dictionaries(st.sampled_from(["email", "city"]), st.sampled_from(["h1", "h2", UNKNOWN]))
TAGS = st.sampled_from([(), ("a",), ("a", "b")])
INTENTS = st.none() | st.builds(
    Intent,
    at_ms=st.integers(0, 3),
    step=st.sampled_from(["create contact", "create note"]),
    fields=HASHES,
    is_repeated=st.booleans(),
)
LINKS = st.builds(
    LinkRow,
    ghl_id=st.none() | st.sampled_from(["g1", "g2"]),
    refers_to=st.none() | st.just("g0"),
    fields=HASHES,
    tags=TAGS,
    doubtful_tags=TAGS,
    version_ms=st.integers(0, 5),
    settled=SETTLED,
    intent=INTENTS,
    is_deleted=st.booleans(),
    heard=HASHES,
    epoch=st.integers(0, 3),
)
RECEIPTS = st.builds(
    Receipt,
    connection=st.just("c"),
    lead=st.just("7"),
    kind=st.sampled_from(KINDS),
    id=st.just("7"),
    outcome=st.sampled_from(OUTCOMES),
    step=st.sampled_from(STEPS),
    at_ms=st.integers(0, 3),
    version_ms=st.integers(0, 5),
    settled=SETTLED,
    ghl_id=st.none() | st.sampled_from(["g1", "g2"]),
    refers_to=st.none() | st.just("g0"),
    fields=st.none() | HASHES,
    tags=st.none() | TAGS,
    doubtful_tags=st.none() | TAGS,
    is_deleted=st.booleans(),
    is_forgotten=st.booleans(),
    heard=st.none() | HASHES,
    epoch=st.integers(0, 3),
)


def may_end_intent(link: LinkRow, receipt: Receipt) -> bool:
    """Whether a receipt is a definite answer about the create that is in doubt."""
    if is_late(link, receipt):
        return receipt.outcome in ("applied", "doubtful") and receipt.ghl_id is not None and link.ghl_id is None
    if receipt.outcome == "unchanged":
        return bool(receipt.settled)
    return receipt.outcome in ("applied", "failed", "refused")


@given(link=LINKS, receipt=RECEIPTS)
def test_versions_and_epochs_never_go_backwards(link: LinkRow, receipt: Receipt) -> None:
    """Else an older snapshot, or an earlier owner's receipt, would be taken for a newer one."""
    after = record_link(link, receipt)
    assert after.version_ms >= link.version_ms
    assert after.epoch == max(link.epoch, receipt.epoch)
    if after.version_ms > link.version_ms:
        assert receipt.outcome in ("applied", "unchanged")
        assert after.version_ms == receipt.version_ms


@given(link=LINKS, receipt=RECEIPTS)
def test_an_intent_ends_with_a_definite_answer_only(link: LinkRow, receipt: Receipt) -> None:
    """Else what was created would be created once more."""
    after = record_link(link, receipt)
    if link.intent is not None and after.intent is None:
        assert may_end_intent(link, receipt)
    if receipt.outcome == "intended" and (link.ghl_id is None or not is_late(link, receipt)):
        assert after.intent is not None
        assert (after.intent.at_ms, after.intent.step) == (receipt.at_ms, receipt.step)
    elif after.intent is not None:
        assert after.intent == link.intent


@given(link=LINKS, receipt=RECEIPTS)
def test_two_creates_in_doubt_are_not_ended_by_the_failure_of_one(link: LinkRow, receipt: Receipt) -> None:
    """The first may have happened although the second certainly did not."""
    is_repeated = link.intent is not None and link.intent.is_repeated
    if is_repeated and receipt.outcome in ("failed", "refused") and receipt.step.startswith("create "):
        assert record_link(link, receipt).intent == link.intent


@given(link=LINKS, receipt=RECEIPTS)
def test_what_is_deleted_stays_deleted_until_it_is_written_or_forgotten(link: LinkRow, receipt: Receipt) -> None:
    """No comparison, failure or doubt brings it back."""
    after = record_link(link, receipt)
    if link.is_deleted and not after.is_deleted:
        assert receipt.outcome == "applied" or receipt.is_forgotten
        assert not is_late(link, receipt)
    if after.is_deleted and not link.is_deleted:
        assert receipt.outcome == "applied"
        assert receipt.is_deleted


@given(link=LINKS, receipt=RECEIPTS)
def test_a_link_is_settled_by_a_receipt_that_says_so_and_by_no_late_one(link: LinkRow, receipt: Receipt) -> None:
    """What is settled is not compared again."""
    after = record_link(link, receipt)
    if after.settled and after.settled != link.settled:
        assert after.settled == receipt.settled
        assert receipt.outcome in ("applied", "unchanged")
        assert not is_late(link, receipt)


@given(link=LINKS, receipt=RECEIPTS)
def test_a_late_receipt_only_adds_doubt(link: LinkRow, receipt: Receipt) -> None:
    """GHL may have seen the two owners' requests in either order."""
    if not is_late(link, receipt):
        return
    after = record_link(link, receipt)
    assert all(hash_ in (link.fields.get(name), UNKNOWN) for name, hash_ in after.fields.items())
    assert after.fields.keys() >= link.fields.keys()
    assert set(after.doubtful_tags) >= set(link.doubtful_tags)
    assert (after.tags, after.is_deleted) == (link.tags, link.is_deleted)
    assert link.ghl_id is None or after.ghl_id == link.ghl_id


@given(link=LINKS, receipt=RECEIPTS)
def test_an_id_is_lost_only_where_nothing_is_in_ghl(link: LinkRow, receipt: Receipt) -> None:
    """A link without its id would be created again."""
    after = record_link(link, receipt)
    if link.ghl_id is not None and after.ghl_id is None:
        is_search_in_vain = receipt.outcome == "failed" and receipt.step.startswith("find ")
        assert receipt.is_forgotten or (is_search_in_vain and receipt.kind != "contact")


@given(link=LINKS, receipt=RECEIPTS)
def test_a_receipt_read_twice_changes_nothing_more(link: LinkRow, receipt: Receipt) -> None:
    """Kafka delivers at least once; late receipts too."""
    once = record_link(link, receipt)
    assert record_link(once, receipt) == once


@pytest.mark.parametrize("outcome", OUTCOMES)
@given(link=LINKS, receipt=RECEIPTS)
def test_every_outcome_has_its_rule(outcome: Outcome, link: LinkRow, receipt: Receipt) -> None:
    """A new outcome without a rule fails here, and not in a worker."""
    after = record_link(link, receipt.model_copy(update={"outcome": outcome}))
    assert isinstance(after, LinkRow)
    if outcome == "parked" and not is_late(link, receipt):
        assert after == link.model_copy(update={"epoch": max(link.epoch, receipt.epoch)})
