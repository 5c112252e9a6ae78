"""Two leads with one contact that change, are merged or deleted at the same moment, in many random orders.

Edits, reads, plans, requests and receipts of the two run side by side, each delayed at random; `deliver`, `record` and the writer are
the real ones. Whatever the order, the end is the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from connectors.http.request import Request, Response
from streams.core.fingerprint import field_hash, fingerprint
from streams.core.rows import LinkRow, OutboxRow
from streams.core.scheduling.dispatcher import Verdict
from streams.core.to_ghl.directory import Directory
from streams.messages import Conflict, Entity, Snapshot
from streams.worker.agents.deliver import deliver
from streams.worker.agents.desired_states import DesiredStates
from streams.worker.agents.record import record
from tests.unit.streams.worker.dispatch.stage import NOW_MS, PARTITION, RECEIPTS, SNAPSHOTS, TakenSlot, answer, item_of
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

ANN, BEN, CY = (Entity.contact("acme", lead) for lead in ("1", "2", "3"))
MAIL, LOFTY_ID = "home@x.test", "custom:f-lead"
ORDERS = 60


class Contact:
    """The one contact, as GHL has it."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {"firstName": "Ann", "email": MAIL, "city": "Austin", LOFTY_ID: "1"}
        self.tags = {"buyer", "golf"}
        self.is_deleted = False

    def take(self, request: Request) -> Response:
        """Carry one request."""
        body = orjson.loads(request.body or b"{}")
        path = request.url.removeprefix("https://x.test")
        if (request.method, path) == ("POST", "/contacts/"):
            assert not self.is_deleted, "a contact of its own"
            assert body["email"] == self.fields["email"]
            meta = {"contactId": "c-1", "matchingField": "email"}
            return answer(400, {"message": "This location does not allow duplicated contacts.", "meta": meta})
        assert path.startswith("/contacts/c-1"), f"nobody expected {request.method} {path}"
        if self.is_deleted:
            return answer(400, {"message": "Contact not found for id: c-1"})
        match request.method, path.endswith("/tags"):
            case "GET", False:
                return answer(200, {"contact": self.shown()})
            case "POST", True:
                self.tags |= {*body["tags"]}
            case "DELETE", True:
                self.tags -= {*body["tags"]}
            case "DELETE", False:
                self.is_deleted = True
            case "PUT", False:
                custom = {f"custom:{one['id']}": one["field_value"] for one in body.pop("customFields", ())}
                self.fields |= {name: value for name, value in (body | custom).items() if value not in (None, "")}
                for name in (name for name, value in (body | custom).items() if value in (None, "")):
                    self.fields.pop(name, None)
        return answer(200, {"contact": {"id": "c-1"}})

    def shown(self) -> dict[str, Any]:
        """As GHL shows it."""
        custom = [{"id": "f-lead", "value": self.fields[LOFTY_ID]}]
        own = {name: value for name, value in self.fields.items() if name != LOFTY_ID}
        return {"id": "c-1", **own, "customFields": custom, "tags": sorted(self.tags)}


class Race(WriterStage):
    """Ann's contact is shared by Ben and Cy. `lofty` is what Lofty has; None is a lead that is gone."""

    def __init__(self, seed: int) -> None:
        super().__init__(directory=Directory(custom_fields={"lofty lead id": "f-lead"}))
        self.random = random.Random(seed)
        self.contact = Contact()
        self.lofty: dict[Entity, dict[str, Any] | None] = {
            ANN: {"leadId": 1, "firstName": "Ann", "emails": [MAIL], "city": "Austin", "tags": [{"tagName": "Buyer"}]},
            BEN: {"leadId": 2, "firstName": "Ben", "emails": [MAIL]},
            CY: {"leadId": 3, "firstName": "Cy", "emails": [MAIL]},
        }
        self.edited_ms = dict.fromkeys(self.lofty, NOW_MS - 1000)
        self.tasks: set[asyncio.Task[None]] = set()
        self.lanes: dict[str, asyncio.Lock] = {}
        self.ghl = SimpleNamespace()  # type: ignore[assignment]  # the contact answers, by no script
        location = self.identities.holders.locations["acme"]
        location.client._transport = self._request  # a double of the network
        desired = DesiredStates(self.outbox, self.links, self._settled_as, lambda _: 7, lambda _: None, self.offer)
        deliverer = deliver(
            desired=desired,
            output=self.output,
            receipts_topic=RECEIPTS,
            snapshots_topic="lofty.snapshots",
            count=lambda *_: None,
        )
        recorder = record(
            links=self.links,
            outbox=self.outbox,
            output=self.output,
            settled_as=self._settled_as,
            request_read=self._request_read,
            applied_offsets=self.applied_offsets,
            follower=self,
            sharing=self,
            count_left_out=lambda *_: None,
        )
        self.log.read_by = {RECEIPTS: self._slowly(recorder), SNAPSHOTS: self._slowly(deliverer)}
        self._share()

    def _share(self) -> None:
        written = {"firstName": "Ann", "email": MAIL, "city": "Austin", LOFTY_ID: "1"}
        fields = {name: field_hash(value) for name, value in written.items()}
        settled = {one: f"{fingerprint(state)}/mapping" for one, state in self.lofty.items()}
        conflict = {"email": Conflict(hash=field_hash(MAIL), contact_id="c-1", lead=ANN.key)}
        known: dict[str, Any] = {"ghl_id": "c-1", "version_ms": NOW_MS - 1000}
        rows = {ANN: LinkRow(**known, fields=fields, tags=("buyer",), settled=settled[ANN])} | {
            one: LinkRow(**known, shares=ANN.key, conflicts=conflict, settled=settled[one]) for one in (BEN, CY)
        }
        for entity, link in rows.items():
            self.links.put(PARTITION, entity.key, link)
            self.identities.linked(PARTITION, entity, link)

    def _settled_as(self, snapshot: Snapshot) -> str:
        return f"{snapshot.fingerprint}/mapping"

    # -- time ---------------------------------------------------------------------------------------------

    async def wait(self) -> None:
        """A moment of any length."""
        for _ in range(self.random.choice((0, 1, 3, 10, 40))):
            await asyncio.sleep(0)

    def start(self, work: Awaitable[None]) -> None:
        """Something that goes on beside the rest."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)

    def _slowly(self, process: Callable[[list[Any]], Awaitable[None]]) -> Callable[[list[Any]], Awaitable[None]]:
        """A consumer that reads in order, and late."""
        turn = asyncio.Lock()

        async def read(messages: list[Any]) -> None:
            async with turn:
                await self.wait()
                await process(messages)

        return read

    async def end(self) -> None:
        """Until nothing goes on, and nothing waits."""
        for _ in range(2000):
            await asyncio.sleep(0)
            for task in [task for task in self.tasks if task.done()]:
                self.tasks.remove(task)
                task.result()
            if not self.tasks and not self.log._reading:
                return
            if self.tasks:
                await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        raise AssertionError("no end")

    # -- Lofty --------------------------------------------------------------------------------------------

    async def change(self, entity: Entity, at_ms: int, state: dict[str, Any] | None) -> None:
        """An edit, and its webhook."""
        await self.wait()
        self.lofty[entity] = state
        if self.random.random() < 0.5:  # not every edit moves a lead's own time
            self.edited_ms[entity] = at_ms
        await self._read(entity, at_ms)

    def _request_read(
        self, entity: Entity, update_time_ms: int, *, only_moved: bool = False, is_known_gone: bool = False
    ) -> asyncio.Future[int]:
        self.start(self._read(entity, update_time_ms))
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asked.set_result(0)
        return asked

    async def _read(self, entity: Entity, update_time_ms: int) -> None:
        """A read, and its snapshot. A lead's own time counts if it is later."""
        await self.wait()
        state = self.lofty[entity]
        version_ms = max(update_time_ms, self.edited_ms[entity] if state is not None else 0)
        times: dict[str, Any] = dict.fromkeys(("read_ms", "update_time_ms", "accepted_ms"), version_ms)
        snapshot = Snapshot(
            **entity._asdict(), state=state, version_ms=version_ms, fingerprint=fingerprint(state), **times
        )
        message = SimpleNamespace(topic=SNAPSHOTS, partition=PARTITION, offset=0, key=entity.key.encode())
        message.value = snapshot.to_bytes()
        await self.log.read_by[SNAPSHOTS]([message])

    # -- GHL ----------------------------------------------------------------------------------------------

    def offer(self, row: OutboxRow) -> None:
        """A state is due."""
        self.start(self._work(row.snapshot.entity))

    async def _work(self, entity: Entity) -> None:
        async with self.lanes.setdefault(entity.lane, asyncio.Lock()):
            for _ in range(60):
                await self.wait()
                result = await self.writer(item_of(entity), TakenSlot())
                if result.verdict is not Verdict.AGAIN:
                    assert result.verdict is Verdict.DONE, result
                    return
            raise AssertionError(f"no end: {self.story}")

    async def _request(self, request: Request) -> Response:
        await self.wait()
        response = self.contact.take(request)
        await self.wait()
        return response

    def link(self, entity: Entity) -> LinkRow:
        """What is known of a lead."""
        return self.links.get(PARTITION, entity.key) or LinkRow()

    def open(self) -> list[str]:
        """What is not settled."""
        waiting = [key for key, _ in self.outbox.items(PARTITION)]
        return waiting + [one.key for one in self.lofty if not self.link(one).settled]


def edited(on: Race, entity: Entity) -> dict[str, Any]:
    """A lead with another name."""
    state = on.lofty[entity]
    assert state is not None
    return {**state, "lastName": f"Roe{on.random.randrange(100)}"}


@pytest.mark.parametrize("heirs", [1, 2])
async def test_a_contact_whose_lead_is_gone_is_taken_over_by_one_that_shares_it_in_whatever_order(heirs: int) -> None:
    """Nothing that was written for the one that is gone stays, and what a person added does."""
    for seed in range(ORDERS):
        on = Race(seed)
        for moment in range(on.random.randrange(1, 4)):
            on.start(on.change(BEN, NOW_MS + moment, edited(on, BEN)))
        on.start(on.change(CY, NOW_MS, edited(on, CY) if heirs == 2 else None))
        on.start(on.change(ANN, NOW_MS, None))
        await on.end()
        writers = [one for one in on.lofty if on.link(one).ghl_id == "c-1" and not on.link(one).shares]
        assert (len(writers), on.open()) == (1, []), f"order {seed}: {writers}, {on.story}"
        lead = on.lofty[writers[0]]
        assert lead is not None, f"order {seed}"
        wanted = {"firstName": lead["firstName"], "email": MAIL, LOFTY_ID: writers[0].lead}
        found = {name: value for name, value in on.contact.fields.items() if name != "lastName"}
        assert (found, on.contact.tags) == (wanted, {"golf"}), f"order {seed}: {on.story}"


@pytest.mark.parametrize("policy", ["tag", "delete"])
async def test_leads_with_one_contact_that_are_all_deleted_leave_it_as_the_policy_says(policy: Any) -> None:
    """In whatever order: the last one to go tags it, or deletes it."""
    for seed in range(ORDERS):
        on = Race(seed)
        location = on.identities.holders.locations["acme"]
        object.__setattr__(location.rules, "lead_deleted", policy)
        leads = [ANN, BEN, CY]
        on.random.shuffle(leads)
        for entity in leads:
            on.start(on.change(entity, NOW_MS + on.random.randrange(3), None))
        await on.end()
        assert on.open() == [], f"order {seed}: {on.story}"
        is_as_wanted = on.contact.is_deleted if policy == "delete" else "lofty-deleted" in on.contact.tags
        assert is_as_wanted, f"order {seed}: {on.story}"
