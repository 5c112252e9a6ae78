"""Writing the runs of one process: at the begin, now and then, and at the end, whatever Kafka does meanwhile."""

from __future__ import annotations

from typing import Any

from streams.core.run_history import HEARTBEAT_MS, KEPT
from streams.messages.run import Run
from tests.unit.streams.console.run_log import FakeTopic


def a_run(name: str, **facts: Any) -> Run:
    """A run that is under way."""
    return Run(id=name, **{"kind": "verification", "connections": ("acme",), "began_ms": 1, "moved_ms": 1, **facts})


async def test_a_run_is_written_at_its_begin_now_and_then_and_once_at_its_end() -> None:
    """In the name of the process, with the time of the writing."""
    topic, clock, runs = FakeTopic(), [100_000], {"r": a_run("r")}
    log = topic.log("gateway-1", lambda: clock[0])
    log.keep("r", lambda: runs["r"])
    await log._write()
    clock[0] += HEARTBEAT_MS - 1
    await log._write()
    assert [(one.holder, one.moved_ms) for one in log.history.runs.values()] == [("gateway-1", 100_000)]
    clock[0] += 1
    runs["r"] = a_run("r", done=3)
    await log._write()
    assert [one.done for one in log.history.runs.values()] == [3]
    runs["r"] = a_run("r", done=3, ended_ms=clock[0])
    for _ in range(3):
        await log._write()
    assert len(topic.records) == 3
    assert log.history.runs["r"].ended_ms == clock[0]


async def test_what_ended_while_kafka_was_away_is_written_when_it_is_back() -> None:
    """And nothing is written before the topic was read: writing to one that is missing would make it."""
    topic = FakeTopic()
    log = topic.log()
    log.keep("r", lambda: a_run("r", ended_ms=5))
    topic.is_away = True
    await log._write()
    topic.is_away = False
    log.followed.has_read.clear()
    await log._write()
    assert topic.records == []
    log.followed.has_read.set()
    await log._write()
    assert log.history.runs["r"].ended_ms == 5


async def test_the_end_of_a_run_makes_room() -> None:
    """Those that are one too many are deleted, whoever wrote them."""
    topic = FakeTopic()
    log = topic.log()
    for number in range(KEPT + 1):
        log.keep(f"r{number}", lambda number=number: a_run(f"r{number}", began_ms=number, ended_ms=number + 1))  # type: ignore[misc]  # its own number
        await log._write()
    await log._tidy()
    assert [one.key for one in topic.records if one.value is None] == [b"r0"]
    assert len(log.history.runs) == KEPT


async def test_what_belongs_to_a_removed_connection_is_deleted() -> None:
    """Once nothing is done on it any longer."""
    topic = FakeTopic()
    log = topic.log()

    async def removed() -> set[str]:
        return {"acme"}

    log._removed = removed
    log.keep("r", lambda: a_run("r", ended_ms=5))
    log.keep("other", lambda: a_run("other", ended_ms=5, connections=("beta",)))
    await log._write()
    await log._tidy()
    assert list(log.history.runs) == ["other"]


async def test_a_run_that_kafka_finds_too_large_is_written_without_its_detail() -> None:
    """It keeps no other from being written."""
    topic = FakeTopic()
    log = topic.log()
    log.keep("r", lambda: a_run("r", detail="x" * 100, words="done"))
    await log._write()
    assert topic.records[0].instead is not None
    smaller = Run.from_bytes(topic.records[0].instead().value)
    assert (smaller.detail, smaller.words) == ("", "done")
