"""The writer with all its parts, over the stage's tables and a scripted GHL."""

from __future__ import annotations

from typing import Any

from connectors.auth.request_auth import StaticAuth
from connectors.ghl.client import GhlClient
from streams.core.rows import OutboxRow
from streams.core.scheduling.retry import Retry
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.planning import Rules
from streams.mapping import compile_mapping
from streams.messages import Entity, Snapshot
from streams.telemetry.metrics import Metrics
from streams.worker.dispatch.adoption import Adoption
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.ghl_failures import GhlFailures
from streams.worker.dispatch.ghl_sender import GhlSender
from streams.worker.dispatch.ghl_successes import GhlSuccesses
from streams.worker.dispatch.ghl_writer import GhlWriter
from streams.worker.dispatch.holders import Holders
from streams.worker.dispatch.identities import Identities
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.shared_contacts import SharedContacts
from tests.unit.streams.worker.dispatch.stage import NOW_MS, PARTITION, Scripted, Stage, Vendor


class WriterStage(Stage):
    """One connection, `acme`. `asked` are the entities of which Lofty was asked on account of who they are,
    `asked_about` the leads that no link knows, each with what hangs on its contact, `read_before` those contacts,
    `looked_for` those that were found on a contact, and that nobody knows.
    """

    def __init__(self, *script: Scripted, directory: Directory | None = None, lead_deleted: Any = "tag") -> None:
        super().__init__()
        self.ghl = Vendor(list(script))
        self.asked: list[str] = []
        self.asked_about: list[tuple[str, tuple[str, ...]]] = []
        self.read_before: list[tuple[str, str, Any]] = []
        known = directory or Directory()
        locations = {
            "acme": Location(
                connection="acme",
                location_id="loc",
                budget="loc",
                partition=PARTITION,
                client=GhlClient(self.ghl, StaticAuth("Bearer", "k"), base_url="https://x.test"),
                rules=Rules(compile_mapping(), "US", lead_deleted=lead_deleted),
                window_seconds=10.0,
            )
        }
        holders = Holders(locations, self.links, self.backlinks)
        self.identities = Identities(
            holders,
            SharedContacts(holders, self.links, self.receipts),
            self.links,
            self.outbox,
            self.backlinks,
            self.receipts,
            lambda entity, _: self.asked.append(entity.key),
            lambda entity, hanging: self.asked_about.append((entity.key, hanging)),
            lambda _, lead, contact_id, then: self.read_before.append((lead.key, contact_id, then)),
        )
        self.follows, self.shared_by = self.identities.linked, holders
        failures = GhlFailures(
            outbox=self.outbox,
            links=self.links,
            receipts=self.receipts,
            output=self.output,
            judge=FailureJudge(self.pause),
            retry=Retry(lambda: self.now_ms, lambda: 0.0),
            request_read=lambda *_: None,
        )
        successes = GhlSuccesses(
            links=self.links,
            receipts=self.receipts,
            identities=self.identities,
            settled_as=lambda snapshot: f"{snapshot.fingerprint}/mapping",
            metrics=Metrics(),
        )
        self.sender = GhlSender(
            outbox=self.outbox,
            receipts=self.receipts,
            successes=successes,
            failures=failures,
            identities=self.identities,
            metrics=Metrics(),
        )
        adoption = Adoption(self.outbox, self.links, self.receipts, lambda _: known, self.sender, self._looks)
        self.writer = GhlWriter(
            locations=locations,
            outbox=self.outbox,
            links=self.links,
            receipts=self.receipts,
            directory=lambda _: known,
            lacks=lambda *_: False,
            reads_stages_again=lambda *_: False,
            lofty_was_edited=self.never,
            sender=self.sender,
            close_channels=self.never,
            failures=failures,
            look=adoption.look,
            leave=adoption.leave,
        )
        self.looked_for: list[str] = []
        self.listings = adoption.listings

    def wants(self, entity: Entity, state: dict[str, Any] | None) -> None:
        """An entity waits in the outbox to be brought to this state. None: it was deleted in Lofty."""
        snapshot = Snapshot(
            **entity._asdict(),
            state=state,
            version_ms=NOW_MS,
            fingerprint="f",
            read_ms=NOW_MS,
            update_time_ms=NOW_MS,
            accepted_ms=NOW_MS,
        )
        self.outbox.put(PARTITION, entity.key, OutboxRow(snapshot=snapshot))

    def _looks(self, entity: Entity, _: int, **__: object) -> None:
        self.looked_for.append(entity.key)

    async def never(self, *_: object) -> Any:
        """Nothing of this is asked for here."""
        raise AssertionError
