"""Ten thousand random histories of opt-outs on both sides, with lost, late and repeated webhooks and lost answers.

The vendors are modelled: Lofty's four flags; GHL's channels, replaced as a whole by each write, permanent ones only by the
contact. Reading a contact and writing the union is one step here: what somebody closes in GHL in the moment between the two,
without a webhook, is not promised.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from streams.core.rows import LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.plan import UNKNOWN, Call, DesiredContact, doubt
from streams.core.to_ghl.plan_contact import plan_contact
from streams.core.to_lofty import EventContext, EventResponse, NeedsRead, respond
from streams.core.to_lofty.plan import known_body, lead_body
from streams.mapping.lofty_sync import OPT_OUTS_DIFFER, LoftySyncRules
from streams.mapping.opt_outs import OPT_OUTS, carried, closed_in_ghl, closed_in_lofty, flags_of, to_close_in_ghl
from streams.messages import Receipt
from streams.messages.ghl_event import GhlEvent
from streams.messages.lofty_command import LoftyCommand

BACK = LoftySyncRules(opt_outs=True)
HISTORIES = 10_000
STEPS = 14


class World:
    """One lead, its contact, the link between them, and the webhooks that are on their way."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lead: dict[str, Any] = {"cannotText": None, "cannotCall": False}
        self.contact: dict[str, Any] = {"dnd": False, OPT_OUTS: {}}
        self.link = LinkRow(ghl_id="g", fields={"firstName": "h"})
        self.pings = 0
        self.events: list[GhlEvent] = []
        self.commands: list[LoftyCommand] = []
        self.at_ms = 0

    # -- people -----------------------------------------------------------------------------------------------

    def edit(self) -> None:
        """Somebody closes or opens channels, on one side."""
        match self.random.choice(("lofty", "lofty", "ghl", "ghl", "all", "stop", "lift lofty", "lift ghl")):
            case "lofty":
                self.lead[self.random.choice(("cannotText", "cannotCall", "cannotEmail", "unsubscription"))] = True
                self._ping()
            case "lift lofty":
                self.lead[self.random.choice(("cannotText", "cannotCall", "cannotEmail", "unsubscription"))] = False
                self._ping()
            case "ghl":
                self._set(self.random.choice(("SMS", "Call", "Email", "WhatsApp")), "active")
                self._report()
            case "lift ghl":
                self.contact["dnd"] = False
                self._set(self.random.choice(("SMS", "Call", "Email")), "inactive")
                self._report()
            case "all":
                self.contact["dnd"] = True
                self._report()
            case _:
                self._set("SMS", "permanent")  # STOP: no webhook

    def _set(self, channel: str, status: str) -> None:
        if (self.contact[OPT_OUTS].get(channel) or {}).get("status") != "permanent":
            self.contact[OPT_OUTS] = {**self.contact[OPT_OUTS], channel: {"status": status}}

    def _ping(self) -> None:
        self.pings += self.random.random() < 0.6

    def _report(self) -> None:
        if self.random.random() < 0.6:
            self.at_ms += 1
            self.events.append(self._event("ContactDndUpdate", self.contact))

    def _event(self, type_: str, body: Mapping[str, Any]) -> GhlEvent:
        return GhlEvent(
            type=type_, location="l", id="g", contact="g", at_ms=self.at_ms, accepted_ms=self.at_ms, body=dict(body)
        )

    # -- we ---------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """One piece of what waits: a read of the lead, an event (the oldest or any), or a command."""
        if self.commands and self.random.random() < 0.5:
            self._close_in_lofty(self.commands.pop(0))
        elif self.events and self.random.random() < 0.5:
            at = self.random.randrange(len(self.events))
            event = self.events[at] if self.random.random() < 0.1 else self.events.pop(at)
            self._judge(event)
        elif self.pings:
            self.pings -= 1
            self._carry(may_fail=True)

    def sweep(self) -> None:
        """What waits is worked off; all leads are read, and all contacts searched."""
        self._drain()
        self._carry()
        if closed_in_ghl(self.contact) != carried(self.link.fields):
            self._judge(self._event(OPT_OUTS_DIFFER, {}))
        self._drain()

    def _drain(self) -> None:
        while self.events or self.commands or self.pings:
            if self.events:
                self._judge(self.events.pop(0))
            elif self.commands:
                self._close_in_lofty(self.commands.pop(0))
            else:
                self.pings -= 1
                self._carry()

    def _carry(self, *, may_fail: bool = False) -> None:
        """The lead is read, and its opt-outs are written."""
        desired = DesiredContact({"firstName": None}, (), "7", opt_outs=closed_in_lofty(self.lead))
        plan = plan_contact(desired, self.link, self.at_ms, search_lag_ms=0)
        if not isinstance(plan, Call) or plan.step != "write opt-outs":
            return
        fate = self.random.choice(("answered", "lost", "not sent")) if may_fail else "answered"
        wanted = frozenset(plan.body[OPT_OUTS])
        if self.link.fields.get(OPT_OUTS) == UNKNOWN and (others := closed_in_ghl(self.contact) - wanted):
            self.commands.append(_command(others))
        if (body := to_close_in_ghl(wanted, self.contact)) is not None:
            if fate != "not sent":
                self._put(body)
            if fate != "answered":
                self.link = record_link(self.link, _receipt("doubtful", **doubt(plan, self.link)))
                self.pings += 1  # it is tried again
                return
        self.link = record_link(self.link, _receipt("applied", fields=dict(plan.fields or {})))

    def _put(self, body: Mapping[str, Any]) -> None:
        held = self.contact[OPT_OUTS]
        permanent = {name: one for name, one in held.items() if one["status"] == "permanent"}
        assert not permanent.keys() & body.keys(), "a permanent channel is never written"
        assert all(one["status"] == "active" for one in body.values()), "a channel is only ever closed"
        self.contact = {**self.contact, OPT_OUTS: {**body, **permanent}}
        self._report()

    def _judge(self, event: GhlEvent) -> None:
        if not BACK.wants(event.type, event.body):
            return
        response = respond(self._context(event), BACK)
        if isinstance(response, NeedsRead):
            response = respond(self._context(event, self.contact), BACK)
        assert isinstance(response, EventResponse)
        self.commands += response.writes
        if response.restore:
            unknown = {**self.link.fields, **dict.fromkeys(response.restore, UNKNOWN)}
            self.link = record_link(self.link, _receipt("doubtful", fields=unknown))
            self.pings += 1  # the lead is read again

    def _context(self, event: GhlEvent, contact: Mapping[str, Any] | None = None) -> EventContext:
        return EventContext(event=event, connection="c", lead="7", link=self.link, contact=contact)

    def _close_in_lofty(self, command: LoftyCommand) -> None:
        body = known_body(command) or lead_body(command, self.lead, {}, BACK)[0]
        assert all(value is True for value in body.values()), "a flag is only ever set"
        self.lead |= body
        if body:
            self._ping()

    def closed(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """What is closed in Lofty, what in GHL, and all of GHL's channels that are closed."""
        held = frozenset(n for n, one in self.contact[OPT_OUTS].items() if one["status"] in ("active", "permanent"))
        return closed_in_lofty(self.lead), closed_in_ghl(self.contact), held


def _receipt(outcome: Any, **facts: Any) -> Receipt:
    return Receipt(
        connection="c", lead="7", kind="contact", id="7", outcome=outcome, step="s", at_ms=0, version_ms=0, **facts
    )


def _command(channels: frozenset[str]) -> LoftyCommand:
    state = {"fields": flags_of(channels)}
    return LoftyCommand(connection="c", lead="7", about="opt-outs", target="lead", state=state, at_ms=0, accepted_ms=0)


def test_opt_outs_only_ever_tighten_and_a_sweep_makes_both_sides_equal() -> None:
    """Nothing of ours opens a channel, and after a sweep each channel is closed on both sides, or on none."""
    for seed in range(HISTORIES):
        world = World(seed)
        for _ in range(STEPS):
            world.edit()
            before = world.closed()
            for _ in range(world.random.randrange(4)):
                world.work()
            if world.random.random() < 0.15:
                world.sweep()
                lofty, ghl, _ = world.closed()
                assert lofty == ghl, f"seed {seed}: {lofty} in Lofty, {ghl} in GHL"
            assert all(old <= new for old, new in zip(before, world.closed(), strict=True)), f"seed {seed} loosened"
        world.sweep()
        lofty, ghl, _ = world.closed()
        assert lofty == ghl, f"seed {seed}: {lofty} in Lofty, {ghl} in GHL"


def test_without_losses_both_sides_are_equal_without_a_sweep() -> None:
    """Where every webhook arrives and no contact answers STOP, the work that follows from an edit is enough."""
    for seed in range(1000):
        world = World(seed)
        world.random.random = lambda: 0.0  # type: ignore[method-assign]  # nothing is lost
        for _ in range(6):
            if world.random.choice((True, False)):
                world.lead[world.random.choice(("cannotText", "cannotCall", "unsubscription"))] = True
                world.pings += 1
            else:
                world._set(world.random.choice(("SMS", "Call", "Email")), "active")
                world._report()
            world._drain()
            lofty, ghl, _ = world.closed()
            assert lofty == ghl, f"seed {seed}"
