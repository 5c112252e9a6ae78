"""Runs as records: what another gateway shows is what this one had, in a size that is bounded."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from streams.console.auth.audit_log import AuditWriter
from streams.console.auth.scope import Scope, put_in_force
from streams.console.errors import NotFound
from streams.console.services.bulk_acts import BulkRow, BulkRun
from streams.console.services.process_runs import ProcessRuns
from streams.console.services.run_records import CUT_OFF, LONGEST_VALUE, MOST_BYTES, record_of, restored
from streams.console.services.verifications import MOST_FINDINGS, Verification, result_from
from streams.core.run_history import SILENT_MS
from streams.messages.run import Run
from tests.unit.streams.console.run_log import FakeTopic

NOW = 1_000_000


def found(findings: int = 1, wanted: Any = "Zillow", repaired: int = 0) -> dict[str, Any]:
    """The report of a comparison as JSON."""
    finding = {
        "entity": "acme:7:contact:7",
        "state": "different",
        "because": "it differs",
        "differences": [{"field": "source", "wanted": wanted, "found": None}],
        "repair": ["write"],
        "advice": "",
        "is_undecided": False,
    }
    return {
        "leads": 9,
        "requests": 3,
        "fields_compared": 40,
        "counts": {"ok": 8, "different": findings},
        "mended": [finding] * repaired,
        "findings": [finding] * findings,
        "unfinished": [],
        "remarks": [],
        "left_out": {},
    }


def verification(**facts: Any) -> Verification:
    """A comparison of acme by ann."""
    return Verification(
        **{"id": "v1", "connection": "acme", "lead": "", "is_repair": False, "by": "ann", "began_ms": NOW, **facts}
    )


def test_another_gateway_has_exactly_what_this_one_had() -> None:
    """Whatever text is in it."""
    for wanted in ("Zillow", "\ud800 half", None, ["a", {"b": 1.5}], 10**30):
        one = verification(ended_ms=NOW + 5, result=result_from(found(wanted=wanted)))
        record = Run.from_bytes(record_of(one).to_bytes())
        again = restored(record, Verification, NOW + SILENT_MS * 9)
        assert again is not None
        assert again.result is not None
        assert one.result is not None
        assert (again.result.counts, again.ended_ms, again.by) == (one.result.counts, NOW + 5, "ann")
        if wanted not in ("\ud800 half", 10**30):
            assert again == one
        assert (record.counts["read"], record.has_findings, record.words) == (9, True, "1 wrong, 0 repaired")


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    """By number, and by size where values are long."""
    result = result_from(found(findings=MOST_FINDINGS + 50, repaired=MOST_FINDINGS + 1))
    assert len(result.findings) + result.more == MOST_FINDINGS + 50
    assert result.repairs == MOST_FINDINGS + 1
    large = result_from(found(findings=5_000, wanted="ä" * 100_000))
    assert len(large.findings) + large.more == 5_000
    assert len(large.findings) > 20
    assert len(large.findings[0].differences[0].wanted) == LONGEST_VALUE + 1
    record = record_of(verification(result=large))
    assert len(record.to_bytes()) < 2 * MOST_BYTES


def test_a_run_of_which_nothing_is_written_any_longer_was_cut_off() -> None:
    """It is under way for others while its gateway says so, and has ended at its last word once that is gone."""
    record = record_of(verification(doing="leads", done=3, of=9)).model_copy(update={"moved_ms": NOW + 10})
    running = restored(record, Verification, NOW + 10 + SILENT_MS)
    cut = restored(record, Verification, NOW + 11 + SILENT_MS)
    assert running is not None
    assert cut is not None
    assert (running.is_running, running.done, running.problem) == (True, 3, "")
    assert (cut.is_running, cut.is_cut_off, cut.ended_ms, cut.problem) == (False, True, NOW + 10, CUT_OFF)


def test_what_another_release_wrote_is_left_out() -> None:
    """It is not shown half."""
    record = record_of(verification())
    for detail in ("", "[]", "{}", '{"lead": {}}', "no json"):
        assert restored(record.model_copy(update={"detail": detail}), Verification, NOW) is None


def test_an_act_on_many_connections_is_the_same_everywhere() -> None:
    """With what came of each."""
    rows = (BulkRow("a", "A", "done", "Paused."), BulkRow("b", "B", "failed", "No."))
    one = BulkRun(id="b1", by="ann", began_ms=NOW, act="pause", rows=rows, ended_ms=NOW + 1)
    record = record_of(one)
    assert (record.connections, record.words, record.has_findings) == (("a", "b"), "1 done, 1 failed", True)
    assert restored(record, BulkRun, NOW) == one


async def test_every_gateway_shows_what_any_gateway_ran() -> None:
    """To those who may see its connection, also when the gateway that ran it is gone."""
    topic, may_end = FakeTopic(), asyncio.Event()
    logs = [topic.log(holder, lambda: NOW) for holder in ("first", "second")]
    first, second = (ProcessRuns("comparison", Verification, log, cast(AuditWriter, None), lambda: NOW) for log in logs)

    async def work() -> None:
        await may_end.wait()
        one.result = result_from(found())

    one = verification()
    first.begin(one, work())
    await logs[0]._write()
    assert [run.is_running for run in await second.all()] == [True]
    may_end.set()
    await first.wait("v1")
    await logs[0]._write()
    assert await second.all() == (one,)
    assert await second.get("v1") == one
    assert await second.all("beta") == ()

    async def as_of_beta() -> None:
        put_in_force(Scope.of(["beta"]))
        assert await second.all() == ()
        with pytest.raises(NotFound):
            await second.get("v1")

    await asyncio.create_task(as_of_beta())
