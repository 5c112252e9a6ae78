"""A contact's opt-outs in two turns: what it holds is read, and the union is written while that is fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from connectors.ghl.wire import GhlContact
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import UNKNOWN, Call
from streams.mapping.opt_outs import OPT_OUTS, closing
from streams.messages import Entity
from streams.worker.dispatch.ghl_write import GhlWrite
from streams.worker.dispatch.loop import AGAIN, DONE, NEXT, WorkResult
from streams.worker.dispatch.opt_out_writer import FRESH_SECONDS, OptOutWriter

ENTITY = Entity.contact("acme", "77")
ACTIVE = {"status": "active"}


class Desk:
    """GHL with one contact, a sender that notes what it sends, and a clock."""

    def __init__(self, **held: Any) -> None:
        self.held, self.now_ms = held, 1_000_000
        self.sent: list[dict[str, Any]] = []
        self.reads = self.found_equal = 0
        self.in_lofty: list[frozenset[str]] = []
        self.writer = OptOutWriter(cast("Any", self), self.close_in_lofty, lambda: self.now_ms)

    @property
    def successes(self) -> Desk:
        return self

    @property
    def client(self) -> Desk:
        return self

    async def get_contact(self, contact_id: str) -> GhlContact:
        assert contact_id == "g"
        self.reads += 1
        return GhlContact.model_validate({"id": "g", **self.held})

    async def request(
        self, write: GhlWrite, asking: Awaitable[GhlContact], answered: Callable[[GhlContact], Awaitable[WorkResult]]
    ) -> WorkResult:
        return await answered(await asking)

    async def send(self, write: GhlWrite) -> WorkResult:
        self.sent.append(dict(write.call.body[OPT_OUTS]))
        return AGAIN

    async def succeeded(self, write: GhlWrite, performed: object) -> WorkResult:
        self.found_equal += 1
        return DONE

    async def close_in_lofty(self, contact: Entity, channels: frozenset[str]) -> None:
        assert contact == ENTITY
        self.in_lofty.append(channels)

    async def turn(self, *channels: str, known: str | None = None) -> WorkResult:
        """One turn of a contact whose lead has closed these channels."""
        call = Call("write opt-outs", contact_id="g", body={OPT_OUTS: closing(channels)}, fields={})
        write = GhlWrite(ENTITY, cast("Any", self), cast("Any", None), cast("Any", None), call, cast("Any", None))
        return await self.writer.send(write, LinkRow(fields={} if known is None else {OPT_OUTS: known}))


async def test_a_read_and_then_the_union() -> None:
    """One request a turn; what the contact has closed on other channels stays."""
    desk = Desk(dndSettings={"WhatsApp": ACTIVE})
    assert await desk.turn("SMS") is NEXT
    assert (desk.reads, desk.sent) == (1, [])
    await desk.turn("SMS")
    assert (desk.reads, desk.sent) == (1, [{"WhatsApp": ACTIVE, **closing({"SMS"})}])


async def test_what_was_read_counts_for_a_moment_and_once() -> None:
    """Later somebody may have closed another channel; and what is wanted by then is what is written."""
    desk = Desk()
    await desk.turn("SMS")
    desk.now_ms += int(FRESH_SECONDS * 1000) + 1
    desk.held = {"dndSettings": {"Call": ACTIVE}}
    await desk.turn("SMS")
    await desk.turn("SMS", "Email")
    assert (desk.reads, desk.sent) == (2, [{"Call": ACTIVE, **closing({"SMS", "Email"})}])
    await desk.turn("SMS")
    assert desk.reads == 3


async def test_what_is_closed_already_is_not_written() -> None:
    """One request, and the link says so."""
    desk = Desk(dnd=True)
    assert await desk.turn("SMS") is DONE
    assert (desk.found_equal, desk.sent, desk.in_lofty) == (1, [], [])


async def test_where_it_is_not_known_what_was_carried_lofty_is_told_too() -> None:
    """An adopted contact, a lost answer, or a difference that was found."""
    desk = Desk(dndSettings={"SMS": {"status": "permanent"}, "Email": ACTIVE})
    await desk.turn("Email", known=UNKNOWN)
    assert (desk.in_lofty, desk.found_equal) == ([frozenset({"SMS"})], 1)
    await desk.turn("Email", known="SMS")
    assert len(desk.in_lofty) == 1
