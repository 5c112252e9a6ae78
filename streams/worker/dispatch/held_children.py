"""Asks GHL what hangs on a contact with a marker of ours."""

from __future__ import annotations

from typing import Any

from connectors.errors import VendorError
from connectors.ghl.client import GhlClient
from connectors.ghl.wire import GhlObject
from connectors.outcome import Disposition, classify
from streams.core.to_ghl.adopt import HeldChild, by_marker
from streams.worker.dispatch.child_listings import Held
from streams.worker.dispatch.ghl_calls import perform
from streams.worker.dispatch.ghl_write import GhlWrite


async def list_held(write: GhlWrite) -> Held:
    """What the contact has. An appointment is searched for around its time (`ghl_calls.py`)."""
    client, call = write.location.client, write.call
    match call.step:
        case "find note":
            notes = await client.list_notes(call.contact_id or "")
            return by_marker((HeldChild(one.id, _values(one)), one.body) for one in notes)
        case "find task":
            tasks = await client.list_tasks(call.contact_id or "")
            return by_marker((HeldChild(one.id, _values(one)), one.body) for one in tasks)
        case _:
            found = (await perform(client, write.location.location_id, call)).ghl_id
            return {} if found is None else {(write.entity.kind, write.entity.id): HeldChild(found)}


async def list_appointments(client: GhlClient, contact_id: str) -> list[str]:
    """The ids of a contact's appointments."""
    return [one.id for one in await client.list_appointments(contact_id)]


async def read_appointment(client: GhlClient, ghl_id: str) -> Held:
    """One with a marker of ours; nothing, if it has none, or was deleted since it was listed."""
    try:
        found = await client.get_appointment(ghl_id)
    except VendorError as error:
        if classify(error).disposition is not Disposition.GONE:
            raise
        return {}
    return by_marker([(HeldChild(found.id), found.description or found.notes)])


def _values(found: GhlObject) -> dict[str, Any]:
    return dict(found.model_dump(by_alias=True))
