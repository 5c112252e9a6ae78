"""Keeps each team's members: a lead names its agent, GHL's users are known by e-mail; the member list joins the two.

The join is by name (`core/agents_by_name.py`). The list is read as work of the Lofty budget, one page a request, while the connection is on hold.
What Lofty refuses here only leaves contacts unassigned.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, MalformedAnswer, NotSent
from connectors.lofty.client import LoftyClient
from connectors.outcome import Disposition, classify
from streams.core.agents_by_name import AgentsByName
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.pauses import PAUSE_SECONDS, shuts_out
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult

log = logging.getLogger("lofty_ghl.members")

TENANT = "@members"
PAGE = 25
"""Lofty's default; it documents no maximum."""
RETRY_SECONDS = 5.0


@dataclass(slots=True)
class _Roll:
    budget: str
    client: LoftyClient
    agents: AgentsByName = field(default_factory=AgentsByName)
    read: int = 0


class Members:
    """The member lists of all connections."""

    def __init__(self, loop: DispatchLoop, teams: Mapping[str, LoftyTeam]) -> None:
        self._loop = loop
        self._teams = teams
        self._rolls: dict[str, _Roll] = {}

    def load(self, connection: str) -> None:
        """Read the list (again). The connection is on hold until that is done."""
        team = self._teams[connection]
        roll = self._rolls.setdefault(connection, _Roll(team.budget, team.client))
        roll.agents, roll.read = AgentsByName(), 0
        key = f"{TENANT}:{connection}"
        self._loop.hold_tenant(roll.budget, connection)
        self._loop.offer_item(Item(key, key, roll.budget, TENANT, Priority.LIVE))

    def forget(self, connection: str) -> None:
        """The connection is another from now on: what was read of its members is dropped."""
        self._rolls.pop(connection, None)

    def agent(self, connection: str, state: Mapping[str, Any]) -> dict[str, str] | None:
        """The agent that a lead or task is assigned to, or None."""
        roll = self._rolls.get(connection)
        return roll.agents.agent(state) if roll is not None else None

    def handles(self, item: Item) -> bool:
        """Whether an item is work of a member list."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: a member list that cannot be read leaves contacts unassigned."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Read one page."""
        connection = item.key.removeprefix(f"{TENANT}:")
        roll = self._rolls[connection]
        try:
            page = await roll.client.list_members(limit=PAGE, offset=roll.read)
        except ConnectorError as error:
            slot.answered(was_sent=not isinstance(error, NotSent))
            outcome = classify(error)
            if shuts_out(outcome):
                self._loop.pause(roll.budget, PAUSE_SECONDS, f"{outcome.name}: {error}")
                return WorkResult.retry(RETRY_SECONDS)
            passes = outcome.disposition in (Disposition.RETRY, Disposition.THROTTLED)
            if passes and not isinstance(error, MalformedAnswer):
                return WorkResult.retry(RETRY_SECONDS)
            log.error("connection %s: its members cannot be read, contacts stay unassigned: %s", connection, error)
            page = []
        slot.answered()
        roll.agents.add(page)
        roll.read += len(page)
        if len(page) == PAGE:
            return AGAIN
        self._loop.release_tenant(roll.budget, connection)
        return DONE
