"""The reader: one request for one pending read, and what each answer of Lofty's leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import NotSent, Unanswered
from connectors.http.request import Response
from connectors.lofty.client import LoftyClient
from streams.core.listed_states import ListedStates
from streams.core.rows import FetchRow
from streams.core.scheduling.dispatcher import Verdict
from streams.core.scheduling.pauses import PAUSE_SECONDS
from streams.core.scheduling.retry import Retry
from streams.core.scheduling.settling import Settling
from streams.messages import Change, Entity, Snapshot
from streams.messages.size_limits import DEFAULT
from streams.telemetry.metrics import Metrics
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.gathered_children import GatheredChildren
from streams.worker.dispatch.lofty_reader import WAIT_SECONDS, LoftyReader
from streams.worker.dispatch.lofty_team import WINDOW_SECONDS, LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, WorkResult
from streams.worker.dispatch.read_records import ReadRecords
from tests.unit.streams.worker.dispatch.stage import (
    NOW_MS,
    PARTITION,
    SNAPSHOTS,
    Scripted,
    Stage,
    TakenSlot,
    Vendor,
    answer,
    item_of,
)

LEAD = Entity.contact("acme", "77")
NOTE = Entity("acme", "77", "note", "5")
APPOINTMENT = Entity("acme", "77", "appointment", "3")
OLD_MS = NOW_MS - 3_600_000
"""Long before the visibility of what was just created ends."""
MISSING = answer(404, {"code": 20006, "message": "Lead not exist"})
AGENT = {"name": "Ann Agent", "email": "ann@example.com"}


class Desk(Stage):
    """The reader with its parts. `agents` are those of the member list."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__()
        self.lofty = Vendor(list(script))
        self.listed = ListedStates()
        self.touched: list[str] = []
        self.waits: dict[str, float] = {}
        self.settling = Settling("always")
        self.metrics = Metrics()
        self.agents: dict[str, dict[str, str]] = {}
        client = LoftyClient(self.lofty, StaticAuth("token", "k"), base_url="https://x.test")
        self.reader = LoftyReader(
            teams={"acme": LoftyTeam("acme", "key-1", PARTITION, 9, client, visibility_ms=60_000)},
            fetches=self.fetches,
            listed=self.listed,
            settle=lambda row: self.waits.get(row.entity.key, 0.0),
            read_burst=GatheredChildren(
                self.settling.take_gathered, self.fetches, self.listed, self.output.now_ms, self.metrics.read
            ).read,
            records=ReadRecords(SNAPSHOTS, self.output, self._agent),
            now_ms=self.output.now_ms,
            failures=FailureJudge(self.pause),
            retry=Retry(lambda: self.now_ms, lambda: 1.0),
            count=self.metrics.read,
            announce=self._announce,
            touched=self.touched.append,
        )
        self.changes: list[Change] = []
        self.slot = TakenSlot()

    def pending(self, entity: Entity, operation: str = "updated", accepted_ms: int = OLD_MS, **more: Any) -> FetchRow:
        """Put a pending read."""
        row = FetchRow(
            **entity._asdict(),
            operation=operation,  # type: ignore[arg-type]  # one of the words
            newest_update_ms=500,
            oldest_update_ms=400,
            accepted_ms=accepted_ms,
            **{"origin": "webhook", **more},
        )
        self.fetches.put(PARTITION, entity.key, row)
        return row

    async def read(self, entity: Entity) -> WorkResult:
        """One turn."""
        return await self.reader(item_of(entity), self.slot)

    def row(self, entity: Entity) -> FetchRow | None:
        """What is pending."""
        return self.fetches.get(PARTITION, entity.key)

    @property
    def snapshots(self) -> list[Snapshot]:
        """What was emitted."""
        assert {one.partition for one in self.log.records[SNAPSHOTS]} <= {9}
        return [Snapshot.from_bytes(one.value) for one in self.log.records[SNAPSHOTS]]

    async def _announce(self, changes: list[Change]) -> None:
        self.changes += changes

    def _agent(self, connection: str, state: Mapping[str, Any]) -> dict[str, str] | None:
        return self.agents.get(str(state.get("assignedUser")))


async def test_only_a_webhook_makes_a_lead_one_to_which_something_happens() -> None:
    """What a sweep has found itself does not."""
    desk = Desk(answer(200, {"leadId": 77}), answer(200, {"leadId": 77}))
    row = desk.pending(LEAD)
    await desk.read(LEAD)
    assert desk.touched == ["acme:77"]
    desk.fetches.put(PARTITION, LEAD.key, row.model_copy(update={"origin": "sweep"}))
    await desk.read(LEAD)
    assert desk.touched == ["acme:77"]


async def test_a_read_becomes_a_snapshot_and_is_pending_no_more() -> None:
    """On the partition of the GHL budget, with the newest of both times as its version."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "lastUpdateTime": "2026-04-30T17:33:32GMT"}}))
    on.pending(LEAD)
    assert await on.read(LEAD) == DONE
    (snapshot,) = on.snapshots
    assert snapshot.state == {"leadId": 77, "lastUpdateTime": "2026-04-30T17:33:32GMT"}
    assert (snapshot.version_ms, snapshot.update_time_ms, snapshot.read_ms) == (1_777_570_412_000, 400, NOW_MS)
    assert on.row(LEAD) is None
    assert on.lofty.lines == ["GET /v1.0/leads/77"]
    assert on.slot.told == [True]


async def test_the_agent_of_a_lead_travels_with_its_state() -> None:
    """The writer knows users by e-mail only."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "assignedUser": "Ann Agent"}}))
    on.agents["Ann Agent"] = AGENT
    on.pending(LEAD)
    await on.read(LEAD)
    assert on.snapshots[0].state == {"leadId": 77, "assignedUser": "Ann Agent", "_agent": AGENT}


async def test_what_is_not_pending_is_not_read() -> None:
    """Read already, or parked: no request."""
    on = Desk()
    assert await on.read(LEAD) == DONE
    on.pending(LEAD, parked="refused")
    assert await on.read(LEAD) == DONE
    assert on.lofty.lines == []


async def test_what_changed_while_it_was_read_is_read_again() -> None:
    """The snapshot goes out all the same; the pending read stays."""

    def meanwhile() -> Response:
        on.pending(LEAD, generation=2)
        return answer(200, {"lead": {"leadId": 77}})

    on = Desk(meanwhile)
    on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    assert len(on.snapshots) == 1
    assert on.row(LEAD) is not None


async def test_an_appointment_is_read_as_a_task_is() -> None:
    """Both have ids of one space, and one operation reads both."""
    on = Desk(answer(200, {"task": {"id": 3, "type": "Appointment", "content": "visit"}}))
    on.pending(APPOINTMENT)
    assert await on.read(APPOINTMENT) == DONE
    assert on.snapshots[0].state == {"id": 3, "type": "Appointment", "content": "visit"}
    assert on.lofty.lines == ["GET /v2.0/tasks/3"]


async def test_an_appointment_that_is_not_found_is_gone() -> None:
    """Once it had the time to become visible."""
    on = Desk(MISSING)
    on.pending(APPOINTMENT)
    assert await on.read(APPOINTMENT) == DONE
    assert on.snapshots[0].is_gone


# -- what a list held --------------------------------------------------------------------------------------


async def test_what_a_list_held_is_the_answer_and_no_request_is_sent() -> None:
    """Once one read has shown that the list holds all; the others wait for that one."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "firstName": "Ada"}}))
    other = Entity.contact("acme", "78")
    with on.listed.listing() as listing:
        listing.keep(LEAD, {"leadId": 77, "firstName": "Ada"}, NOW_MS)
        listing.keep(other, {"leadId": 78, "firstName": "Bob"}, NOW_MS)
    on.pending(LEAD)
    on.pending(other)
    for entity in (LEAD, other):
        row = on.row(entity)
        assert row is not None
        on.fetches.put(PARTITION, entity.key, row.model_copy(update={"origin": "backfill"}))
    on.listed.turn(
        FetchRow(**{**row.model_dump(), **other._asdict(), "origin": "backfill"}), NOW_MS
    )  # one is under way
    assert await on.read(LEAD) == WorkResult(Verdict.RETRY, WAIT_SECONDS)
    assert not on.lofty.asked

    on.listed.forget("acme")
    with on.listed.listing() as listing:
        listing.keep(LEAD, {"leadId": 77, "firstName": "Ada"}, NOW_MS)
        listing.keep(other, {"leadId": 78, "firstName": "Bob"}, NOW_MS - 5)
    assert await on.read(LEAD) == DONE
    assert await on.read(other) == DONE
    assert on.lofty.lines == ["GET /v1.0/leads/77"]
    assert [(one.state, one.read_ms) for one in on.snapshots] == [
        ({"leadId": 77, "firstName": "Ada"}, NOW_MS),
        ({"leadId": 78, "firstName": "Bob"}, NOW_MS - 5),
    ]
    assert on.row(other) is None


async def test_a_list_that_holds_less_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Every entity of that kind is read alone, then."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "firstName": "Ada", "score": 5}}))
    row = on.pending(LEAD).model_copy(update={"origin": "sweep"})
    on.fetches.put(PARTITION, LEAD.key, row)
    with on.listed.listing() as listing:
        listing.keep(LEAD, {"leadId": 77, "firstName": "Ada"}, NOW_MS)
    assert await on.read(LEAD) == DONE
    assert on.snapshots[0].state == {"leadId": 77, "firstName": "Ada", "score": 5}
    assert "Lofty's list holds less of a contact" in caplog.text


# -- not found ---------------------------------------------------------------------------------------------


async def test_a_deletion_that_was_announced_is_confirmed_by_a_404() -> None:
    """One read, one snapshot without a state."""
    on = Desk(MISSING)
    on.pending(LEAD, "deleted")
    assert await on.read(LEAD) == DONE
    assert on.snapshots[0].is_gone
    assert on.row(LEAD) is None


async def test_what_was_just_created_may_be_invisible_for_a_while() -> None:
    """It is asked for again, and nothing is emitted."""
    on = Desk(MISSING)
    on.pending(LEAD, "created", accepted_ms=NOW_MS - 1_000)
    assert await on.read(LEAD) == WorkResult(Verdict.RETRY, 1.0)
    row = on.row(LEAD)
    assert row is not None
    assert (row.attempts, row.not_before_ms) == (1, NOW_MS + 1_000)
    assert row.last_error.startswith("not visible yet")
    assert on.snapshots == []


async def test_a_lead_that_nobody_said_was_deleted_is_looked_for_in_the_trash() -> None:
    """Found there it is deleted; the second request says so."""
    on = Desk(MISSING, answer(200, {"lead": {"leadId": 77}}))
    on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    assert await on.read(LEAD) == DONE
    assert [one.url.rpartition("?")[2] for one in on.lofty.asked][1] == "withTrash=true"
    assert on.snapshots[0].is_gone


async def test_a_lead_that_may_be_none_of_the_team_is_not_parked() -> None:
    """Only a contact in GHL names it. It may be hidden, too, so nothing says that it was deleted."""
    on = Desk(MISSING, MISSING)
    on.pending(LEAD, accepted_ms=NOW_MS, may_be_unknown=True)
    assert await on.read(LEAD) == AGAIN
    assert await on.read(LEAD) == DONE
    assert (on.snapshots, on.parked, on.row(LEAD)) == ([], [], None)


HANGS_THERE = answer(200, {"note": {"noteId": 5, "leadId": 88}})
SURVIVOR = answer(200, {"lead": {"leadId": 88}})


@pytest.mark.parametrize(
    ("script", "is_merged"),
    [
        ([HANGS_THERE, MISSING, SURVIVOR], True),
        ([HANGS_THERE, answer(400, {"message": "no such id"}), SURVIVOR], True),
        ([HANGS_THERE, MISSING, MISSING], False),
        ([MISSING, MISSING], False),
        ([answer(200, {"note": {"noteId": 5, "leadId": 77}})], False),
    ],
)
async def test_a_lead_that_lofty_does_not_know_is_gone_if_what_hung_on_it_hangs_on_another(
    script: list[Scripted], is_merged: bool
) -> None:
    """A request at a time, and nothing is parked, whatever Lofty says."""
    on = Desk(MISSING, MISSING, *script)
    on.pending(LEAD, accepted_ms=NOW_MS, may_be_unknown=True, hanging=("note:5", "task:6"))
    ended = [await on.read(LEAD) for _ in range(2 + len(script))]
    assert ended == [*[AGAIN] * (1 + len(script)), DONE]
    assert [(one.entity, one.is_gone) for one in on.snapshots] == ([(LEAD, True)] if is_merged else [])
    assert (on.parked, on.row(LEAD), on.changes) == ([], None, [])
    wanted = ["GET /v1.0/notes/5", "GET /v2.0/tasks/6", "GET /v1.0/leads/88"]
    assert on.lofty.lines[2:] == wanted[: len(script)]


@pytest.mark.parametrize("hanging", [(), ("note:5",)])
async def test_where_another_lead_waits_for_the_answer_somebody_is_told_that_there_is_none(
    hanging: tuple[str, ...],
) -> None:
    """That one needs the contact: parked, also where what hung there tells nothing."""
    on = Desk(*[MISSING] * (2 + len(hanging)))
    on.pending(LEAD, accepted_ms=NOW_MS, may_be_unknown=True, hanging=hanging, origin="dependency")
    while await on.read(LEAD) != DONE:
        pass
    assert (on.snapshots, [one.reason for one in on.parked]) == ([], ["not visible"])
    assert on.lofty.script == []


async def test_a_lead_that_changes_while_what_hung_on_it_is_followed_is_read_again() -> None:
    """It may have come back."""
    on = Desk(MISSING, MISSING, HANGS_THERE, answer(200, {"lead": {"leadId": 77}}))
    on.pending(LEAD, may_be_unknown=True, hanging=("note:5",))
    for _ in range(3):
        assert await on.read(LEAD) == AGAIN
    on.pending(LEAD, generation=2)
    assert await on.read(LEAD) == DONE
    assert [one.is_gone for one in on.snapshots] == [False]


async def test_a_failure_while_what_hung_on_a_lead_is_followed_is_tried_again() -> None:
    """Lofty did not answer, so nothing follows from it."""
    on = Desk(MISSING, MISSING, Unanswered("GET", "https://x.test", "cut off"), HANGS_THERE, SURVIVOR)
    on.pending(LEAD, may_be_unknown=True, hanging=("note:5",))
    verdicts = [(await on.read(LEAD)).verdict for _ in range(5)]
    assert verdicts == [Verdict.AGAIN, Verdict.AGAIN, Verdict.RETRY, Verdict.AGAIN, Verdict.DONE]
    assert [(one.entity, one.is_gone) for one in on.snapshots] == [(LEAD, True)]


async def test_a_lead_that_is_not_in_the_trash_either_is_parked_and_not_deleted() -> None:
    """It may be hidden from the key's owner, and the policy may be to delete."""
    on = Desk(MISSING, MISSING)
    on.pending(LEAD)
    await on.read(LEAD)
    assert await on.read(LEAD) == DONE
    assert on.snapshots == []
    assert [(one.stage, one.reason) for one in on.parked] == [("fetch", "not visible")]
    assert "hidden" in on.parked[0].message
    row = on.row(LEAD)
    assert row is not None
    assert row.parked == "not visible"


@pytest.mark.parametrize("only_moved", [False, True])
async def test_a_note_that_names_another_lead_is_gone_here_and_a_change_there(only_moved: bool) -> None:
    """Lofty has merged the two leads, or somebody has moved it."""
    on = Desk(answer(200, {"note": {"noteId": 5, "leadId": 88, "content": "x"}}))
    on.pending(NOTE, only_moved=only_moved)
    assert await on.read(NOTE) == DONE
    assert [(one.lead, one.state) for one in on.snapshots] == [("77", None)]
    assert [(one.entity, one.operation, one.origin) for one in on.changes] == [
        (NOTE._replace(lead="88"), "updated", "dependency")
    ]
    assert on.row(NOTE) is None


@pytest.mark.parametrize(
    "says", [answer(200, {"note": {"noteId": 5, "leadId": 77}}), answer(404, {"code": 20007, "message": "NOT_EXIST"})]
)
async def test_what_hung_on_a_lead_that_is_gone_and_did_not_move_stays_as_it_is(says: Response) -> None:
    """By policy the contact of a deleted lead keeps its notes."""
    on = Desk(says)
    on.pending(NOTE, only_moved=True)
    assert await on.read(NOTE) == DONE
    assert (on.snapshots, on.changes, on.row(NOTE)) == ([], [], None)


@pytest.mark.parametrize("lead", [None, 0, "", -1, 77, "77", [88]])
async def test_a_note_that_names_no_other_lead_is_where_we_know_it(lead: object) -> None:
    """Lofty writes 0 and -1 for none."""
    on = Desk(answer(200, {"note": {"noteId": 5, "leadId": lead}}))
    on.pending(NOTE)
    assert await on.read(NOTE) == DONE
    assert [one.lead for one in on.snapshots if one.state] == ["77"]


async def test_a_note_that_is_not_there_is_gone() -> None:
    """Notes have no trash."""
    on = Desk(answer(404, {"code": 20007, "message": "RESOURCE_NOT_EXIST"}))
    on.pending(NOTE)
    assert await on.read(NOTE) == DONE
    assert on.snapshots[0].is_gone


@pytest.mark.parametrize("page", [answer(404, {"message": "Not Found"}), Response(404, {}, b"<html>404 nginx</html>")])
async def test_a_404_that_names_nothing_deletes_no_note(page: Response) -> None:
    """A proxy's page: the note would be deleted in GHL, with all that people have done with it."""
    on = Desk(page)
    on.pending(NOTE)
    assert await on.read(NOTE) == DONE
    assert on.snapshots == []
    assert [(one.stage, one.reason) for one in on.parked] == [("fetch", "unexplained 404")]


async def test_a_404_that_names_nothing_confirms_a_deletion_that_was_announced() -> None:
    """Two say so then."""
    on = Desk(answer(404, {"message": "Not Found"}))
    on.pending(NOTE, "deleted")
    assert await on.read(NOTE) == DONE
    assert on.snapshots[0].is_gone


# -- failures ----------------------------------------------------------------------------------------------

PASSING: list[Scripted] = [
    answer(500, {"message": "BaseApplicationException:errorCode=20005,errorMsg=There is an internal error happened"}),
    answer(503),
    answer(408),
    Unanswered("GET", "https://x.test/v1.0/leads/77", "TimeoutError"),
    NotSent("GET", "https://x.test/v1.0/leads/77", "ClientConnectorError"),
    Response(200, {}, b"<html>a firewall's page</html>"),
]


@pytest.mark.parametrize("failure", PASSING, ids=lambda one: str(getattr(one, "status", None) or type(one).__name__))
async def test_what_passes_is_waited_for_longer_each_time(failure: Scripted) -> None:
    """Exponential backoff of this entity alone; the budget goes on."""
    on = Desk(failure, failure)
    on.pending(LEAD)
    waits = [(await on.read(LEAD)).wait_seconds for _ in range(2)]
    row = on.row(LEAD)
    assert row is not None
    assert waits == [1.0, 2.0]
    assert (row.attempts, row.parked) == (2, "")
    assert row.last_error
    assert on.pauses == []
    assert on.slot.told == [not isinstance(failure, NotSent)] * 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "17"}, 17.0), ({"x-ratelimit-reset": "21000"}, 21.0), ({}, WINDOW_SECONDS)],
    ids=["Retry-After", "reset", "neither"],
)
async def test_a_429_pauses_the_budget_for_as_long_as_the_vendor_says(headers: dict[str, str], seconds: float) -> None:
    """The entity keeps its place, and no attempt is counted."""
    on = Desk(answer(429, {"message": "Too Many Requests"}, headers))
    before = on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    assert [(budget, wait) for budget, wait, _ in on.pauses] == [("key-1", seconds)]
    assert on.row(LEAD) == before


@pytest.mark.parametrize(
    "failure",
    [
        answer(401, {"message": "BAD_CREDENTIALS"}),
        answer(400, {"code": 200058, "message": "User in token does not exist."}),
        answer(403, {"code": 200100, "message": "Sorry, the vendor does not have permission for this API."}),
        answer(401, {"message": "Access token expired"}),
    ],
    ids=["401", "wrong scheme", "scope", "expired"],
)
async def test_a_refused_key_pauses_the_budget(failure: Response) -> None:
    """No request of it can succeed; nothing is parked, as nothing is wrong with the lead."""
    on = Desk(failure)
    on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    assert [(budget, wait) for budget, wait, _ in on.pauses] == [("key-1", PAUSE_SECONDS)]
    assert on.parked == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (answer(400, {"code": 20012, "message": "INVALID_PARAMETER"}), "refused"),
        (answer(400, {"code": 20017, "message": "PERMISSION_DENIED"}), "permission denied"),
        (answer(403, "PERMISSION_DENIED"), "permission denied"),
    ],
)
async def test_a_refusal_for_good_parks_the_read_with_the_vendors_words(failure: Response, reason: str) -> None:
    """One lead that is not ours to see stops nobody else."""
    on = Desk(failure)
    before = on.pending(LEAD)
    assert await on.read(LEAD) == DONE
    (parked,) = on.parked
    assert (parked.reason, parked.entity, parked.status) == (reason, LEAD.key, failure.status)
    assert FetchRow.from_bytes(parked.original_bytes()) == before
    row = on.row(LEAD)
    assert row is not None
    assert row.parked == reason
    assert on.pauses == []


async def test_a_read_that_changed_while_it_was_refused_is_not_parked() -> None:
    """Its newer change has its own attempt; the refusal is reported all the same."""

    def meanwhile() -> Response:
        on.pending(LEAD, generation=2)
        return answer(400, {"code": 20012, "message": "INVALID_PARAMETER"})

    on = Desk(meanwhile)
    on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    row = on.row(LEAD)
    assert row is not None
    assert (row.generation, row.parked) == (2, "")
    assert len(on.parked) == 1


async def test_a_backoff_keeps_what_a_newer_change_has_merged() -> None:
    """Attempts are counted on the row as it is now."""

    def meanwhile() -> Response:
        on.pending(LEAD, generation=2)
        return answer(500)

    on = Desk(meanwhile)
    on.pending(LEAD)
    assert (await on.read(LEAD)).verdict is Verdict.RETRY
    row = on.row(LEAD)
    assert row is not None
    assert (row.generation, row.attempts) == (2, 1)


@pytest.mark.parametrize("size", [DEFAULT.state, 900_000, 2_000_000])
async def test_a_state_that_no_row_can_hold_is_parked_with_its_size(size: int) -> None:
    """Its row in the outbox would be larger than it is, and the worker would end over and over."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "picture": "x" * size}}))
    on.pending(LEAD)
    assert await on.read(LEAD) == DONE
    (parked,) = on.parked
    row = on.row(LEAD)
    assert on.snapshots == []
    assert (parked.reason, parked.entity) == ("too large", LEAD.key)
    assert (parked.original_size or len(parked.original_bytes())) > size
    assert row is not None
    assert row.parked == "too large"


async def test_the_largest_state_that_a_row_can_hold_is_emitted() -> None:
    """A kilobyte below the limit."""
    on = Desk(answer(200, {"lead": {"leadId": 77, "picture": "x" * (DEFAULT.state - 1024)}}))
    on.pending(LEAD)
    assert await on.read(LEAD) == DONE
    assert len(on.snapshots) == 1


FORBIDDEN = answer(403, {"message": "Forbidden"})
LEAD_OF = {"lead": {"leadId": 77, "lastUpdateTime": "2026-04-30T17:33:32GMT"}}


@pytest.mark.parametrize("status", [402, 403, 451])
async def test_a_lead_that_this_key_may_not_see_is_parked_and_the_budget_goes_on(status: int) -> None:
    """Other leads are read meanwhile, so it is about this one."""
    refused = answer(status, {"message": "Forbidden"})
    on = Desk(refused, answer(200, LEAD_OF), refused, refused)
    foreign = Entity.contact("acme", "88")
    on.pending(foreign)
    on.pending(LEAD)
    assert (await on.read(foreign)).verdict is Verdict.RETRY
    assert await on.read(LEAD) == DONE
    assert (await on.read(foreign)).verdict is Verdict.RETRY
    assert await on.read(foreign) == DONE
    assert on.pauses == []
    row = on.row(foreign)
    assert row is not None
    assert row.parked == "forbidden"


async def test_several_forbidden_leads_in_a_row_pause_the_budget_and_none_is_parked() -> None:
    """The key itself may have lost its access."""
    leads = [Entity.contact("acme", str(number)) for number in range(4)]
    on = Desk(*[FORBIDDEN] * len(leads))
    for lead in leads:
        on.pending(lead)
    verdicts = [(await on.read(lead)).verdict for lead in leads]
    assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.AGAIN, Verdict.AGAIN]
    assert [(budget, wait) for budget, wait, _ in on.pauses] == [("key-1", PAUSE_SECONDS)] * 2
    assert all((row := on.row(lead)) is not None and not row.parked for lead in leads)


async def test_a_lead_alone_that_is_forbidden_is_tried_and_then_pauses() -> None:
    """Nothing shows whether it is about this lead: nothing is parked on a guess."""
    on = Desk(*[FORBIDDEN] * 3)
    on.pending(LEAD)
    verdicts = [(await on.read(LEAD)).verdict for _ in range(3)]
    assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.AGAIN]
    assert len(on.pauses) == 1


async def test_a_403_that_names_the_token_pauses_at_once() -> None:
    """It says itself what it is about."""
    on = Desk(answer(403, {"message": "The token lacks the scope"}))
    on.pending(LEAD)
    assert await on.read(LEAD) == AGAIN
    assert len(on.pauses) == 1


# -- bursts -----------------------------------------------------------------------------------------------


def burst(on: Desk, *entities: Entity, **more: Any) -> None:
    """What webhooks report of them at once."""
    for entity in entities:
        on.pending(entity, **more)
        on.settling.changed(entity, (), 0.0)


def listed_note(number: int, content: str = "Called") -> dict[str, Any]:
    """As the list has it, and a read alone."""
    return {"noteId": number, "leadId": 77, "content": content, "lastUpdateTime": "2026-04-30T17:33:32GMT"}


NOTES = [Entity("acme", "77", "note", str(number)) for number in (5, 6, 8)]


async def test_a_read_waits_until_its_burst_has_ended() -> None:
    """No request is spent meanwhile, and it stays pending."""
    on = Desk(answer(200, {"lead": {"leadId": 77}}))
    on.pending(LEAD)
    on.waits[LEAD.key] = 3.5
    assert await on.read(LEAD) == WorkResult.retry(3.5)
    assert not on.lofty.asked
    assert on.row(LEAD) is not None
    del on.waits[LEAD.key]
    assert await on.read(LEAD) == DONE
    assert len(on.lofty.asked) == 1


async def test_notes_of_one_burst_are_read_by_one_list() -> None:
    """One list, one read that shows once a day that lists hold all; the others are answered by it."""
    notes = [listed_note(5), listed_note(6), listed_note(8)]
    on = Desk(answer(200, {"notes": notes, "_metadata": {"total": 3}}), answer(200, {"note": notes[0]}))
    burst(on, *NOTES)
    assert await on.read(NOTES[0]) == AGAIN
    assert [await on.read(note) for note in NOTES] == [DONE, DONE, DONE]
    assert len(on.lofty.asked) == 2
    assert [one.id for one in on.snapshots] == ["5", "6", "8"]
    assert not any(on.row(note) for note in NOTES)


async def test_what_the_list_does_not_hold_is_read_alone() -> None:
    """One that is not listed, one that changed while the list was under way, and one whose deletion was reported."""
    notes = [listed_note(5), listed_note(6)]
    on = Desk(
        answer(200, {"notes": notes, "_metadata": {"total": 2}}),
        *(answer(200, {"note": listed_note(number, "now")}) for number in (5, 6)),
        MISSING,
    )
    burst(on, *NOTES[:2])
    burst(on, NOTES[2], operation="deleted")
    assert await on.read(NOTES[0]) == AGAIN
    for note in NOTES[:2]:
        on.pending(note, generation=2)
    assert [await on.read(note) for note in NOTES] == [DONE, DONE, DONE]
    assert len(on.lofty.asked) == 4
    assert [one.state and one.state["content"] for one in on.snapshots] == ["now", "now", None]


async def test_one_note_alone_needs_no_list() -> None:
    """Nor do several of which no burst is known."""
    on = Desk(*(answer(200, {"note": listed_note(number)}) for number in (5, 6, 8)))
    burst(on, NOTES[0])
    assert await on.read(NOTES[0]) == DONE
    on.pending(NOTES[1])
    on.pending(NOTES[2])
    assert [await on.read(note) for note in NOTES[1:]] == [DONE, DONE]


async def test_a_list_that_fails_costs_one_request() -> None:
    """Then each is read alone, and that says what is wrong."""
    on = Desk(answer(500, {}), *(answer(200, {"note": listed_note(number)}) for number in (5, 6)))
    burst(on, *NOTES[:2])
    assert [await on.read(NOTES[0]) for _ in range(2)] == [AGAIN, DONE]
    assert await on.read(NOTES[1]) == DONE
    assert len(on.lofty.asked) == 3


async def test_lists_that_hold_less_are_asked_for_no_more() -> None:
    """What a read alone showed once counts for the day."""
    cut = [{**listed_note(number), "content": "Cal"} for number in (5, 6)]
    on = Desk(
        answer(200, {"notes": cut, "_metadata": {"total": 2}}),
        *(answer(200, {"note": listed_note(number)}) for number in (5, 6, 5, 6)),
    )
    for _ in range(2):
        burst(on, *NOTES[:2])
        while any(on.row(note) for note in NOTES[:2]):
            for note in NOTES[:2]:
                await on.read(note)
    assert len(on.lofty.asked) == 5
    assert {one.state["content"] for one in on.snapshots if one.state} == {"Called"}


async def test_only_reads_that_webhooks_asked_for_are_answered_by_the_list_of_a_burst() -> None:
    """One that was asked for whether it moved since, or that failed before, is read alone: no list is spent on it."""
    on = Desk(answer(200, {"note": listed_note(5)}))
    burst(on, *NOTES)
    on.pending(NOTES[1], generation=2, only_moved=True)
    on.pending(NOTES[2], generation=2, attempts=1)
    assert await on.read(NOTES[0]) == DONE
    assert [line.split("/")[-1] for line in on.lofty.lines] == ["5"]
