"""Puts together what writes to GHL: the plan, the request, and what follows its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.core.scheduling.retry import Retry
from streams.worker.dispatch.adoption import Adoption
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.ghl_events import GhlEventProcessor
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_successes import GhlSuccesses
from streams.worker.dispatch.ghl_writer import GhlWriter
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.dispatch.opt_out_writer import OptOutWriter
from streams.worker.dispatch.receipts import Receipts
from streams.worker.parts import WorkerParts
from streams.worker.wiring.identities import new_identities
from streams.worker.wiring.offers import Offers


def new_ghl_writer(
    parts: WorkerParts,
    loop: DispatchLoop,
    locations: Mapping[str, Location],
    receipts: Receipts,
    offers: Offers,
    directories: Directories,
    events: GhlEventProcessor,
    read_hanging: Callable[..., object],
) -> GhlWriter:
    """The handler of writes in the writing dispatcher. What GHL owns and Lofty edited goes to `events`, and what GHL closed to Lofty.

    `read_hanging` is `UnknownContacts.read`.
    """
    tables, deps = parts.tables, parts.deps
    identities = new_identities(parts, locations, receipts, offers, read_hanging)
    successes = GhlSuccesses(
        links=tables.links,
        receipts=receipts,
        identities=identities,
        settled_as=offers.settled_as,
        metrics=deps.metrics,
        suspect=directories.suspect,
        held=parts.reporter.held,
    )
    failures = GhlFailures(
        outbox=tables.outbox,
        links=tables.links,
        receipts=receipts,
        output=parts.output,
        judge=loop.failures,
        retry=Retry(deps.now_ms, deps.jitter),
        request_read=offers.request_read,
    )
    sender = GhlSender(
        outbox=tables.outbox,
        receipts=receipts,
        successes=successes,
        failures=failures,
        identities=identities,
        metrics=deps.metrics,
    )
    adoption = Adoption(tables.outbox, tables.links, receipts, directories.get, sender, offers.request_read)
    return GhlWriter(
        locations=locations,
        outbox=tables.outbox,
        links=tables.links,
        receipts=receipts,
        directory=directories.get,
        lacks=directories.lacks,
        reads_stages_again=directories.reads_stages_again,
        lofty_was_edited=events.queue.lofty_was_edited,
        sender=sender,
        close_channels=OptOutWriter(sender, events.effects.close_in_lofty, deps.now_ms).send,
        failures=failures,
        look=adoption.look,
        leave=adoption.leave,
    )
