"""Which edits of connections count: every reader decides alike, and connections do not collide."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from streams.mapping_versions.connection_log import ConnectionLog
from streams.messages.connection_edit import ConnectionEdit, SealedCredential
from tests.unit.streams.mapping_versions.stage import connection_edit


def log_of(*edits: ConnectionEdit) -> ConnectionLog:
    """A log of edits that all count."""
    log = ConnectionLog()
    for one in edits:
        assert log.add(one)
    return log


def test_an_edit_on_an_older_version_does_not_count() -> None:
    """Of two people who change the same version, the first one wins."""
    log = log_of(connection_edit("acme", 0))
    first, second = connection_edit("acme", 1, by="ann"), connection_edit("acme", 1, by="bob")
    assert [log.add(first), log.add(second)] == [True, False]
    assert (log.version("acme"), log.newest("acme"), log.of_edit(second)) == (2, log.of_edit(first), None)


def test_edits_of_different_connections_never_collide() -> None:
    """Two hundred can be added at once."""
    edits = [connection_edit(f"c{number}", 0) for number in range(200)]
    assert len(log_of(*edits).usable()) == 200


@pytest.mark.parametrize(
    ("before", "kind", "counts"),
    [
        ([], "set", True),
        ([], "remove", False),
        ([], "removed", False),
        (["set"], "set", True),
        (["set"], "remove", True),
        (["set"], "removed", False),
        (["set", "remove"], "set", False),
        (["set", "remove"], "remove", False),
        (["set", "remove"], "removed", True),
        (["set", "remove", "removed"], "set", True),
        (["set", "remove", "removed"], "remove", False),
    ],
)
def test_a_removal_goes_its_way(before: list[Any], kind: Any, counts: bool) -> None:
    """A connection that is being removed is not changed, and only what is being removed can be gone."""
    log = log_of(*(connection_edit("acme", number, one) for number, one in enumerate(before)))
    assert log.add(connection_edit("acme", len(before), kind)) is counts


def test_what_is_removed_is_known_until_it_is_gone_and_never_comes_back() -> None:
    """The table of before serves to clean up; a connection that is added again starts from its own."""
    log = log_of(connection_edit("acme", 0), connection_edit("acme", 1, "remove", table={}))
    [removing] = log.removing()
    assert (removing.edited.table["region"], log.usable()) == ("US", {})
    assert log.add(connection_edit("acme", 2, "removed", table={}))
    [*_, gone] = log.versions["acme"]
    assert (gone.phase, gone.edited.table["region"]) == ("removed", "US"), "who adds it again means the same accounts"
    assert log.add(connection_edit("acme", 3, table={"region": "CA"}))
    assert ([one.number for one in log.usable()["acme"]], list(log.removing())) == ([4], [])


def test_a_credential_replaces_the_one_before_and_can_be_taken_away() -> None:
    """The newest record of each secret counts."""
    log = ConnectionLog()
    old, new = (SealedCredential(connection="acme", secret="ghl_token", sealed=one, at_ms=1) for one in "ab")
    log.take_credential("acme", "ghl_token", old)
    log.take_credential("acme", "ghl_token", new)
    log.take_credential("acme", "lofty_api_key", old)
    log.take_credential("acme", "lofty_api_key", None)
    assert log.sealed() == {"acme": {"ghl_token": new}}


@pytest.mark.parametrize("seed", range(50))
def test_any_interleaving_gives_a_chain_without_gaps(seed: int) -> None:
    """However the edits of several writers arrive, each version was made on the one before, and nobody's edit is half there."""
    chance = random.Random(seed)
    log, other = ConnectionLog(), ConnectionLog()
    seen: dict[str, int] = {}
    waiting: list[ConnectionEdit] = []
    accepted: list[ConnectionEdit] = []
    for _ in range(300):
        connection = chance.choice("abcd")
        if chance.random() < 0.3:
            seen[connection] = log.version(connection)  # this writer reads the topic
        kind = chance.choice(["set", "set", "set", "remove", "removed"])
        waiting.append(connection_edit(connection, seen.get(connection, 0), kind))
        if chance.random() < 0.5 and waiting:
            edit = waiting.pop(chance.randrange(len(waiting)))
            assert other.add(edit) is log.add(edit)
            if log.of_edit(edit) is not None:
                accepted.append(edit)
    assert log.versions == other.versions
    for connection, versions in log.versions.items():
        assert [one.number for one in versions] == list(range(1, len(versions) + 1))
        assert [one.edit.id for one in versions] == [one.id for one in accepted if one.connection == connection]
        phases = [one.phase for one in versions]
        for now, after in pairwise(phases):
            assert (now, after) not in {("in use", "removed"), ("removing", "in use"), ("removed", "removing")}


def test_a_key_that_is_only_sealed_again_takes_no_place_of_one_pasted_meanwhile() -> None:
    """It keeps the time at which it was pasted. What is pasted at the same time, and later, counts."""
    log = ConnectionLog()
    for sealed, at_ms in (("old", 10), ("pasted", 20), ("old, sealed again", 10), ("pasted, sealed again", 20)):
        one = SealedCredential(connection="acme", secret="ghl_token", sealed=sealed, at_ms=at_ms)
        log.take_credential("acme", "ghl_token", one)
    assert log.sealed()["acme"]["ghl_token"].sealed == "pasted, sealed again"
