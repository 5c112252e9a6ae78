"""One act on many connections: each gets its turn and its outcome, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.console.auth.audit_log import Actor
from streams.console.auth.scope import Scope, put_in_force
from streams.console.errors import Conflict, NotFound, TooMany, WrongInput
from streams.console.services import bulk_acts
from streams.console.services.bulk_acts import MOST_RUNNING, BulkActs, BulkRun
from streams.console.services.connection_edits import EditableConnection
from streams.console.services.locations import RefreshedLocation
from streams.console.services.verifications import Verification, VerificationResult
from tests.deadlines import within
from tests.unit.streams.console.run_log import FakeTopic

BY = Actor("ann")


@dataclass
class FakeEdits:
    """Connections by id, and what was done with them. `conflicts` refuse every edit."""

    known: dict[str, EditableConnection]
    did: list[tuple[str, str, int]] = field(default_factory=list)
    conflicts: set[str] = field(default_factory=set)

    async def get(self, connection: str) -> EditableConnection:
        """One of them."""
        if connection not in self.known:
            raise NotFound(f"There is no connection {connection!r}.")
        return self.known[connection]

    async def pause(self, by: Actor, connection: str, directions: Any, version: int) -> None:
        """Note it."""
        await self._edit("pause", connection, version)

    async def resume(self, by: Actor, connection: str, version: int) -> None:
        """Note it."""
        await self._edit("resume", connection, version)

    async def _edit(self, act: str, connection: str, version: int) -> None:
        if connection in self.conflicts:
            raise Conflict("Somebody else was faster.")
        self.did.append((act, connection, version))


@dataclass
class FakeVerifications:
    """Comparisons that find so many wrong; the first `busy` attempts are refused."""

    wrong: dict[str, int]
    busy: int = 0
    ended: list[str] = field(default_factory=list)

    async def start_verification(self, by: Actor, connection: str) -> Verification:
        """Refuse, or have it done already."""
        if self.busy:
            self.busy -= 1
            raise TooMany("busy", 1.0)
        made = Verification(
            id=f"v-{connection}", connection=connection, lead="", is_repair=False, by=by.name, began_ms=1
        )
        if connection in self.wrong:
            wrong = self.wrong[connection]
            made.result = VerificationResult(9, 1, 1, {}, wrong, 0, not wrong, (), 0, (), {}, (), ())
        else:
            made.problem = "No worker answers."
        return made

    async def wait(self, verification: str) -> None:
        """It has ended."""
        self.ended.append(verification)


class FakeLocations:
    """A location that can always be read."""

    async def refresh(self, by: Actor, connection: str) -> RefreshedLocation:
        """Its figures."""
        return RefreshedLocation(connection, 12, 3, ())


def editable(name: str, managed: str = "console", **settings: Any) -> EditableConnection:
    """A connection in its third version."""
    return EditableConnection(name, name.upper(), 3, managed, False, settings, ())  # type: ignore[arg-type]  # a text


@dataclass
class Nobody:
    """Settings in which no connection is served: names come from the edits."""

    connections: dict[str, Any] = field(default_factory=dict)


def acts(edits: FakeEdits, verifications: FakeVerifications | None = None) -> BulkActs:
    """The service with these fakes."""
    made = verifications or FakeVerifications({})
    return BulkActs(Nobody, FakeTopic().log(), edits, made, FakeLocations(), lambda: 7)  # type: ignore[arg-type]  # fakes


async def ended(service: BulkActs, run: BulkRun) -> dict[str, tuple[str, str]]:
    """What came of a run, by connection."""
    async with asyncio.timeout(within(20)):
        while (found := await service.get(run.id)).is_running:
            await asyncio.sleep(0)
    return {row.connection: (row.outcome, row.words) for row in found.rows}


async def test_each_connection_is_paused_in_its_newest_version_and_one_that_fails_stops_no_other() -> None:
    edits = FakeEdits(
        {
            "a": editable("a"),
            "b": editable("b", paused=True),
            "c": editable("c", managed="file"),
            "d": editable("d"),
            "e": editable("e", paused=["to_ghl"]),
        },
        conflicts={"d"},
    )
    service = acts(edits)
    found = await ended(service, await service.start(BY, "pause", ["a", "b", "c", "d", "e", "a"]))
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "a": "done",
        "b": "skipped",
        "c": "skipped",
        "d": "failed",
        "e": "done",
    }
    assert found["d"][1] == "Somebody else was faster."
    assert edits.did == [("pause", "a", 3), ("pause", "e", 3)]
    found = await ended(service, await service.start(BY, "resume", ["a", "b", "c"]))
    assert [outcome for outcome, _ in found.values()] == ["skipped", "done", "skipped"]


async def test_comparisons_wait_for_others_and_say_what_they_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_acts, "RETRY_SECONDS", 0)
    verifications = FakeVerifications({"a": 0, "b": 2}, busy=3)
    service = acts(FakeEdits({name: editable(name) for name in "abc"}), verifications)
    run = await service.start(BY, "compare", ["a", "b", "c"])
    found = await ended(service, run)
    assert [outcome for outcome, _ in found.values()] == ["done", "differs", "failed"]
    assert found["b"][1] == "2 wrong, 0 repaired; 9 leads read."
    assert found["c"][1] == "No worker answers."
    assert verifications.ended == ["v-a", "v-b", "v-c"]
    assert [row.verification for row in run.rows] == ["v-a", "v-b", "v-c"]


async def test_fields_and_users_are_read_again() -> None:
    service = acts(FakeEdits({"a": editable("a")}))
    found = await ended(service, await service.start(BY, "refresh", ["a"]))
    assert found == {"a": ("done", "12 custom fields and 3 users were read.")}


async def test_nothing_is_done_where_one_of_them_is_not_there() -> None:
    edits = FakeEdits({"a": editable("a")})
    service = acts(edits)
    for wrong in (["a", "nobody"], ["nobody"]):
        with pytest.raises(NotFound):
            await service.start(BY, "pause", wrong)
    for wrong in ([], [str(number) for number in range(1_001)]):
        with pytest.raises(WrongInput):
            await service.start(BY, "pause", wrong)
    assert edits.did == []


async def test_who_sees_some_connections_acts_on_those_and_sees_what_came_of_those() -> None:
    service = acts(FakeEdits({"a": editable("a"), "b": editable("b")}))
    run = await service.start(BY, "pause", ["a", "b"])
    others = await service.start(BY, "pause", ["b"])
    await ended(service, others)

    async def limited() -> None:
        put_in_force(Scope(frozenset({"a"})))
        assert [row.connection for row in (await service.get(run.id)).rows] == ["a"]
        with pytest.raises(NotFound):
            await service.get(others.id)
        with pytest.raises(NotFound):
            await service.start(BY, "pause", ["a", "b"])

    await asyncio.create_task(limited())  # a request has a context of its own


async def test_there_is_a_limit_to_what_runs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a gateway that stops ends it."""
    monkeypatch.setattr(bulk_acts, "RETRY_SECONDS", 60)
    service = acts(FakeEdits({"a": editable("a")}), FakeVerifications({}, busy=99))
    for _ in range(MOST_RUNNING):
        await service.start(BY, "compare", ["a"])
    with pytest.raises(TooMany):
        await service.start(BY, "compare", ["a"])
    await service.stop()
    await service.start(BY, "refresh", ["a"])
    await service.stop()
