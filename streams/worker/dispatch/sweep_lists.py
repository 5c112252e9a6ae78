"""What a sweep reads: Lofty's list of leads by page, and the notes, tasks and appointments of one lead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.lofty.client import LoftyClient
from connectors.lofty.leads import LeadPage
from streams.core.rows import SweepRow
from streams.core.sweep import Listed, listed
from streams.messages import Entity, Kind
from streams.messages.entity import is_id

_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


async def read_leads(client: LoftyClient, row: SweepRow, offset: int, limit: int) -> LeadPage:
    """A page of leads, in the order of the run."""
    order: dict[str, str | bool] = {"sort": "CreateTime", "desc": row.kind == "new"}
    return await client.list_leads(limit=limit, offset=offset, filters=order)


def has_lead_id(state: Mapping[str, Any]) -> bool:
    """Whether it is a lead that can be asked for: with any other id than a number, nothing of it could be read."""
    found = state.get("leadId")
    return isinstance(found, int | str) and not isinstance(found, bool) and _NUMBER.fullmatch(str(found)) is not None


def listed_leads(
    connection: str, states: list[dict[str, Any]]
) -> tuple[list[Listed], list[tuple[dict[str, Any], Exception]]]:
    """A page's leads as they are compared, and those that bring out a defect of ours, each with it."""
    leads, broken = [], []
    for state in states:
        if has_lead_id(state):
            try:
                leads.append(listed(Entity.contact(connection, str(state["leadId"])), state))
            except Exception as error:  # whatever it is: the other hundred leads of the page are good
                broken.append((state, error))
    return leads, broken


class Children(NamedTuple):
    """What hangs on a lead, as a list holds it. `is_repaired`: something in the answer was."""

    listed: list[Listed]
    is_repaired: bool


async def read_children(client: LoftyClient, lead: Entity, kind: Kind) -> Children:
    """One list of what hangs on a lead: the notes, or the tasks with the appointments (v2 lists both)."""
    if kind == "note":
        found, name = await client.list_notes(lead.lead), "noteId"
    else:
        found, name = await client.list_tasks(lead.lead), "id"
    children = [
        listed(Entity(lead.connection, lead.lead, _kind_of(kind, one), str(one[name])), one)
        for one in found
        if one.get(name) and is_id(str(one[name]))
    ]
    return Children(children, found.is_repaired)


def _kind_of(kind: Kind, state: Mapping[str, Any]) -> Kind:
    return "appointment" if kind == "task" and state.get("type") == "Appointment" else kind
