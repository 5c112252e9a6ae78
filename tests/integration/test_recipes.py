"""deploy/recipes: receipts and snapshots in DuckDB answer five questions as the sandboxes' ledgers and `verify` do."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
from confluent_kafka import Consumer, Message

from connectors.sandbox.shared.faults import parse_fault
from deploy.recipes import load as recipe
from deploy.recipes.load import TOPICS, load
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.clients import new_producer
from streams.messages import FENCE_KEY, Receipt, Snapshot
from streams.messages.topics import RECEIPTS, SNAPSHOTS
from streams.settings import Settings, parse_settings
from tests.deadlines import within
from tests.integration.command import command, config_of
from tests.integration.dying_recipe import BATCH, STEPS
from tests.integration.stage import Stage, stage
from tests.integration.test_observing import scrape_worker, value
from tests.integration.test_opt_outs import ACTIVE, NEVER, by_hand
from tests.kafka.broker import Broker

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "recipes"
NO_PHONE = "ghl create-contact: 422 phone must be a valid phone number"
FAULT = "ghl create-contact: 422 Internal Server Error"
Rows = list[dict[str, Any]]


async def run_recipe(broker: Broker, prefix: str, path: Path) -> str:
    """Run the script as its users do; returns what it printed."""
    words = (str(FOLDER / "load.py"), str(path), "-X", f"bootstrap.servers={broker.bootstrap}", "--prefix", prefix)
    started = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, complaint = await started.communicate()
    assert (started.returncode, complaint) == (0, b""), complaint.decode()
    return out.decode().strip()


def ask(path: Path, statement: str) -> Rows:
    """The rows of one statement."""
    with duckdb.connect(str(path), read_only=True) as database:
        found = database.execute(statement)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def answer(path: Path, question: str) -> Rows:
    """The answer to one of the five questions."""
    return ask(path, (FOLDER / "questions" / f"{question}.sql").read_text(encoding="utf-8"))


def writes(on: Stage) -> list[Any]:
    """What GHL was asked to write and did, by its own ledger; custom fields are no lead's."""
    done = on.requests("ghl", "POST", "PUT", "DELETE")
    return [entry for entry in done if entry.applied and entry.operation != "create-custom-field"]


def refused_by_ghl(on: Stage) -> list[Any]:
    """What GHL refused, by its own ledger."""
    return [entry for entry in on.requests("ghl") if entry.status == 422]


def opted_out(on: Stage) -> Counter[str]:
    """How many contacts have closed each channel, by what GHL holds."""
    held = [contact.get("dndSettings") or {} for contact in on.contacts().values()]
    return Counter(name for settings in held for name, channel in settings.items() if channel["status"] != "inactive")


@pytest.mark.in_make_test
async def test_the_five_answers_are_those_of_the_vendors(broker: Broker, tmp_path: Path) -> None:
    """Four leads: one is edited, one has a telephone that GHL refuses, one is refused as a whole, two opt out."""
    path = tmp_path / "lofty-ghl.duckdb"
    async with stage(broker, tmp_path, more=NEVER) as on:
        edited = on.new_lead()
        by_phone = on.new_lead(phones=["+15551234567"])
        await on.until_quiet()
        first = await run_recipe(broker, on.names.prefix, path)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        refused = on.new_lead(cannotEmail=True)
        await on.until_quiet()
        on.new_lead(cannotText=True)
        await on.until_quiet()
        for name in ("Byron", "Lovelace"):
            on.edit("update", "lead", id=edited, fields={"lastName": name})
            await on.until_quiet()
        by_hand(on, by_phone, SMS=ACTIVE)
        await on.until_quiet()
        second = await run_recipe(broker, on.names.prefix, path)
        third = await run_recipe(broker, on.names.prefix, path)
        code, out, _ = await command("verify", config_of(on, tmp_path), "--json", hurries=True)
        metrics = await scrape_worker(on)

        records = len(await on.receipts()) + len(await on.records(SNAPSHOTS))
        loaded = ask(path, "SELECT count(*) AS loaded FROM records WHERE key <> '@fence'")[0]["loaded"]
        assert (loaded, third) == (records, "0 new records")
        assert (int(first.split()[0]) > 0, int(second.split()[0]) > 0) == (True, True)

        # Freshness: the worker measured the same deliveries. GHL's ledger has each but the opt-out, which GHL had already.
        (freshness,) = answer(path, "freshness")
        counted = {"connection": "acme", "since": "acceptance", "held": "no"}
        assert freshness["connection"] == "acme"
        assert freshness["changes"] == value(metrics, "freshness_seconds_count", **counted) == len(writes(on)) + 1
        within_a_minute = value(metrics, "freshness_seconds_bucket", le="60.0", **counted)
        assert freshness["within_a_minute"] == within_a_minute

        # Refusals: as many as GHL has answered, with its words.
        refusals = {row["cause"]: (row["answers"], row["entities"], row["waiting"]) for row in answer(path, "refusals")}
        assert refusals == {NO_PHONE: (1, 1, 0), FAULT: (1, 1, 1)}
        assert sum(count for count, _, _ in refusals.values()) == len(refused_by_ghl(on))

        # Leads without contact: those of Lofty that GHL's sandbox lacks; verify finds as many that wait for a person.
        without = answer(path, "leads_without_contact")
        assert [row["lead"] for row in without] == [refused]
        assert {row["lead"] for row in without} == leads_of(on) - on.contacts().keys()
        report = orjson.loads(out)
        found = (report["counts"]["ok"], report["counts"]["parked"], report["counts"]["missing"])
        assert (code, *found) == (0, len(on.contacts()), len(without), 0), report
        assert FAULT in without[0]["because"]

        # Opt-outs: what GHL's contacts hold. The lead that was refused is missing there.
        opt_outs = {row["channel"]: (row["leads"], row["in_ghl"], row["missing"]) for row in answer(path, "opt_outs")}
        assert opt_outs == {"SMS": (2, 2, 0), "Email": (1, 0, 1)}
        assert {name: held for name, (_, held, _) in opt_outs.items() if held} == opted_out(on)

        # Edits: as GHL's ledger has them, and that opt-out; on the days of its own clock.
        edits = answer(path, "edits_a_day")
        assert sum(row["edits"] for row in edits) == len(writes(on)) + 1
        days = {datetime.fromtimestamp(entry.at, UTC).date() for entry in writes(on)}
        assert {row["day"] for row in edits} <= days | {datetime.now(UTC).date()}
        assert sum(row["new"] for row in edits) == len(on.contacts())


def leads_of(on: Stage) -> set[str]:
    """The leads that Lofty has."""
    (team,) = on.lofty.teams.values()
    return {str(lead) for lead in team.records["lead"]}


class Topics:
    """Both topics on a broker, with records that a test makes."""

    def __init__(self, broker: Broker) -> None:
        self.prefix = f"recipe-{uuid.uuid4().hex[:8]}."
        self.broker = broker
        broker.create_topics({self.prefix + topic: {} for topic in TOPICS}, 2)

    @property
    def settings(self) -> Settings:
        """How the product's own producer reaches the broker."""
        text = f'[kafka]\nbootstrap_servers = "{self.broker.bootstrap}"'
        return parse_settings(text, {}, read_file=lambda path: "", source="recipes")

    async def produce(self, topic: str, records: Iterable[tuple[str, bytes | None]], partition: int = 0) -> None:
        """Put records on a partition."""
        producer = new_producer(self.settings)
        await producer.start()
        try:
            name = self.prefix + topic
            made = [Record(name, partition, key.encode(), raw) for key, raw in records]
            await BatchingProducer(producer).produce(made)
        finally:
            await producer.stop()

    def load(self, path: Path) -> int:
        """Load what is new."""
        return load(str(path), {"bootstrap.servers": self.broker.bootstrap}, self.prefix)


def snapshot(lead: str, version_ms: int = 1, **state: Any) -> tuple[str, bytes]:
    """A lead's snapshot, with its key."""
    made = Snapshot(
        connection="acme", lead=lead, kind="contact", id=lead, state=state, version_ms=version_ms,
        fingerprint=f"f{version_ms}", read_ms=version_ms, update_time_ms=version_ms, accepted_ms=version_ms,
    )  # fmt: skip
    return made.entity.key, made.to_bytes()


def receipt(lead: str, number: int = 1) -> tuple[str, bytes]:
    """A receipt that GHL has it, with its key."""
    made = Receipt(
        connection="acme", lead=lead, kind="contact", id=lead, outcome="applied", step="create contact",
        at_ms=number, version_ms=number, settled="s", fingerprint=f"f{number}", ghl_id=f"c{lead}",
    )  # fmt: skip
    return made.entity.key, made.to_bytes()


def batches(path: Path) -> list[int]:
    """How many records each batch of the process had that died."""
    return [int(size) for size in Path(f"{path}.batches").read_text().split()]


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_loses_nothing_and_counts_nothing_twice(embedded_kafka: Broker, tmp_path: Path, step: str) -> None:
    """It dies in its second batch, of several; the next run ends with each record once."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    await topics.produce(SNAPSHOTS, [snapshot(str(number)) for number in range(7)])
    await topics.produce(RECEIPTS, [receipt(str(number)) for number in range(7)], 1)
    words = (step, str(path), embedded_kafka.bootstrap, topics.prefix)
    dying = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.integration.dying_recipe", *words)
    assert await dying.wait() == -signal.SIGKILL
    first, second = batches(path)
    assert 0 < first <= BATCH >= second > 0
    stored = first + second if step == STEPS[-1] else first
    assert topics.load(path) == 14 - stored
    assert ask(path, "SELECT count(*) AS rows, count(DISTINCT (topic, key)) AS keys FROM records") == [
        {"rows": 14, "keys": 14}
    ]
    assert ask(path, "SELECT sum(next_offset) AS positions FROM positions") == [{"positions": 14}]


async def test_a_tombstone_is_kept_and_ends_what_was_before_it(embedded_kafka: Broker, tmp_path: Path) -> None:
    """An entity whose key was cleaned away is not there now, its history is; a later snapshot brings it back."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    gone, back = snapshot("1"), snapshot("2")
    await topics.produce(SNAPSHOTS, [gone, back, (gone[0], None), (back[0], None), snapshot("2", 2), snapshot("3")])
    assert topics.load(path) == 6
    assert ask(path, "SELECT lead, version_ms FROM snapshots ORDER BY lead") == [
        {"lead": "2", "version_ms": 2},
        {"lead": "3", "version_ms": 1},
    ]
    assert ask(path, "SELECT count(*) AS n FROM snapshot_log") == [{"n": 4}]


async def test_an_older_version_never_replaces_a_newer_one(embedded_kafka: Broker, tmp_path: Path) -> None:
    """As the contract says; of equal versions the later one counts."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    await topics.produce(SNAPSHOTS, [snapshot("1", 5, a=1), snapshot("1", 5, a=2), snapshot("1", 4, a=3)])
    topics.load(path)
    assert ask(path, "SELECT state ->> 'a' AS a FROM snapshots") == [{"a": "2"}]


async def test_what_a_later_release_adds_is_kept_and_stops_nothing(embedded_kafka: Broker, tmp_path: Path) -> None:
    """A new field, a new outcome, a fence, and what is no JSON."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    key, raw = receipt("1")
    newer = orjson.dumps({**orjson.loads(raw), "outcome": "postponed", "mood": {"is": "good"}})
    await topics.produce(RECEIPTS, [(key, newer), (FENCE_KEY.decode(), b'{"v":1}'), (key, b"\xff{"), receipt("2")])
    await topics.produce(SNAPSHOTS, [snapshot("1"), snapshot("2")])
    topics.load(path)
    assert ask(path, "SELECT lead, outcome FROM receipts ORDER BY lead") == [
        {"lead": "1", "outcome": "postponed"},
        {"lead": "2", "outcome": "applied"},
    ]
    assert ask(path, "SELECT value ->> '$.mood.is' AS mood FROM records WHERE mood IS NOT NULL") == [{"mood": "good"}]
    assert ask(path, "SELECT count(*) AS n FROM records WHERE unreadable IS NOT NULL") == [{"n": 1}]
    for question in sorted(path.stem for path in (FOLDER / "questions").glob("*.sql")):
        answer(path, question)


async def test_it_stops_in_front_of_a_version_that_it_does_not_know(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Nothing is passed over: a newer recipe goes on at this very record."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    await topics.produce(RECEIPTS, [receipt("1")])
    assert topics.load(path) == 1
    key, raw = receipt("2")
    await topics.produce(RECEIPTS, [(key, orjson.dumps({**orjson.loads(raw), "v": 2})), receipt("3")])
    with pytest.raises(SystemExit, match=r"ghl\.receipts\[0\]@1 is of version 2"):
        topics.load(path)
    assert ask(path, "SELECT next_offset FROM positions") == [{"next_offset": 1}]


async def test_topics_that_were_made_again_are_no_continuation(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Its file has records of other topics: going on would mix two histories."""
    topics, others = Topics(embedded_kafka), Topics(embedded_kafka)
    path = tmp_path / "lofty-ghl.duckdb"
    await topics.produce(RECEIPTS, [receipt("1"), receipt("2")])
    topics.load(path)
    with pytest.raises(SystemExit, match=r"ghl\.receipts\[0\] ends at 0, and 2 comes next"):
        others.load(path)


def test_a_kafka_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    """Nobody waits for it without end, and a setting that is none is refused before."""
    words = [sys.executable, str(FOLDER / "load.py"), str(tmp_path / "lofty-ghl.duckdb"), "-X"]
    away = subprocess.run(
        [*words, "bootstrap.servers=127.0.0.1:1"], capture_output=True, text=True, timeout=within(120)
    )
    wrong = subprocess.run([*words, "bootstrap.servers"], capture_output=True, text=True, timeout=within(60))
    assert (away.returncode, wrong.returncode) == (1, 2)
    assert away.stderr.splitlines()[-1].startswith("Kafka: ")
    assert "expected NAME=VALUE" in wrong.stderr


class Silent(Consumer):
    """Kafka answers at first, and then no more."""

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        """Nothing comes."""
        time.sleep(0.05)
        return []


async def test_a_kafka_that_falls_silent_ends_the_run(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before stays, and the next run goes on there."""
    topics, path = Topics(embedded_kafka), tmp_path / "lofty-ghl.duckdb"
    await topics.produce(RECEIPTS, [receipt("1")])
    assert topics.load(path) == 1
    monkeypatch.setattr(recipe, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(recipe, "Consumer", Silent)
    with pytest.raises(SystemExit, match="sent nothing for 1 s"):
        topics.load(path)
    monkeypatch.undo()
    assert topics.load(path) == 0
