"""Checks of everything: who sees which lines, and what is written about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.console.auth.audit_log import Actor, Result
from streams.console.auth.scope import EVERYTHING, Scope, put_in_force
from streams.console.errors import NotFound, TooMany
from streams.console.services import doctor
from streams.console.services.doctor import CheckLine, Doctor, for_reader
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.run import Examination
from tests.browser.samples_of_doctor import DONE
from tests.deadlines import within
from tests.unit.streams.console.run_log import FakeTopic

BY = Actor("ann")


@dataclass
class FakeAudit:
    """Keeps who did what, and what came of it."""

    acts: list[tuple[str, str, Mapping[str, str], Result]] = field(default_factory=list)

    @asynccontextmanager
    async def acting(self, by: Actor, action: str, about: Mapping[str, str]) -> AsyncIterator[Result]:
        """Note it."""
        result = Result()
        self.acts.append((by.name, action, about, result))
        yield result


@dataclass
class FakeExamination:
    """Finds one line of each connection and one of the deployment, once `may_end`."""

    only: list[Collection[str] | None] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self, settings: Any, *, only: Collection[str] | None, at_once: int, on_progress: Callable[[int, int], None]
    ) -> Examination:
        """Wait, then find."""
        self.only.append(only)
        on_progress(1, 3)
        await self.may_end.wait()
        lines = (CheckResult("access", f"GHL of {one}", "wrong", "is refused", "fix it", one) for one in ("a", "b"))
        return Examination((CheckResult("disk", "data_dir", "ok", "9 GiB are left", "unused"), *lines))


@pytest.fixture
def examination(monkeypatch: pytest.MonkeyPatch) -> FakeExamination:
    """In the place of the real one."""
    made = FakeExamination()
    monkeypatch.setattr(doctor, "examine", made)
    return made


def made_with(audit: FakeAudit) -> Doctor:
    """A doctor with this audit, at a time that stands still."""
    return Doctor(lambda: None, FakeTopic().log(), audit, lambda: 1_000)  # type: ignore[arg-type, return-value]  # fakes


async def ended(checks: Doctor, run: str) -> None:
    """Wait until a check has ended."""
    async with asyncio.timeout(within(5)):
        while (await checks.get(run)).is_running:
            await asyncio.sleep(0)


async def test_a_check_reports_its_progress_and_then_every_line(examination: FakeExamination) -> None:
    """And the audit has who made it, with the numbers."""
    audit = FakeAudit()
    checks = made_with(audit)
    run = await checks.start_check(BY)
    await asyncio.sleep(0)
    assert ((await checks.get(run.id)).done, run.of, run.result) == (1, 3, None)
    examination.may_end.set()
    await ended(checks, run.id)
    found = (await checks.get(run.id)).result
    assert found is not None
    assert [(one.subject, one.connection, one.to_do) for one in found] == [
        ("data_dir", "", ""),
        ("GHL of a", "a", "fix it"),
        ("GHL of b", "b", "fix it"),
    ]
    ((name, action, about, result),) = audit.acts
    assert (name, action, about, result.detail) == ("ann", "doctor", {}, "2 wrong, 0 warnings, 0 not checked")
    assert examination.only == [None]


async def test_two_run_at_a_time_and_no_more(examination: FakeExamination) -> None:
    checks = made_with(FakeAudit())
    for _ in range(2):
        await checks.start_check(BY)
    with pytest.raises(TooMany):
        await checks.start_check(BY)
    await asyncio.sleep(0)  # both have begun
    await checks.stop()


async def test_somebody_who_is_limited_has_their_connections_checked_and_sees_these_alone(
    examination: FakeExamination,
) -> None:
    """The lines of others and of the deployment are not shown, and neither is who made a check."""
    examination.may_end.set()
    checks, audit = made_with(audit := FakeAudit()), audit
    everyones = await checks.start_check(BY)
    await ended(checks, everyones.id)
    put_in_force(Scope(frozenset({"a"})))
    seen = await checks.get(everyones.id)
    assert [one.subject for one in seen.result or ()] == ["GHL of a"]
    assert (seen.by, seen.connections) == ("", ("a",))
    own = await checks.start_check(Actor("sue"))
    await ended(checks, own.id)
    assert examination.only == [None, ("a",)]
    assert audit.acts[1][:3] == ("sue", "doctor", {"connection": "a"})

    put_in_force(Scope(frozenset({"b"})))
    with pytest.raises(NotFound):
        await checks.get(own.id)
    assert [one.id for one in await checks.all()] == [everyones.id]


def test_whoever_sees_everything_sees_it_as_it_is() -> None:
    assert for_reader(DONE, EVERYTHING) is DONE
    assert for_reader(DONE, Scope(frozenset())) is None


def test_what_is_kept_of_a_large_check_are_the_lines_that_need_somebody() -> None:
    """In their order; of the others as many as there is room for."""
    levels = ("ok", "wrong", "ok", "warning", "ok")
    lines = tuple(CheckLine("access", str(number), "", level, "", "") for number, level in enumerate(levels))  # type: ignore[arg-type]  # levels
    assert [one.subject for one in doctor.most_telling(lines, 3)] == ["0", "1", "3"]
    assert [one.subject for one in doctor.most_telling(lines, 1)] == ["1"]
