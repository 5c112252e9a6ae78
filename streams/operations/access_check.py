"""Whose accounts a connection has access to, and what its keys may not read: a few requests through the workers, also while it is paused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.ghl.operations import OPERATIONS
from streams.messages import Observation
from streams.messages.inspection import Subject
from streams.operations.worker_queries.errors import CannotFinish, Refused
from streams.operations.worker_queries.vendor_reads import VendorReader
from streams.settings import Connection, Settings

_READS: Mapping[Subject, str] = {
    "location": "get-location",
    "fields": "get-custom-fields",
    "users": "get-user-by-location",
    "contacts": "search-contacts-advanced",
}
"""What is read of GHL, and by which operation."""


@dataclass(frozen=True, slots=True)
class SideCheck:
    """One vendor. `account` is whose access it is, or the location's name; `count` its leads or contacts; None: not known.

    `lacks` are permissions that are missing; `problem` is why nothing could be read, in the vendor's words.
    """

    account: str = ""
    count: int | None = None
    lacks: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """Both vendors of one connection."""

    connection: str
    lofty: SideCheck
    ghl: SideCheck


async def check_access(settings: Settings, connection: Connection) -> AccessCheck:
    """Read a little of both. Raises aiokafka's errors when Kafka cannot be reached."""
    async with VendorReader(settings, connection) as reader:
        lofty, ghl = await asyncio.gather(_lofty(reader), _ghl(reader))
    return AccessCheck(connection.name, lofty, ghl)


async def _lofty(reader: VendorReader) -> SideCheck:
    try:
        owner, leads = await asyncio.gather(_may(reader, "owner"), reader.ask("leads", limit=1))
    except CannotFinish as error:
        return SideCheck(problem=_words(error))
    row = owner.rows[0] if isinstance(owner, Observation) and owner.rows else {}
    name = " ".join(str(row[part]) for part in ("firstName", "lastName") if row.get(part))
    role = f" ({row['roleName']})" if row.get("roleName") else ""
    return SideCheck(f"{name or row.get('email') or ''}{role}", leads.total)


async def _ghl(reader: VendorReader) -> SideCheck:
    try:
        found = dict(zip(_READS, await asyncio.gather(*(_may(reader, one, limit=1) for one in _READS)), strict=True))
    except CannotFinish as error:
        return SideCheck(problem=_words(error))
    refused = {subject: one for subject, one in found.items() if isinstance(one, Refused)}
    if len(refused) == len(found):
        return SideCheck(problem=next(iter(refused.values())).words)
    location, contacts = found["location"], found["contacts"]
    row = location.rows[0] if isinstance(location, Observation) and location.rows else {}
    lacks = sorted({scope for subject in refused for scope in OPERATIONS[_READS[subject]].scopes})
    total = contacts.total if isinstance(contacts, Observation) else None
    return SideCheck(str(row.get("name") or ""), total, tuple(lacks))


async def _may(reader: VendorReader, subject: Subject, limit: int = 100) -> Observation | Refused:
    try:
        return await reader.ask(subject, limit=limit)
    except Refused as error:
        return error


def _words(error: CannotFinish) -> str:
    return error.words if isinstance(error, Refused) else str(error)
