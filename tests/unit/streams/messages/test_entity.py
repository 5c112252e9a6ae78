"""What an entity is called: on topics, in tables, and which lane it belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.messages import Change, Entity, Receipt, Snapshot
from streams.messages.entity import KINDS

PARTS = st.text(st.characters(exclude_characters=":"), min_size=1, max_size=12)
ENTITIES = st.builds(Entity, PARTS, PARTS, st.sampled_from(KINDS), PARTS)


@given(ENTITIES)
def test_a_key_reads_back(entity: Entity) -> None:
    """`connection:lead:kind:id`, since none of them holds a colon."""
    assert Entity.from_key(entity.key) == entity


@given(one=ENTITIES, other=ENTITIES)
def test_two_entities_never_share_a_key(one: Entity, other: Entity) -> None:
    """Different things have different keys."""
    assert (one.key == other.key) == (one == other)


@given(ENTITIES)
def test_all_of_a_lead_share_one_lane_and_one_owner(entity: Entity) -> None:
    """The lane is the contact's; a contact owns itself."""
    owner = entity.owner
    assert owner == Entity.contact(entity.connection, entity.lead)
    assert owner.owner == owner
    assert owner.lane == entity.lane == f"{entity.connection}:{entity.lead}"


@pytest.mark.parametrize(
    "key", ["", "c", "c:7", "c:7:contact", "c:7:person:7", "c:7:contact:7:8", ":7:contact:7", "c:7:note:"]
)
def test_what_is_no_key_is_refused_in_its_own_words(key: str) -> None:
    """The error shows what was expected and what came."""
    with pytest.raises(ValueError, match="expected connection:lead:kind:id") as raised:
        Entity.from_key(key)
    assert repr(key) in str(raised.value)


@given(ENTITIES)
def test_words_know_their_entity(entity: Entity) -> None:
    """Change, snapshot and receipt are about the entity whose parts they have."""
    parts = entity._asdict()
    change = Change(**parts, operation="updated", update_time_ms=1, accepted_ms=1)
    receipt = Receipt(**parts, outcome="applied", step="create note", at_ms=1, version_ms=1)
    snapshot = Snapshot(**parts, state={}, version_ms=1, fingerprint="f", read_ms=1, update_time_ms=1, accepted_ms=1)
    assert change.entity == receipt.entity == snapshot.entity == entity
