"""The index, written and read: who is found, where the records are, what is open, who acted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.messages.topics import (
    AUDIT,
    CHANGES,
    LINKS_TABLE,
    OUTBOX_TABLE,
    PARKED,
    RESOLVED,
    SNAPSHOTS,
    TopicNames,
)
from streams.operations.history.index.reader import IndexReader, NoIndex
from streams.operations.history.index.schema import VERSION, open_to_write
from streams.operations.history.index.sources import sources
from streams.operations.history.index.writer import MOST_OF_ONE, IndexedRecord, IndexWriter

SOURCES = {one.short: one for one in sources(TopicNames())}


class Index:
    """Both ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = open_to_write(path, "x")
        self.writer = IndexWriter(self.db)
        self.reader = IndexReader(path, ["acme", "bolt"])
        self._next: dict[tuple[int, int], int] = {}

    def tell(self, topic: str, key: str, value: Any, *, at_ms: int = 1, partition: int = 0) -> int:
        """One record; returns its offset."""
        source = SOURCES[topic]
        offset = self._next.get((source.code, partition), 0)
        self._next[source.code, partition] = offset + 1
        raw = None if value is None else orjson.dumps(value)
        told = IndexedRecord(source, partition, offset, at_ms, key.encode(), raw)
        self.writer.apply([told], {(source.code, partition): offset + 1})
        return offset

    def lead(self, lead: str, *, connection: str = "acme", **state: Any) -> int:
        """A snapshot of a contact."""
        value = {"state": state or None, "read_ms": 5}
        return self.tell(SNAPSHOTS, f"{connection}:{lead}:contact:{lead}", value)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An empty index."""
    made = Index(tmp_path / "index" / "history.sqlite3")
    yield made
    made.reader.close()
    made.db.close()


async def found(index: Index, text: str, **more: Any) -> list[str]:
    """The lanes that a search finds."""
    return [hit.lane for hit in await index.reader.search(text, **more)]


async def test_people_are_found_by_name_email_phone_and_id(index: Index) -> None:
    """In parts, in any case, without accents; not what is only similar."""
    index.lead("7", firstName="Zoë", lastName="O'Hara", emails=["zoe@x.com"], phones=["+1 213 555 0101"])
    index.lead("8", firstName="Ben", lastName="Other", emails=["ben@y.org"], phones=["+1 213 555 0199"])
    index.tell(LINKS_TABLE, "acme:7:contact:7", {"ghl_id": "Ghl7"})
    for text in (
        "zoe",
        "ZOË o",
        "hara zoe",
        "zoe@x.com",
        "ZOE@X.com",
        "555-0101",
        "(213) 555 01",
        "7",
        "Ghl7",
        "x.com",
    ):
        assert "acme:7" in await found(index, text), text
    for text in ("zoe@y.org", "555-0100", "Ghl8", "zoe ben"):
        assert "acme:7" not in await found(index, text), text


@pytest.mark.parametrize(
    "text",
    ["+1 530-555-0104", "1 (530) 555 0104", "530-555-0104", "555-0104", "0104", "5550", "velace", "ADA lace", "ovel"],
)
async def test_a_lead_is_found_by_its_whole_number_its_last_digits_and_a_part_of_its_name(
    index: Index, text: str
) -> None:
    """Lofty has the number without the country's code."""
    index.lead("7", firstName="Ada", lastName="Lovelace", phones=["(530) 555-0104"])
    index.lead("8", firstName="Ben", lastName="Other", phones=["(213) 777-0199"])
    assert await found(index, text) == ["acme:7"]


async def test_leads_are_counted_for_each_connection_and_nothing_but_leads(index: Index) -> None:
    """No notes, no tasks, and no GHL contacts."""
    index.lead("7", firstName="Ada")
    index.lead("8", firstName="Ben")
    index.lead("7", connection="bolt", firstName="Cy")
    index.tell(SNAPSHOTS, "acme:7:note:1", {"state": {"content": "x"}, "read_ms": 5})
    index.tell(LINKS_TABLE, "acme:7:note:1", {"ghl_id": "n1"})
    assert await index.reader.leads() == {"acme": 2, "bolt": 1}


async def test_what_is_pending_is_told_of_each_entity(index: Index) -> None:
    """An entity without a row is settled."""
    index.tell(OUTBOX_TABLE, "acme:7:contact:7", {"parked": ""})
    index.tell(OUTBOX_TABLE, "acme:8:contact:8", {"parked": "refused"})
    index.tell(OUTBOX_TABLE, "acme:8:contact:8", None)
    asked = ["acme:7:contact:7", "acme:8:contact:8", "acme:9:contact:9"]
    assert await index.reader.pending_entities(asked) == {"acme:7:contact:7"}


async def test_an_exact_address_comes_first(index: Index) -> None:
    index.lead("7", firstName="Ann", emails=["ann@x.com"])
    index.lead("8", firstName="ann x com", emails=["other@x.com"])
    assert (await found(index, "ann@x.com"))[0] == "acme:7"


async def test_an_old_address_is_not_found_any_more(index: Index) -> None:
    index.lead("7", firstName="Ann", emails=["old@x.com"])
    index.lead("7", firstName="Ann", emails=["new@x.com"])
    assert await found(index, "old@x.com") == []
    assert await found(index, "new@x.com") == ["acme:7"]


async def test_who_was_deleted_is_still_found(index: Index) -> None:
    """People ask what became of them."""
    index.lead("7", firstName="Ann", emails=["ann@x.com"])
    index.lead("7")
    (hit,) = await index.reader.search("ann@x.com")
    assert (hit.name, hit.is_gone) == ("Ann", True)


async def test_a_connection_narrows_and_pages_follow(index: Index) -> None:
    for number in range(30):
        index.lead(str(number + 100), firstName="Ann", connection="acme" if number % 2 else "bolt")
    assert len(await found(index, "ann", limit=100)) == 30
    assert {one.partition(":")[0] for one in await found(index, "ann", among=["bolt"], limit=100)} == {"bolt"}
    pages = [await found(index, "ann", limit=7, offset=offset) for offset in range(0, 35, 7)]
    assert len({lane for page in pages for lane in page}) == 30


async def test_a_connection_that_is_not_configured_is_not_found(index: Index) -> None:
    index.lead("7", firstName="Ann", connection="gone")
    assert await found(index, "ann") == []


HOSTILE = [
    '"',
    "' OR 1=1 --",
    'name : "x" OR phones',
    "NEAR(a b)",
    "a AND NOT b",
    "*",
    "^ann",
    "<script>alert(1)</script>",
    "\x00\x01",
    "'; DROP TABLE people; --",
    "-ann",
    "{name}: x",
    "ann" * 1000,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_words_are_words(index: Index, text: str) -> None:
    """As a search and as a name; nothing else is found, and nothing is lost."""
    index.lead("7", firstName="Innocent", lastName="Person", emails=["innocent@x.com"])
    index.lead("8", firstName=text, lastName=text, emails=[f"{text}@x.com"], phones=[text])
    for search in (text, f"{text} {text}", text * 2):
        assert "acme:7" not in await found(index, search)
    assert await found(index, "innocent") == ["acme:7"]
    assert (await index.reader.hit("acme:8")).name == " ".join([text.strip(), text.strip()])[:200].strip()  # type: ignore[union-attr]  # it is there


async def test_places_are_kept_for_each_lane(index: Index) -> None:
    index.tell(CHANGES, "acme:7", {}, at_ms=10)
    index.lead("7", firstName="Ann")
    index.tell(CHANGES, "acme:77", {}, at_ms=11)
    places, has_more = await index.reader.record_positions("acme:7")
    assert [(one.topic, one.offset, one.at_ms) for one in places] == [(1, 0, 10), (3, 0, 1)]
    assert not has_more


async def test_rows_are_the_newest_and_go_with_their_tombstone(index: Index) -> None:
    index.tell(OUTBOX_TABLE, "acme:7:contact:7", {"parked": ""})
    index.tell(OUTBOX_TABLE, "acme:7:contact:7", {"parked": "refused"})
    (row,) = (await index.reader.rows("acme:7")).values()
    assert row.offset == 1
    index.tell(OUTBOX_TABLE, "acme:7:contact:7", None)
    assert await index.reader.rows("acme:7") == {}


async def test_old_snapshots_of_one_entity_are_forgotten(index: Index) -> None:
    for _ in range(MOST_OF_ONE * 2):
        index.lead("7", firstName="Ann")
    places, _ = await index.reader.record_positions("acme:7")
    assert sorted(one.offset for one in places) == list(range(MOST_OF_ONE, MOST_OF_ONE * 2))


async def test_what_the_topic_does_not_hold_any_more_is_forgotten_with_its_lane(index: Index) -> None:
    index.tell(CHANGES, "acme:7", {})
    index.tell(CHANGES, "acme:8", {})
    assert index.writer.prune(SOURCES[CHANGES], 0, 1) == 1
    assert index.writer.prune_lanes() == 1
    assert (await index.reader.record_positions("acme:7"))[0] == ()
    assert len((await index.reader.record_positions("acme:8"))[0]) == 1
    index.tell(CHANGES, "acme:7", {})
    assert len((await index.reader.record_positions("acme:7"))[0]) == 1


def parked(entity: str, stage: str = "deliver", reason: str = "refused", at_ms: int = 1) -> dict[str, Any]:
    """A parked record's value."""
    return {"entity": entity, "stage": stage, "reason": reason, "at_ms": at_ms}


async def test_parked_work_is_open_by_its_row_and_by_its_resolution(index: Index) -> None:
    """The newest record of an entity whose row is parked; what has no row, until somebody decides."""
    key = "acme:7:contact:7"
    index.tell(PARKED, key, parked(key, at_ms=1))
    index.tell(PARKED, key, parked(key, at_ms=2))
    assert await index.reader.open_parked() == ()
    index.tell(OUTBOX_TABLE, key, {"parked": "refused"})
    assert [(one.entity, one.at_ms) for one in await index.reader.open_parked()] == [(key, 2)]
    strange = index.tell(
        PARKED, "acme", {"stage": "intake", "reason": "unknown shape", "connection": "acme", "at_ms": 3}
    )
    assert [one.stage for one in await index.reader.open_parked()] == ["deliver", "intake"]
    index.tell(RESOLVED, f"0@{strange}", {})
    index.tell(OUTBOX_TABLE, key, {"parked": ""})
    assert await index.reader.open_parked() == ()


async def test_an_act_has_a_beginning_and_an_end(index: Index) -> None:
    """One line, by time, by person."""
    for number, who in enumerate(["ann", "bea", "ann"]):
        index.tell(AUDIT, str(number), {"id": str(number), "at_ms": number, "who": who, "outcome": "begun"})
    index.tell(AUDIT, "1", {"id": "1", "at_ms": 9, "who": "bea", "outcome": "done"})
    lines = await index.reader.acts()
    assert [one.id for one in lines] == ["2", "1", "0"]
    assert [bool(one.ended) for one in lines] == [False, True, False]
    assert [one.id for one in await index.reader.acts(who="ann", before=(2, "2"))] == ["0"]


async def test_a_batch_is_taken_whole_or_not_at_all(index: Index) -> None:
    """Positions and records in one transaction: after a crash it goes on where it was."""
    good = IndexedRecord(SOURCES[CHANGES], 0, 0, 1, b"acme:7", b"{}")
    with pytest.raises(sqlite3.Error):
        index.writer.apply([good], {(1, 0): object()})  # type: ignore[dict-item]  # what cannot be bound
    assert index.writer.positions() == {}
    index.writer.apply([good], {(1, 0): 1})
    assert index.writer.positions() == {(1, 0): 1}
    assert len((await index.reader.record_positions("acme:7"))[0]) == 1


async def test_a_record_that_cannot_be_taken_is_left_out_and_counted(index: Index) -> None:
    """Those before and after it are taken, its lane is not made, and the position is behind all of them."""
    told = [
        IndexedRecord(SOURCES[SNAPSHOTS], 0, n, 1, f"acme:{n}:contact:{n}".encode(), b'{"state": {}}') for n in range(4)
    ]
    told[1] = told[1]._replace(at_ms=[])  # type: ignore[arg-type]  # what cannot be bound
    told[2] = told[2]._replace(at_ms=2**64)
    index.writer.apply(told, {(3, 0): 4})
    assert (await index.reader.freshness()).left_out == 2
    assert index.writer.positions() == {(3, 0): 4}
    assert [bool((await index.reader.record_positions(f"acme:{n}"))[0]) for n in range(4)] == [True, False, False, True]
    assert await index.reader.hit("acme:1") is None
    assert index.writer.people == 2
    index.lead("1", firstName="Ann")
    assert await found(index, "ann") == ["acme:1"]


async def test_what_is_wrong_with_the_file_is_no_records_fault(index: Index) -> None:
    """A full or broken disk is reported, and nothing is left out."""
    index.db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        index.lead("7", firstName="Ann")
    index.db.execute("PRAGMA query_only = OFF")
    assert (await index.reader.freshness()).left_out == 0


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, -1, 1e308, 253_402_300_800_000])
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["", "\x00", "a\x00b", "\ud83c", "x\udfff:1:contact:1", "x" * 5000, ":", "::", '"', "\ufffe"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    *(
        "entity",
        "connection",
        "stage",
        "reason",
        "at_ms",
        "id",
        "who",
        "outcome",
        "parked",
        "ghl_id",
        "state",
        "read_ms",
    ),
    *("firstName", "lastName", "emails", "phones"),
)
FIELDS = st.dictionaries(st.sampled_from(NAMES), ANY, max_size=8)
VALUES = ANY | FIELDS | st.fixed_dictionaries({"state": FIELDS, "read_ms": ANY})
KEYS = st.sampled_from(
    [b"", b"@", b":", b"\xff", b"\x00:\x00:\x00", b"acme:8:contact:8", b"acme:8", b"acme:8:note:1", b"x" * 5000]
) | st.binary(max_size=9)
RAWS = st.none() | st.binary(max_size=20) | VALUES.map(lambda one: json.dumps(one).encode())
RECORDS = st.tuples(st.sampled_from(list(SOURCES)), KEYS, RAWS, st.sampled_from([-1, 0, 2**62]))


@given(st.lists(RECORDS, max_size=12))
def test_whatever_a_record_holds_it_is_taken(records: list[tuple[str, bytes, bytes | None, int]]) -> None:
    """Almost right records of each topic: none fails, all questions are answered after them, and a good one is found."""
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "history.sqlite3")
        told = [
            IndexedRecord(SOURCES[short], 0, n, at_ms, key, raw) for n, (short, key, raw, at_ms) in enumerate(records)
        ]
        index.writer.apply(told, {})
        index.lead("7", firstName="Zoraida")

        async def ask() -> None:
            assert (await index.reader.freshness()).left_out == 0
            assert await found(index, "zoraida") == ["acme:7"]
            assert all(isinstance(one.at_ms, int) for one in await index.reader.open_parked())
            await index.reader.acts()
            await index.reader.people_who_acted()
            await index.reader.search("acme")
            await index.reader.hit("acme:8")
            await index.reader.rows("acme:8")

        try:
            asyncio.run(ask())
        finally:
            index.reader.close()
            index.db.close()


async def test_without_a_file_there_is_no_index(tmp_path: Path) -> None:
    reader = IndexReader(tmp_path / "none.sqlite3", [])
    with pytest.raises(NoIndex, match="no index"):
        await reader.search("ann")
    reader.close()


@pytest.mark.parametrize("harm", ["another deployment", "another version", "garbage"])
async def test_a_strange_file_is_made_anew(tmp_path: Path, harm: str) -> None:
    """And the reader sees the new one."""
    path = tmp_path / "history.sqlite3"
    index = Index(path)
    index.lead("7", firstName="Ann")
    assert await found(index, "ann") == ["acme:7"]
    if harm == "another version":
        index.db.execute(f"PRAGMA user_version = {VERSION + 1}")
    index.writer.checkpoint()
    index.db.close()
    if harm == "garbage":
        path.write_bytes(b"no database" * 1000)
    again = open_to_write(path, "y" if harm == "another deployment" else "x")
    assert again.execute("SELECT count(*) FROM lanes").fetchone() == (0,)
    assert await found(index, "ann") == []
    again.close()
    index.reader.close()
