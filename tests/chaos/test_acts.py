"""The acts of the chaos suite: what they do has the effect that they are for."""

from __future__ import annotations

import gc
from pathlib import Path
from random import Random

import pytest

from streams.kafka.tables import RocksStore, StoreFailed
from streams.messages import Change, InvalidMessage
from streams.messages.ghl_event import GhlEvent
from streams.messages.topics import differing
from streams.operations.replay.errors import InvalidReplay, OtherMapping
from tests.chaos.disk import small_disk
from tests.chaos.operator import refusal
from tests.chaos.storage import DAMAGES
from tests.chaos.strange import garbage

ROWS = 5_000


@pytest.mark.parametrize("what", range(7))
@pytest.mark.parametrize("word", [Change, GhlEvent])
def test_garbage_is_nothing_that_a_topic_holds(what: int, word: type[Change] | type[GhlEvent]) -> None:
    """Else the judge would look for it on `parked` in vain."""
    with pytest.raises(InvalidMessage):
        word.from_bytes(list(garbage(lambda: "stray-0001-"))[what][1])


@pytest.mark.parametrize("number", range(len(DAMAGES)), ids=lambda n: f"damage-{n}")
def test_a_spoilt_store_is_set_aside_or_holds_what_its_position_says(number: int, tmp_path: Path) -> None:
    """Never fewer rows than it says were read: those would never be read again."""
    store = RocksStore(tmp_path)
    for offset in range(ROWS):
        store.write(0, b"links", [(f"key {offset}".encode(), bytes(1_000))], offset)
    store.close()
    DAMAGES[number](next(tmp_path.glob("partition-????")), Random(number))
    if (found := _look(tmp_path)) is None:  # it ends the process; the next start sets it aside
        gc.collect()  # a scan that failed holds the database
        found = _look(tmp_path)
        assert RocksStore(tmp_path).set_aside()
    assert found is not None
    position, held = found
    expected = set() if position is None else {f"key {offset}".encode() for offset in range(position + 1)}
    assert held == expected


def test_a_refusal_of_a_replay_is_known_by_the_words_of_the_product() -> None:
    """Else a command that rightly refuses counts as a fault, or a fault as a refusal."""
    assert refusal(f"replay 1\n\n{OtherMapping('north')}") == "another mapping in force"
    assert refusal(differing({"b": 4}, ["a", "b", "c"], 4)) == "a topic is missing"
    assert refusal(differing({"a": 8}, ["a"], 4)) == ""
    assert refusal(str(InvalidReplay("no connection is named south"))) == ""


def _look(folder: Path) -> tuple[int | None, set[bytes]] | None:
    """What a store holds, None when it fails."""
    store = RocksStore(folder)
    try:
        return store.position(0, b"links"), {key for key, _ in store.scan(0, b"links")}
    except StoreFailed:
        return None
    finally:
        store.close()


def test_a_full_disk_takes_nothing_until_there_is_room(tmp_path: Path) -> None:
    """Where this machine lets us mount one."""
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("nothing can be mounted here: it takes root, or sudo without a password")
        before = disk.is_full
        disk.fill()
        full = disk.is_full
        disk.make_room()
        after = disk.is_full
    assert (before, full, after) == (False, True, False)
