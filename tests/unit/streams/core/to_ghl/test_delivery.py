"""Which snapshots become the desired state: in any order, the newest one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import accept, accept_again, desire, settled_as
from streams.messages import Snapshot


def snapshot(version_ms: int = 5, fingerprint: str = "f", **facts: Any) -> Snapshot:
    """A state of one contact."""
    given_facts = {"read_ms": 0, "update_time_ms": 50, "accepted_ms": 60, "state": {}} | facts
    return Snapshot.model_validate(
        {"connection": "c", "lead": "7", "kind": "contact", "id": "7"}
        | {"version_ms": version_ms, "fingerprint": fingerprint}
        | given_facts
    )


SNAPSHOTS = st.lists(
    st.builds(snapshot, st.integers(0, 4), st.sampled_from("fgh"), update_time_ms=st.integers(0, 9)), min_size=1
)


def take(row: OutboxRow | None, link: LinkRow | None, one: Snapshot) -> OutboxRow | None:
    """What the deliver agent does with a snapshot."""
    accepted = accept(row, link, one, settled_as(one.fingerprint, "m")) == "accepted"
    return desire(row, one) if accepted else row


@given(SNAPSHOTS)
def test_in_any_order_the_newest_snapshot_is_what_is_wanted(snapshots: list[Snapshot]) -> None:
    """Equal versions follow the topic: the last of the newest version."""
    row: OutboxRow | None = None
    for one in snapshots:
        row = take(row, None, one)
    newest = max(one.version_ms for one in snapshots)
    assert row is not None
    assert row.snapshot.version_ms == newest
    assert row.snapshot.fingerprint == [one.fingerprint for one in snapshots if one.version_ms == newest][-1]


@given(snapshots=SNAPSHOTS, written=st.integers(0, 4))
def test_nothing_older_than_what_was_written_is_wanted_again(snapshots: list[Snapshot], written: int) -> None:
    """A late snapshot neither gets into the outbox nor into GHL."""
    link = LinkRow(ghl_id="g", version_ms=written, settled="z/m")
    row: OutboxRow | None = None
    for one in snapshots:
        row = take(row, link, one)
    assert row is None or row.snapshot.version_ms >= written
    assert (row is None) == all(one.version_ms < written for one in snapshots)


def test_replaying_what_is_settled_wants_nothing() -> None:
    """Same content, same mapping: unchanged; another mapping: wanted."""
    link = LinkRow(ghl_id="g", version_ms=5, settled=settled_as("f", "m"))
    assert accept(None, link, snapshot(), settled_as("f", "m")) == "unchanged"
    assert accept(None, link, snapshot(), settled_as("f", "other mapping")) == "accepted"


def test_a_state_of_a_connection_that_is_configured_no_more_is_kept() -> None:
    """Nothing says that its link satisfies it, least of all an empty link."""
    assert accept(None, LinkRow(version_ms=4), snapshot(), "") == "accepted"
    assert accept_again(None, LinkRow(version_ms=4), snapshot(), "") == "accepted"


def test_a_state_that_goes_back_while_another_is_on_its_way_is_wanted() -> None:
    """The settled state is no longer the one that will be there: the outbox decides."""
    link = LinkRow(ghl_id="g", version_ms=5, settled=settled_as("f", "m"))
    under_way = OutboxRow(snapshot=snapshot(6, "g"))
    assert accept(under_way, link, snapshot(7, "f"), settled_as("f", "m")) == "accepted"


def test_a_newer_state_keeps_the_waiting_and_the_oldest_times() -> None:
    """It forgets what was refused of the earlier one, and freshness is measured from the oldest unwritten change."""
    waiting = OutboxRow(
        snapshot=snapshot(5), attempts=3, not_before_ms=70, last_error="503", omit=("phone",), parked="refused"
    )
    wanted = desire(waiting, snapshot(6, "g", update_time_ms=55, accepted_ms=40))
    assert wanted == OutboxRow(
        snapshot=snapshot(6, "g", update_time_ms=50, accepted_ms=40), attempts=3, not_before_ms=70
    )


def test_a_state_that_an_earlier_owner_left_behind_is_remembered_when_it_is_replaced() -> None:
    """It may have been on its way to GHL when that owner ended."""
    left = desire(None, snapshot(1, "f"), epoch=1)
    assert desire(left, snapshot(2, "g"), epoch=1).before == ()
    assert desire(left, snapshot(2, "g"), epoch=2).before == (left.snapshot,)


def test_what_is_under_way_is_remembered_when_it_is_replaced() -> None:
    """The process may end before the answer comes; a state that only waited was never sent."""
    one, two, three = snapshot(1, "f"), snapshot(2, "g"), snapshot(3, "f")
    row = desire(desire(None, one, epoch=1), two, epoch=1, under_way=one)
    assert row.before == (one,)
    assert desire(row, three, epoch=1, under_way=one).before == (one,)
    assert desire(desire(None, one, epoch=1), two, epoch=1).before == ()
    assert desire(None, two, epoch=1, under_way=two).before == ()


def test_reading_the_same_state_again_does_not_make_it_ours() -> None:
    """After a crash its snapshot comes once more; what replaces it then must still remember it."""
    left = desire(None, snapshot(1, "f"), epoch=1)
    again = desire(left, snapshot(1, "f"), epoch=2)
    assert [one.fingerprint for one in desire(again, snapshot(2, "g"), epoch=2).before] == ["f"]
    assert [one.fingerprint for one in desire(again, snapshot(2, "g"), epoch=3).before] == ["f"]


MOVES = st.lists(st.tuples(st.sampled_from(["read", "written", "replayed"]), st.integers(0, 9)), max_size=25)


@given(snapshots=SNAPSHOTS, moves=MOVES)
def test_a_replay_never_brings_an_older_state_back(snapshots: list[Snapshot], moves: list[tuple[str, int]]) -> None:
    """Whatever was read, written and replayed in whatever order: what is wanted or written last is what was read last."""
    row: OutboxRow | None = None
    link: LinkRow | None = None
    delivered: list[Snapshot] = []
    for move, number in moves:
        one = snapshots[number % len(snapshots)]
        if move == "read" and all(one.version_ms >= known.version_ms for known in delivered):
            delivered.append(one)
            row = take(row, link, one)
        elif move == "written" and row is not None:
            settled = settled_as(row.snapshot.fingerprint, "m")
            link, row = LinkRow(ghl_id="g", version_ms=row.snapshot.version_ms, settled=settled), None
        elif move == "replayed" and one in delivered:
            wanted = settled_as(one.fingerprint, "n")  # another mapping, so that it is not unchanged
            row = desire(row, one) if accept_again(row, link, one, wanted) == "accepted" else row
        state = row.snapshot.fingerprint if row else link.settled.partition("/")[0] if link else None
        assert state == (delivered[-1].fingerprint if delivered else None)


def test_a_replay_tries_again_what_is_parked_and_leaves_alone_what_is_on_its_way() -> None:
    """Under the mapping in force both go the same way."""
    one, other = snapshot(), snapshot(fingerprint="g")
    on_its_way, parked = OutboxRow(snapshot=one), OutboxRow(snapshot=one, parked="refused")
    assert accept_again(on_its_way, None, one, "f/m") == "pending"
    assert accept_again(parked, None, other, "g/m") == "pending"
    assert accept_again(parked, None, one, "f/m") == "accepted"
    assert desire(parked, one).parked == ""


def test_a_replay_rewrites_only_what_the_mapping_in_force_does_not_satisfy() -> None:
    """Settled under this mapping: unchanged; under another: looked at."""
    link = LinkRow(ghl_id="g", version_ms=5, settled="f/m")
    assert accept_again(None, link, snapshot(), "f/m") == "unchanged"
    assert accept_again(None, link, snapshot(), "f/n") == "accepted"
    assert accept_again(None, None, snapshot(), "f/n") == "accepted"
