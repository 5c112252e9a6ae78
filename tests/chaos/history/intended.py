"""P7: every create was intended first, and every write has a receipt."""

from __future__ import annotations

from collections import defaultdict

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity, Receipt
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.names import CREATES
from tests.chaos.history.told import told

_OF_A_CREATE = frozenset({"create contact", "create note", "create task", "create appointment"})


def every_write_is_told(case: Case) -> Finding:
    """Before each create that GHL applied, an `intended` receipt of its entity was made; after each write that GHL applied,
    another receipt of its entity says how things stand; and on the topic an intent stands before its outcome.

    A write of something that no create of ours and no mark names is a violation: nobody could find it in the topics.
    Opt-outs of a lead that shares another's contact have a receipt of that lead.

    Excused: a write that a worker sent as it woke from a freeze, after the next owner's last receipt. Its own receipt is no longer accepted.

    Proves nothing of: that Kafka had acknowledged the intent before the request left (chaos tests of that kill between the
    two); what the receipts say of fields.
    """
    tally = Tally(7, "every create was intended first, and every write has a receipt", "writes that GHL applied")
    receipts: dict[Entity, list[Receipt]] = defaultdict(list)
    for line in sorted(case.history.receipts, key=lambda one: (one.partition, one.offset)):
        receipts[_whatever_lead(line.receipt.entity)].append(line.receipt)
    opt_outs: dict[str, list[Receipt]] = defaultdict(list)
    for line in case.history.receipts:
        if line.receipt.step == "write opt-outs" and line.receipt.ghl_id:
            opt_outs[line.receipt.ghl_id].append(line.receipt)
    for entry in case.writes():
        tally.examined += 1
        entity = case.names.entity_of(entry)
        if entity is None:
            tally.note(entry.budget, "a write of something that is not ours", told(entry))
            continue
        about = receipts[_whatever_lead(entity)]
        if entry.created and entry.operation in CREATES and not _is_intended(entry, about):
            tally.note(entity.key, "was created without an intent", (*told(entry), *_told(about)))
        if not _is_told(entry, about) and not _is_told(entry, opt_outs[entry.entity or ""]):
            evidence = (*told(entry), *_told(about))
            is_excused = case.interruptions.is_sent_on_waking(entry)
            tally.note(entity.key, "no receipt says what became of a write", evidence, is_excused=is_excused)
    for entity, about in receipts.items():
        if unintended := _first_unintended(about):
            tally.note(entity.key, "the outcome of a create stands before any intent", _told([unintended]))
    return tally.finding()


def _whatever_lead(entity: Entity) -> Entity:
    """An entity by its own id: a note's lead is not always known from the ledger."""
    return entity._replace(lead="*")


def _is_intended(entry: Entry, about: list[Receipt]) -> bool:
    return any(one.outcome == "intended" and one.at_ms <= 1000 * entry.at for one in about)


def _is_told(entry: Entry, about: list[Receipt]) -> bool:
    applied_ms = int(1000 * (entry.applied_at or 0.0))
    return any(one.outcome != "intended" and one.at_ms >= applied_ms for one in about)


def _first_unintended(about: list[Receipt]) -> Receipt | None:
    for one in about:
        if one.outcome == "intended":
            return None
        if one.outcome == "applied" and one.step in _OF_A_CREATE:
            return one
    return None


def _told(about: list[Receipt]) -> tuple[str, ...]:
    lines = (f"receipt {one.outcome} {one.step} at {one.at_ms / 1000:.3f} epoch {one.epoch}" for one in about[-8:])
    return tuple(lines) or ("no receipt",)
