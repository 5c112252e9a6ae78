"""Record: what a receipt does to the link and to the outbox. Applying a receipt twice changes nothing more.

A receipt is *late* when a later owner of the partition has written one about the entity already: it comes from a process
that was cut off while a request of its own was under way, and went on when it woke up.
GHL may have seen the two requests in either order, so a late receipt only makes what it touched unknown (`UNKNOWN`).

`deliver` compares outside of the entity's lane: what it found unchanged may have become unknown before its receipt is read
here. So that receipt (`unchanged` without `settled`) moves the version, for older snapshots are older than this one, and
says nothing of what stands in GHL.
"""

from __future__ import annotations

from streams.core.rows import Intent, LinkRow, OutboxRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.messages import Receipt

_COMES = frozenset({"create contact", "find contact"})
_CREATES = frozenset({"create contact", "create note", "create task", "create appointment"})
_LOOKS = frozenset({"find contact", "find note", "find task", "find appointment"})


def record_link(link: LinkRow | None, receipt: Receipt) -> LinkRow:
    """The link after a receipt.

    Every definite answer ends an intent. `parked` is none, for we gave up without knowing, nor is a look that was refused, or
    one under a contact that is gone.
    """
    link = link or LinkRow()
    if is_late(link, receipt):
        return _record_late(link, receipt)
    if receipt.epoch > link.epoch:
        link = link.model_copy(update={"epoch": receipt.epoch})
    if receipt.outcome == "intended":
        earlier = link.intent
        is_repeated = earlier is not None and (earlier.is_repeated or earlier.at_ms != receipt.at_ms)
        intent = Intent(
            at_ms=receipt.at_ms,
            step=receipt.step,
            fields=receipt.fields or {},
            identifiers=receipt.identifiers or {},
            is_repeated=is_repeated,
        )
        return link.model_copy(update={"intent": intent})
    if receipt.outcome == "parked":
        return link
    if receipt.outcome == "unchanged" and not receipt.settled:
        return link.model_copy(update={"version_ms": max(link.version_ms, receipt.version_ms)})
    if receipt.outcome == "doubtful":
        doubt: dict[str, object] = {"settled": ""}
        if receipt.fields is not None:
            doubt["fields"] = receipt.fields
        if receipt.doubtful_tags is not None:
            doubt["doubtful_tags"] = receipt.doubtful_tags
        return link.model_copy(update=doubt)
    # A create certainly did not happen; the one before it still may have.
    is_not_made = receipt.outcome in ("failed", "refused") and receipt.step in _CREATES
    is_still_in_doubt = is_not_made and link.intent is not None and link.intent.is_repeated
    if receipt.is_forgotten:
        # What was looked for under a contact that is gone may stand under the one into which that was merged.
        is_still_in_doubt = is_still_in_doubt or (receipt.kind != "contact" and receipt.step in _LOOKS)
        return LinkRow(version_ms=link.version_ms, epoch=link.epoch, intent=link.intent if is_still_in_doubt else None)
    if is_still_in_doubt or (receipt.outcome == "refused" and receipt.step in _LOOKS):
        return link
    update: dict[str, object] = {"intent": None}
    if receipt.outcome == "failed" and receipt.step in _LOOKS and receipt.kind != "contact":
        update |= {"ghl_id": None, "refers_to": None}  # nor did it move to where its contact is now
    if receipt.outcome not in ("failed", "refused"):
        if receipt.outcome == "applied":
            update["is_deleted"] = receipt.is_deleted
        if receipt.ghl_id is not None:
            update["ghl_id"] = receipt.ghl_id
        if receipt.refers_to is not None:
            update["refers_to"] = receipt.refers_to
        if receipt.fields is not None:
            update["fields"] = receipt.fields
            if link.heard or receipt.heard:
                update["heard"] = _heard(link, receipt.fields, receipt.heard or {})
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


def _heard(link: LinkRow, fields: dict[str, str], heard: dict[str, str]) -> dict[str, str]:
    """What is heard of GHL's edits: until we write the field ourselves."""
    return {name: hash_ for name, hash_ in link.heard.items() if fields.get(name) == link.fields.get(name)} | heard


def comes_back(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether what hangs on a contact must be looked at again: it has come into being, and not for the first time.

    Until then notes and tasks were settled as those of a contact that is gone, or hang on the one that was.
    It is so for a receipt that is read again, too: receipts of notes and tasks are, with it, and settle them anew.
    """
    if before is None or receipt.kind != "contact" or receipt.outcome != "applied" or receipt.ghl_id is None:
        return False
    is_made = receipt.step in _COMES or receipt.ghl_id != before.ghl_id
    return is_made and (before.version_ms > 0 or before.ghl_id is not None)


def is_overtaken(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether what `deliver` found unchanged has become unknown before its receipt was read: then it must be read once more.

    The receipt moves the version, so a read that was asked for meanwhile with an earlier one counts as stale.
    """
    return receipt.outcome == "unchanged" and not receipt.settled and before is not None and not before.settled


def unsettle(child: LinkRow, contact_id: str) -> LinkRow | None:
    """The link of a note or task to which nothing was settled, if it hangs on another contact, or on none; else None."""
    is_there = child.ghl_id is not None and not child.is_deleted and child.refers_to == contact_id
    return None if is_there or not child.settled else child.model_copy(update={"settled": ""})


def is_late(link: LinkRow | None, receipt: Receipt) -> bool:
    """Whether a later owner has written about this entity already."""
    return link is not None and receipt.epoch < link.epoch


def _record_late(link: LinkRow, receipt: Receipt) -> LinkRow:
    if receipt.outcome == "intended":
        return link if link.ghl_id is not None else record_link(link, receipt.model_copy(update={"epoch": link.epoch}))
    if receipt.is_deleted:
        is_there = link.ghl_id == receipt.ghl_id and not link.is_deleted
        unknown = {"fields": dict.fromkeys(link.fields, UNKNOWN), "settled": ""}
        return link.model_copy(update=unknown) if is_there else link
    if receipt.outcome not in ("applied", "doubtful"):
        return link
    update: dict[str, object] = {"settled": ""}
    if link.ghl_id is None and receipt.ghl_id is not None:
        update |= {"ghl_id": receipt.ghl_id, "refers_to": receipt.refers_to, "intent": None}
    if receipt.fields is not None:
        differing = {name: UNKNOWN for name, sent in receipt.fields.items() if link.fields.get(name) != sent}
        update["fields"] = link.fields | differing
    if receipt.tags is not None:
        differing_tags = {*link.doubtful_tags, *({*receipt.tags} ^ {*link.tags})}
        update["doubtful_tags"] = tuple(sorted(differing_tags))
    return link.model_copy(update=update)


def record_outbox(
    row: OutboxRow | None, receipt: Receipt, link: LinkRow | None = None, *, wanted: str = ""
) -> OutboxRow | None:
    """The outbox row after a receipt: None when nothing is left to do. `link` is the link before the receipt.

    A row that was replaced by a newer state while the write was under way stays.
    `wanted` is what a receipt's `settled` reads when it satisfies the row under the mapping in force: a receipt under an
    earlier mapping, which is read again after a crash, leaves the row that a replay has put meanwhile.
    """
    if is_late(link, receipt):
        return row
    if row is None or row.snapshot.version_ms > receipt.version_ms:
        return row
    if receipt.settled:
        is_the_state_written = (
            receipt.settled == wanted if wanted else receipt.settled.startswith(f"{row.snapshot.fingerprint}/")
        )
        is_older = row.snapshot.version_ms < receipt.version_ms
        return None if is_the_state_written or is_older else row
    if receipt.outcome in ("refused", "parked"):
        if receipt.fingerprint and receipt.fingerprint != row.snapshot.fingerprint:
            return row  # another state was refused: this one has its own try
        if receipt.epoch < row.epoch:
            return row  # it was refused before this row was put, perhaps under another mapping
        return row.model_copy(update={"parked": receipt.message or receipt.step, "attempts": 0})
    if receipt.outcome == "applied" and row.attempts:
        return row.model_copy(update={"attempts": 0, "not_before_ms": 0, "last_error": ""})
    return row
