"""The directories of the locations, and the contacts that a change of theirs concerns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.outdated_contacts import OutdatedContacts
from streams.worker.dispatch.own_contacts import OwnContacts
from streams.worker.parts import WorkerParts
from streams.worker.wiring.offers import Offers


def new_directories(
    parts: WorkerParts, loop: DispatchLoop, locations: Mapping[str, Location], offers: Offers
) -> tuple[Directories, OutdatedContacts]:
    """Both, wired to each other: a changed directory has its contacts looked through."""
    outdated = OutdatedContacts(
        locations=locations,
        links=parts.tables.links,
        outbox=parts.tables.outbox,
        directory=lambda connection: directories.complete(connection),
        request_read=partial(offers.request_read, origin="sweep"),
        owns=loop.core.owns,
        try_lacking=lambda connection, lacks: directories.try_lacking(connection, lacks),
    )
    own_contacts = OwnContacts(parts.tables.links, parts.tables.backlinks, parts.deps.now_ms)
    directories = Directories(loop, locations, own_contacts, outdated.look)
    return directories, outdated
