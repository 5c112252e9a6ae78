"""The process in which a mapping is tried before anybody believes in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streams.core.rows import LinkRow
from streams.core.to_ghl.directory import Directory
from streams.mapping_versions.errors import EvaluatorBusy, TooCostly
from streams.messages import Snapshot
from streams.operations.mapping_preview.evaluator import MOST_WAITING, Evaluator
from streams.operations.mapping_preview.preview import preview
from streams.operations.mapping_preview.trial import TrialJob, TrialLead
from streams.settings.overlay import Overlay
from tests.unit.streams.mapping_versions.stage import CONFIG, GOOD, WRONG, settings

COSTLY = "|".join(["[@,@]"] * 30)


def job(text: str = GOOD, do: Any = "compile", **facts: Any) -> TrialJob:
    """A job about the mapping `acme`."""
    return TrialJob(do=do, config=CONFIG, texts={"acme": text}, uses={}, name="acme", text=text, **facts)


def snapshot(**state: Any) -> Snapshot:
    """A lead as it was read."""
    lead = {"leadId": 7, "firstName": "Ada", **state}
    return Snapshot(
        connection="acme",
        lead="7",
        kind="contact",
        id="7",
        state=lead,
        version_ms=1,
        fingerprint="f",
        update_time_ms=1,
        read_ms=2,
        accepted_ms=1,
    )


def _proc(pid: int, file: str) -> str:
    return Path(f"/proc/{pid}/{file}").read_text()


async def test_a_text_is_compiled_there_with_the_lines_of_its_problems() -> None:
    """As the editor compiles it here."""
    evaluator = Evaluator()
    try:
        assert (await evaluator.ask(job())).problems == ()
        wrong = (await evaluator.ask(job(WRONG))).problems
        assert [(one.line, "firstName" in one.hint) for one in wrong][:1] == [(3, True)]
    finally:
        await evaluator.aclose()


async def test_a_preview_there_is_the_preview_here() -> None:
    """With a worker's words, and without."""
    connection = settings().with_overlay(Overlay(1, {"acme": GOOD}, {})).connections["acme"]
    seen = TrialLead(snapshot=snapshot(), link=LinkRow(), found=None)
    directory = Directory({"Lofty lead id": "f1"}, {"a@b.c": "u1"}, frozenset({"u1"}), {"f1": "TEXT"})
    evaluator = Evaluator()
    try:
        for directories in ({}, {"acme": directory}):
            found = await evaluator.ask(job(do="preview", leads=(seen,), directories=directories))
            assert found.previews == (preview(connection, seen.snapshot, directories.get("acme"), seen.link),)
    finally:
        await evaluator.aclose()


async def test_a_mapping_that_costs_too_much_of_a_real_lead_is_refused() -> None:
    """With the field and the lead."""
    text = f'[mappings.acme.fields]\n"custom:A" = {{ from = "firstName|{COSTLY}" }}\n'
    evaluator = Evaluator()
    try:
        assert (await evaluator.ask(job(text))).problems == ()
        [problem] = (await evaluator.ask(job(text, do="try", leads=(TrialLead(snapshot=snapshot()),)))).problems
        assert (problem.where, "lead 7" in problem.got) == ("mappings.acme.fields.A", True)
        assert (await evaluator.ask(job(do="try", leads=(TrialLead(snapshot=snapshot()),)))).problems == ()
    finally:
        await evaluator.aclose()


async def test_a_job_that_does_not_end_ends_its_process_and_not_the_next_job() -> None:
    """The caller gets the error, and a new process answers the next one."""
    evaluator = Evaluator(wall_seconds=0.001)
    with pytest.raises(TooCostly):
        await evaluator.ask(job())
    evaluator._wall_seconds = 30.0
    try:
        assert (await evaluator.ask(job())).problems == ()
    finally:
        await evaluator.aclose()


async def test_the_process_has_limits_and_no_credential_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of memory and processor time; and nothing of our environment that is not needed."""
    monkeypatch.setenv("LOFTY_GHL_ACME_GHL_TOKEN", "secret")
    evaluator = Evaluator()
    try:
        await evaluator.ask(job())
        process = evaluator._process
        assert process is not None
        limits = {line[:26].strip(): line[26:47].strip() for line in _proc(process.pid, "limits").splitlines()}
        assert limits["Max data size"] == str(256 * 1024 * 1024)
        assert _proc(process.pid, "oom_score_adj").strip() == "1000"
        assert 10 <= int(limits["Max cpu time"]) < 60
        assert "LOFTY_GHL" not in _proc(process.pid, "environ")
    finally:
        await evaluator.aclose()
    assert process.returncode is not None


async def test_only_some_wait() -> None:
    """The rest must retry."""
    evaluator = Evaluator()
    try:
        tasks = [asyncio.create_task(evaluator.ask(job())) for _ in range(MOST_WAITING + 3)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, EvaluatorBusy) for one in found) == 3
    finally:
        await evaluator.aclose()
