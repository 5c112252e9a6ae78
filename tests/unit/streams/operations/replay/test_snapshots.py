"""Which snapshot of a key counts for a replay, whatever else stands under it."""

from __future__ import annotations

import pytest

from streams.messages import Snapshot
from streams.operations.replay.planner import RawEntityState, _entity_state
from streams.operations.replay.snapshots import _is_newer

GARBAGE = (b"", b"null", b"\xff", b"[" * 5000, b"{}", b'{"v":1,"connection":[]}')


def snapshot(version_ms: int) -> bytes:
    return Snapshot(
        connection="acme",
        lead="7",
        kind="contact",
        id="7",
        state={"leadId": 7},
        version_ms=version_ms,
        fingerprint="f",
        update_time_ms=1,
        read_ms=2,
        accepted_ms=1,
    ).to_bytes()


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_neither_beats_a_snapshot_nor_hides_a_later_one(garbage: bytes) -> None:
    """It used to: a first record that is none stood for ever, and the lead was never replayed."""
    assert not _is_newer(garbage, snapshot(1))
    assert _is_newer(snapshot(1), garbage)
    assert _is_newer(snapshot(2), snapshot(1))
    assert _is_newer(snapshot(1), snapshot(1))
    assert not _is_newer(snapshot(1), snapshot(2))


@pytest.mark.parametrize("garbage", [*GARBAGE[:4], b'{"v":[]}'])
def test_a_row_that_cannot_be_read_is_none(garbage: bytes) -> None:
    """Of a link nothing is known then; of an outbox nothing waits."""
    found = _entity_state(RawEntityState(snapshot(1), garbage, garbage, True))
    assert found is not None
    assert (found.link, found.row) == (None, None)
    assert _entity_state(RawEntityState(garbage, None, None, True)) is None
