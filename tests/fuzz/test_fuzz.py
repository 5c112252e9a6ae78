"""The fuzz itself: its short form, and that its parts do what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.http.json_reader import UnreadableJson, read
from tests.fuzz import corpus
from tests.fuzz.attack import Notes, is_newer, routes
from tests.fuzz.run import Verdict, _judge_delays, run
from tests.fuzz.stage import compose_memory_mib
from tests.fuzz.strategies import drawn
from tests.fuzz.wire import Sent
from tests.kafka.real import NoKafkaError


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.timeout(600)  # two processes, a Kafka of their own and thirty seconds of attack
async def test_hostile_input_at_every_door_disturbs_nobody(tmp_path: Path) -> None:
    """Thirty seconds of what `make fuzz` does for ten minutes."""
    try:
        verdict = await run(tmp_path, 30.0, 2026)
    except NoKafkaError as error:
        pytest.skip(str(error))
    assert verdict.holds, verdict.report()


def test_the_corpus_is_whole_and_each_body_is_read_or_refused() -> None:
    """By the one reader, without another error; what it accepts is written again."""
    bodies = corpus.bodies("loc", "1")
    assert len(bodies) > 40
    for body in bodies:
        try:
            value = read(body).value
        except UnreadableJson:
            continue
        json.dumps(value, allow_nan=False).encode()
    assert min(len(one()) for one in (corpus.texts, corpus.values, corpus.headers, corpus.mappings, corpus.paths)) > 12
    assert len(corpus.answers()) > 30


def test_hypothesis_makes_messages_that_are_almost_right() -> None:
    """The same ones for the same seed; most of them JSON, and none of a newer version."""
    good = {"v": 1, "connection": "acme", "state": {"tags": ["a", {"b": 1}]}}
    found = drawn([good], 30, 5)
    assert found == drawn([good], 30, 5)
    values = []
    for one in found:
        try:
            values.append(read(one).value)
        except UnreadableJson:
            continue
    assert 10 <= len(values) < 31
    assert all(one.get("v", 1) == 1 for one in values if isinstance(one, dict))
    # By chance a value is drawn that was there before; and a byte order mark is read over.
    assert values.count(good) < len(values) / 4


def test_every_page_and_endpoint_is_among_the_doors() -> None:
    found = routes()
    assert ("POST", "/api/v1/mappings/preview") in found
    assert ("POST", "/console/sign-in") in found
    assert ("GET", "/console/oidc/callback") in found
    assert len(found) > 60


@pytest.mark.parametrize(
    ("status", "answer", "faults"),
    [
        (200, b"", 0),
        (503, b"", 0),
        (0, b"", 0),
        (500, b"", 1),
        (502, b"", 1),
        (200, b"Traceback (most recent call last)", 1),
    ],
)
def test_what_nobody_should_answer_is_a_fault(tmp_path: Path, status: int, answer: bytes, faults: int) -> None:
    notes = Notes(tmp_path / "faults.txt")
    notes.see("here", Sent("GET", b"/", (), b"", status, answer))
    assert len(notes.faults) == faults


def test_a_delay_counts_beyond_what_the_machine_let_them_wait(tmp_path: Path) -> None:
    """It waited for a processor, the machine paused, Kafka waited: not ours. The rest is."""
    rows = [
        ["idle", 1.0, 0.01, 200, 0.0],
        ["gateway", 2.0, 0.5, 200, 0.0],
        ["gateway", 3.0, 1.9, 200, 1.2],
        ["worker", 10.0, 1.8, 200, 0.0],
        ["idle", 10.2, 1.5, 200, 0.0],
        ["kafka", 20.0, 1.0, 200, 0.9],
        ["webhook", 20.1, 1.7, 200, 0.1],
        ["gateway", 20.1, 1.7, 200, 0.1],
    ]
    seen = tmp_path / "probe.jsonl"
    seen.write_text("\n".join(json.dumps(one) for one in rows))
    verdict = Verdict()
    _judge_delays(seen, verdict)
    assert verdict.problems == [f"the neighbour was delayed: {rows[-1]}"]


def test_the_limits_are_those_of_the_compose_file() -> None:
    assert (compose_memory_mib("gateway"), compose_memory_mib("worker")) == (512, 1536)


@pytest.mark.parametrize(
    ("body", "is_of_a_newer_release"),
    [
        (b'{"v":1}', False),
        (b"{}", False),
        (b'{"v":2}', True),
        (b'{"v":"12"}', True),
        (b'{"v":1,"v":9}', True),
        (b'{"v":NaN,"v":9,"a":NaN}', True),
        (b'{"v":[2]}', False),
        (b"[2]", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_what_claims_to_be_of_a_newer_release_is_known(body: bytes, is_of_a_newer_release: bool) -> None:
    assert is_newer(body) is is_of_a_newer_release
