"""Record: what a receipt does to the link and to the outbox. Applying a receipt twice changes nothing more."""

from __future__ import annotations

from streams.core.rows import Intent, LinkRow, OutboxRow
from streams.words import Receipt

_CREATES = frozenset({"create contact", "create note", "create task"})


def record_link(link: LinkRow | None, receipt: Receipt) -> LinkRow:
    """The link after a receipt.

    Every definite answer ends an intent; `parked` is none, for we gave up without knowing.
    """
    link = link or LinkRow()
    if receipt.outcome == "intended":
        earlier = link.intent
        is_repeated = earlier is not None and (earlier.is_repeated or earlier.at_ms != receipt.at_ms)
        intent = Intent(at_ms=receipt.at_ms, step=receipt.step, fields=receipt.fields or {}, is_repeated=is_repeated)
        return link.model_copy(update={"intent": intent})
    if receipt.outcome == "parked":
        return link
    if receipt.outcome == "doubtful":
        doubt: dict[str, object] = {"settled": ""}
        if receipt.fields is not None:
            doubt["fields"] = receipt.fields
        if receipt.doubtful_tags is not None:
            doubt["doubtful_tags"] = receipt.doubtful_tags
        return link.model_copy(update=doubt)
    if receipt.is_forgotten:
        return LinkRow(version_ms=link.version_ms)
    if receipt.outcome == "failed" and link.intent is not None and link.intent.is_repeated and receipt.step in _CREATES:
        return link  # this create certainly did not happen; the one before it still may have
    update: dict[str, object] = {"intent": None}
    if receipt.outcome not in ("failed", "refused"):
        if receipt.outcome == "applied":
            update["is_deleted"] = receipt.is_deleted
        if receipt.ghl_id is not None:
            update["ghl_id"] = receipt.ghl_id
        if receipt.refers_to is not None:
            update["refers_to"] = receipt.refers_to
        if receipt.fields is not None:
            update["fields"] = receipt.fields
        if receipt.tags is not None:
            update["tags"] = receipt.tags
        if receipt.doubtful_tags is not None:
            update["doubtful_tags"] = receipt.doubtful_tags
        if receipt.settled:
            update["settled"] = receipt.settled
            update["version_ms"] = max(link.version_ms, receipt.version_ms)
        elif receipt.outcome == "applied":
            update["settled"] = ""
    return link.model_copy(update=update)


def record_outbox(row: OutboxRow | None, receipt: Receipt) -> OutboxRow | None:
    """The outbox row after a receipt: None when nothing is left to do.

    A row that was replaced by a newer state while the write was under way stays.
    """
    if row is None or row.snapshot.version_ms > receipt.version_ms:
        return row
    if receipt.settled:
        is_the_state_written = receipt.settled.startswith(f"{row.snapshot.fingerprint}/")
        is_older = row.snapshot.version_ms < receipt.version_ms
        return None if is_the_state_written or is_older else row
    if receipt.outcome in ("refused", "parked"):
        if receipt.fingerprint and receipt.fingerprint != row.snapshot.fingerprint:
            return row  # another state was refused: this one has its own try
        return row.model_copy(update={"parked": receipt.message or receipt.step, "attempts": 0})
    if receipt.outcome == "applied" and row.attempts:
        return row.model_copy(update={"attempts": 0, "not_before_ms": 0, "last_error": ""})
    return row
