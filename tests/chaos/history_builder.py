"""Honest histories, made in no time: the real sandboxes and the product's own decisions, on a clock that jumps.

A little town of two connections, whose workers may be killed and whose vendors may misbehave. In the west appointments stand
in a calendar. What is honest here is the
order of things: one request a lane, intent before create, receipt after, a fence before a worker's first request.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

from connectors.errors import ConnectorError, VendorError
from connectors.outcome import Disposition, classify
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.core.fingerprint import fingerprint
from streams.core.rows import Candidate, LinkRow, OutboxRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.lead_opportunity import news_of_opportunity, opportunity_of
from streams.core.to_ghl.plan import FOUND_BY, UNKNOWN, Blocked, Call, NotBefore, Settled, Stuck, doubt
from streams.core.to_ghl.planning import Rules, doubts, prepare
from streams.mapping import StageTable
from streams.messages import Entity, Outcome, Parked, Receipt, Snapshot
from streams.messages.fence import Fence
from streams.settings import Connection, parse_settings
from streams.settings.partitions import ConnectionPartitions
from streams.worker.dispatch.ghl_calls import perform
from tests.chaos.history import KILLED, Deed, Edit, Event, Fenced, History, Received, Stray
from tests.chaos.history.nothing_stale import STAMP
from tests.chaos.history.wanted import directory_of
from tests.chaos.history_clockwork import Clockwork, sleep
from tests.chaos.history_vendors import LAG_SECONDS, LIMIT, WINDOW_SECONDS, Vendors

CONFIG = """
[kafka]
partitions = 4
[connections.east.lofty]
team_id = "9000"
budget = "shared"
[connections.east.ghl]
location_id = "loc0"
[[connections.east.stages]]
lofty = "Showing"
pipeline = "Buyers"
stage = "Talking"
[[connections.east.stages]]
lofty = "Closed"
pipeline = "Buyers"
stage = "Done"
status = "won"
[connections.west.lofty]
team_id = "9001"
budget = "shared"
[connections.west.ghl]
location_id = "loc1"
[connections.west.appointments]
calendar = "calendar"
"""
SESSION_SECONDS = 3.0
TURN_SECONDS = 0.1
"""Between two requests of a lane."""
PACE_SECONDS = 0.022
"""Between two requests of a budget: it comes near its limit, and never has more than two in flight."""


class Town:
    """Everything that is, and the history so far. Its clock stands until `history` (or `clockwork.run`)."""

    def __init__(self) -> None:
        self.clockwork = clockwork = Clockwork(1_780_000_000.0)
        self.outbox: dict[Entity, OutboxRow] = {}
        self.links: dict[Entity, LinkRow] = {}
        self._sent: dict[Entity, dict[str, str]] = {}
        self.receipts: list[Received] = []
        self.fences: list[Fenced] = []
        self.nemesis: list[Event] = []
        self.edits: list[Edit] = []
        self.deeds: list[Deed] = []
        self.strays: list[Stray] = []
        self.parked: list[Parked] = []
        self.owners: dict[int, str] = {}
        self._lanes: dict[tuple[str, str], str] = {}
        self._offsets: Counter[int] = Counter()
        self._workers = 2
        self._turns: dict[str, float] = {}
        self.settings = parse_settings(CONFIG, {})
        self.places = ConnectionPartitions(self.settings)
        self.vendors = Vendors(self.settings, clockwork)
        for partition in range(self.settings.kafka.partitions):
            self._gain(partition, f"w{partition % 2}")
        self.clockwork.now += 1.0

    # -- what a history is made of -----------------------------------------------------------------------------

    def edit(self, connection: str, **given: Any) -> int:
        """An agent edits; the change is read and carried. Returns the record's id."""
        team = self.vendors.lofty.teams[int(self.settings.connections[connection].lofty.team_id)]
        record = desk_work.edit(self.vendors.lofty, team, given)
        team.outbox.clear()
        kind = "contact" if record.kind == "lead" else record.kind
        entity = Entity(connection, str(record.lead_id), kind, str(record.id))
        stamps = [int(one) for text in given.get("fields", {}).values() for one in STAMP.findall(str(text))]
        if stamps or given["edit"] == "delete":
            self.edits.append(Edit(self.clockwork.now, entity, max(stamps, default=0)))
        self.clockwork.resume("agents", self._carry(entity, record))
        return record.id

    def outage(self, began: float) -> None:
        """Kafka was away from then until now."""
        self.deeds.append(Deed("kafka killed", began, self.clockwork.now, {"it did not answer": 1}, is_outage=True))

    def stray(self) -> None:
        """Somebody puts garbage on a topic; it is parked."""
        self.deeds.append(Deed("strays", self.clockwork.now, self.clockwork.now, {"given": 1}))
        self.strays.append(Stray("garbage", "a-stray-1", "lofty.changes/0@7"))
        raw = b"\xff a-stray-1"
        self.parked.append(
            Parked(
                stage="dedupe",
                reason="unreadable",
                message="no JSON",
                at_ms=int(1000 * self.clockwork.now),
                source="lofty.changes/0@7",
                original=Parked.encode(raw),
            )
        )

    def kill(self, after_seconds: float) -> None:
        """A worker dies, and after the session timeout another has what was his."""
        self.clockwork.resume("nemesis", self._kill(after_seconds))

    def history(self) -> History:
        """Let everything come to rest, and look."""
        self.clockwork.run()
        names = self.settings.connections
        return History(
            configs=(CONFIG,),
            ghl=deepcopy(self.vendors.ghl.ledger.after()),
            lofty=deepcopy(self.vendors.lofty.ledger.after()),
            limits=dict.fromkeys(("loc0", "loc1", "9000", "9001"), (LIMIT, WINDOW_SECONDS)),
            leads={
                name: deepcopy(desk_work.everything(self.vendors.lofty.teams[int(one.lofty.team_id)], with_trash=True))
                for name, one in names.items()
            },
            contacts={name: deepcopy(self.vendors.standing(one)) for name, one in names.items()},
            receipts=list(self.receipts),
            fences=list(self.fences),
            nemesis=list(self.nemesis),
            edits=list(self.edits),
            planned=[one.act for one in self.deeds],
            deeds=list(self.deeds),
            strays=list(self.strays),
            parked=list(self.parked),
            listed=[],
            silences=[],
        )

    # -- owners -------------------------------------------------------------------------------------------------

    def _gain(self, partition: int, worker: str) -> None:
        self.owners[partition] = worker
        epoch = int(1000 * self.clockwork.now)
        fence = Fence(worker=worker, epoch=epoch, at_ms=epoch)
        self.fences.append(Fenced(partition, self._next(partition), fence))

    def _next(self, partition: int) -> int:
        self._offsets[partition] += 1
        return self._offsets[partition]

    async def _kill(self, after_seconds: float) -> None:
        await sleep(after_seconds)
        living = [one for one in self.owners.values() if one not in self.clockwork.dead]
        if not living:
            return
        victim = living[0]
        self.clockwork.dead.add(victim)
        self.nemesis.append(Event(KILLED, victim, self.clockwork.now))
        left = {lane: worker for lane, worker in self._lanes.items() if worker == victim}
        await sleep(SESSION_SECONDS)
        heir = f"w{self._workers}"
        self._workers += 1
        for partition in [number for number, owner in self.owners.items() if owner == victim]:
            self._gain(partition, heir)
        await sleep(0.1)
        for row in list(self.outbox.values()):
            entity = row.snapshot.entity
            lane = (entity.connection, entity.lead)
            if lane in left and (link := self.links.get(entity)) and link.ghl_id:
                before = row.model_copy(update={"before": (row.snapshot, *row.before)})
                facts = doubts(before, self._rules(entity.connection), self._directory(entity.connection), link)
                self._receipt(row, "doubtful", "compare", **facts)
        for lane in left:
            del self._lanes[lane]
        for connection, lead in {(one.connection, one.lead) for one in self.outbox}:
            self._begin(connection, lead)

    # -- the pipeline --------------------------------------------------------------------------------------------

    async def _carry(self, entity: Entity, record: Any) -> None:
        """Read one entity from Lofty, and make it the desired state."""
        connection = self.settings.connections[entity.connection]
        await self._turn(connection.lofty_budget)
        while (reader := self.owners[self.places.lofty(connection)]) in self.clockwork.dead:
            await sleep(TURN_SECONDS)
            await self._turn(connection.lofty_budget)
        await self.vendors.read(reader, connection, entity)
        state = None if record.is_deleted else deepcopy(record.fields)
        at_ms = int(1000 * self.clockwork.now)
        times = {"read_ms": at_ms, "update_time_ms": record.updated_ms, "accepted_ms": at_ms}
        snapshot = Snapshot(
            **entity._asdict(), state=state, version_ms=record.updated_ms, fingerprint=fingerprint(state), **times
        )
        earlier = self.outbox.get(entity)
        if earlier is None or earlier.snapshot.version_ms <= snapshot.version_ms:
            before = () if earlier is None else (*earlier.before, earlier.snapshot)
            self.outbox[entity] = OutboxRow(snapshot=snapshot, before=before)
            self._put_opportunity(snapshot, connection)
        self._begin(entity.connection, entity.lead)

    def _put_opportunity(self, lead: Snapshot, connection: Connection) -> None:
        """The lead's stage has a pair, or had one: its opportunity is written, too."""
        if lead.kind != "contact" or not connection.stages:
            return
        entity = opportunity_of(lead.entity)
        row, link = self.outbox.get(entity), self.links.get(entity)
        news = news_of_opportunity(lead, StageTable(connection.stages), row, link, "map")
        if news is not None:
            before = () if row is None else (*row.before, row.snapshot)
            self.outbox[entity] = OutboxRow(snapshot=news, before=before)

    def _begin(self, connection: str, lead: str) -> None:
        worker = self.owners[self.places.ghl_of(connection)]
        if (connection, lead) not in self._lanes and worker not in self.clockwork.dead:
            self._lanes[connection, lead] = worker
            self.clockwork.resume(worker, self._lane(worker, connection, lead))

    async def _lane(self, worker: str, connection: str, lead: str) -> None:
        """All work of one contact, one request at a time, the contact first."""
        while due := [one for one in self.outbox if (one.connection, one.lead) == (connection, lead)]:
            await self._deliver(worker, min(due, key=lambda one: one.kind != "contact"))
            await sleep(TURN_SECONDS)
        del self._lanes[connection, lead]

    async def _turn(self, budget: str) -> None:
        """Wait until a budget may start its next request."""
        at = self._turns[budget] = max(self._turns.get(budget, 0.0), self.clockwork.now) + PACE_SECONDS
        await sleep(at - self.clockwork.now)

    async def _deliver(self, worker: str, entity: Entity) -> None:
        await self._turn(self.settings.connections[entity.connection].ghl_budget)
        row = self.outbox[entity]
        prepared = prepare(row, self._rules(entity.connection), self._directory(entity.connection))
        link = self.links.get(entity)
        match prepared.plan(link, self.links.get(entity.owner), int(1000 * self.clockwork.now)):
            case Settled():
                self._receipt(row, "unchanged", "compare", settled=f"{row.snapshot.fingerprint}/map")
                if self.outbox[entity] is row:
                    del self.outbox[entity]
            case NotBefore(at_ms):
                await sleep(at_ms / 1000 - self.clockwork.now)
            case Call() as call:
                await self._call(worker, entity, row, call)
            case Blocked():
                pass  # the read of its contact was overtaken: the lane looks again
            case Stuck() as stuck:
                raise AssertionError(f"{entity.key} is stuck: {stuck}")

    async def _call(self, worker: str, entity: Entity, row: OutboxRow, call: Call) -> None:
        if call.is_create:
            identifiers = {name: call.body[name] for name in FOUND_BY if call.body.get(name)}
            self._receipt(row, "intended", call.step, fields=dict(call.fields or {}), identifiers=identifiers)
        connection = self.settings.connections[entity.connection]
        try:
            performed = await perform(self.vendors.client(worker, connection), connection.ghl_budget, call)
        except ConnectorError as error:
            self._failed(row, call, error)
            return
        if call.step == "find duplicate":
            if self.outbox[entity] is row:
                candidate = Candidate(contact_id=performed.ghl_id or "")
                self.outbox[entity] = row.model_copy(update={"candidate": candidate})
            return
        if call.step == "read contact":  # its own, whose create has lost its answer: there are no couples here
            contact = self.links.get(entity) or LinkRow()
            fields = dict.fromkeys(contact.intent.fields if contact.intent else self._sent[entity], UNKNOWN)
            self._receipt(row, "applied", call.step, ghl_id=performed.ghl_id, fields=fields, tags=())
            return
        if performed.ghl_id is None:
            self._receipt(row, "failed", call.step)
            return
        facts = {"fields": call.fields, "tags": call.tags, "doubtful_tags": call.doubtful_tags}
        refers_to = None if entity.kind == "contact" else call.contact_id
        self._receipt(
            row,
            "applied",
            call.step,
            ghl_id=performed.ghl_id,
            refers_to=refers_to,
            is_deleted=call.is_delete,
            is_new=performed.is_new,
            **facts,
        )

    def _failed(self, row: OutboxRow, call: Call, error: ConnectorError) -> None:
        """As the writer does: a create that may have happened keeps its intent, an update that may have is in doubt."""
        disposition = classify(error).disposition
        if disposition is Disposition.ADOPT and isinstance(error, VendorError):
            self._receipt(row, "failed", call.step)
            entity = row.snapshot.entity
            self._sent[entity] = dict(call.fields or {})
            if self.outbox[entity] is row:
                candidate = Candidate(contact_id=str(error.meta["contactId"]))
                self.outbox[entity] = row.model_copy(update={"candidate": candidate})
        elif disposition is Disposition.GONE and call.is_delete:
            self._receipt(row, "applied", call.step, is_deleted=True)
        elif disposition is Disposition.THROTTLED:
            if call.is_create:  # a look that was refused says nothing of the create that it looks for
                self._receipt(row, "failed", call.step)
        elif disposition is not Disposition.RETRY:
            raise AssertionError(f"{row.snapshot.entity.key} {call.step}: {disposition}")
        elif not call.is_create:
            self._receipt(row, "doubtful", call.step, **doubt(call, self.links.get(row.snapshot.entity)))

    def _receipt(self, row: OutboxRow, outcome: Outcome, step: str, **facts: Any) -> None:
        entity = row.snapshot.entity
        at_ms = int(1000 * self.clockwork.now)
        receipt = Receipt(
            **entity._asdict(), outcome=outcome, step=step, at_ms=at_ms, version_ms=row.snapshot.version_ms, **facts
        )
        partition = self.places.ghl_of(entity.connection)
        self.receipts.append(Received(partition, self._next(partition), receipt))
        self.links[entity] = record_link(self.links.get(entity), receipt)

    def _rules(self, connection: str) -> Rules:
        one = self.settings.connections[connection]
        lag_ms = int(1500 * LAG_SECONDS)
        stages = StageTable(one.stages) if one.stages else None
        return Rules(one.mapping, one.region, search_lag_ms=lag_ms, calendar=one.appointments.calendar, stages=stages)

    def _directory(self, connection: str) -> Directory:
        return directory_of(self.vendors.standing(self.settings.connections[connection]))
