"""Record: what a receipt does to the link and to the outbox. Applying a receipt twice changes nothing more.

A receipt is *late* when a later owner of the partition has already written one about the entity. It comes from a process that
was cut off while one of its requests was in flight, and that went on when it woke up.
GHL may have seen the two requests in either order, so a late receipt only makes what it touched unknown (`UNKNOWN`).

`deliver` compares outside of the entity's lane: what it found unchanged may have become unknown before its receipt is read
here. So that receipt (`unchanged` without `settled`) moves the version, because older snapshots are older than this one, and
says nothing about what GHL holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.core.fingerprint import fingerprint
from streams.core.rows import Intent, LinkRow, OutboxRow
from streams.core.to_ghl.plan import UNKNOWN
from streams.core.to_ghl.shared_contact import with_doubts
from streams.messages import Outcome, Receipt

_MAKES_CONTACT = frozenset({"create contact", "find contact"})
_CREATES = frozenset(
    {"create contact", "create note", "create task", "create appointment", "create opportunity"},
)
_SEARCHES = frozenset({"find contact", "find note", "find task", "find appointment", "find opportunity"})
_SEARCHES_OF_CHILDREN = _SEARCHES - {"find contact"}

NOTHING = fingerprint(None)
"""The fingerprint of a state that is none: deleted in Lofty, or hung on another lead."""


def record_link(link: LinkRow | None, receipt: Receipt) -> LinkRow:
    """The link after a receipt: `_BY_OUTCOME` says what each outcome does, `_record_late` what a late receipt does.

    Every definite answer ends an intent. `parked` is not one, because we gave up without knowing; nor is a search that GHL
    refused, or a search under a contact that is gone.
    """
    link = link or LinkRow()
    if is_late(link, receipt):
        return _record_late(link, receipt)
    if receipt.epoch > link.epoch:
        link = link.model_copy(update={"epoch": receipt.epoch})
    link = _BY_OUTCOME[receipt.outcome](link, receipt)
    return link.model_copy(update={"decided": link.decided | receipt.decided}) if receipt.decided else link


def _record_intended(link: LinkRow, receipt: Receipt) -> LinkRow:
    """A create is about to be sent. Another intent before it means that an earlier create is in doubt, too."""
    earlier = link.intent
    intent = Intent(
        at_ms=receipt.at_ms,
        step=receipt.step,
        fields=receipt.fields or {},
        identifiers=receipt.identifiers or {},
        is_repeated=earlier is not None and (earlier.is_repeated or earlier.at_ms != receipt.at_ms),
        refers_to=receipt.refers_to or "",
    )
    return link.model_copy(update={"intent": intent})


def _record_applied(link: LinkRow, receipt: Receipt) -> LinkRow:
    """GHL did it. Without `settled` it is a part of what is wanted, so the link is not settled."""
    if receipt.is_forgotten:
        return _forget(link, receipt)
    update = {"intent": None, "is_deleted": receipt.is_deleted, "settled": "", **_reported(link, receipt)}
    if receipt.kind == "contact" and receipt.step in _SEARCHES_OF_CHILDREN:
        update["sought"] = link.sought | {receipt.step.removeprefix("find "): receipt.at_ms}
    return link.model_copy(update=update)


def _record_unchanged(link: LinkRow, receipt: Receipt) -> LinkRow:
    """Nothing was to do. Without `settled` it only says that this state was read once more."""
    if not receipt.settled:
        return link.model_copy(update={"version_ms": max(link.version_ms, receipt.version_ms)})
    if receipt.is_forgotten:
        return _forget(link, receipt)
    return link.model_copy(update={"intent": None, **_reported(link, receipt)})


def _record_failed(link: LinkRow, receipt: Receipt) -> LinkRow:
    """It certainly did not happen. A search that found nothing says so of the create, too."""
    if receipt.is_forgotten:
        return _forget(link, receipt)
    if _leaves_earlier_create_in_doubt(link, receipt):
        return link.model_copy(update=_refused_values(link, receipt))
    update: dict[str, object] = {"intent": None, **_refused_values(link, receipt)}
    if receipt.step in _SEARCHES and receipt.kind != "contact":
        # Nor did it move to where its contact is now.
        sought = link.sought | {receipt.step.removeprefix("find "): receipt.at_ms}
        update |= {"ghl_id": None, "refers_to": None, "sought": sought}
    return link.model_copy(update=update)


def _record_refused(link: LinkRow, receipt: Receipt) -> LinkRow:
    """GHL said no for good. A refused search says nothing about the create that it was to find."""
    if receipt.is_forgotten:
        return _forget(link, receipt)
    if receipt.step in _SEARCHES or _leaves_earlier_create_in_doubt(link, receipt):
        return link
    return link.model_copy(update={"intent": None})


def _record_doubtful(link: LinkRow, receipt: Receipt) -> LinkRow:
    """An update left and no answer came: what it was to write is unknown. Or a create that was refused may have happened."""
    doubtful = {"fields": _fields_of(link, receipt), "doubtful_tags": receipt.doubtful_tags}
    return link.model_copy(update={"settled": "", **_not_none(doubtful), **_refused_values(link, receipt)})


def _record_parked(link: LinkRow, receipt: Receipt) -> LinkRow:
    """We gave up without knowing: everything stays as it is."""
    return link


_BY_OUTCOME: Mapping[Outcome, Callable[[LinkRow, Receipt], LinkRow]] = {
    "intended": _record_intended,
    "applied": _record_applied,
    "unchanged": _record_unchanged,
    "failed": _record_failed,
    "refused": _record_refused,
    "doubtful": _record_doubtful,
    "parked": _record_parked,
}


def _forget(link: LinkRow, receipt: Receipt) -> LinkRow:
    """The entity is no longer in GHL: the link starts again, but keeps its version and a create in doubt.

    What was searched for under a contact that is gone may be under the contact into which that one was merged.
    """
    is_search_of_child = receipt.kind != "contact" and receipt.step in _SEARCHES
    is_in_doubt = is_search_of_child or _leaves_earlier_create_in_doubt(link, receipt)
    return LinkRow(
        version_ms=link.version_ms,
        epoch=link.epoch,
        intent=link.intent if is_in_doubt else None,
        parted_from=receipt.parted_from or link.parted_from,
        decided=link.decided,
    )


def _leaves_earlier_create_in_doubt(link: LinkRow, receipt: Receipt) -> bool:
    """Whether this create certainly did not happen, and the one before it still may have."""
    is_not_made = receipt.outcome in ("failed", "refused") and receipt.step in _CREATES
    return is_not_made and link.intent is not None and link.intent.is_repeated


def _reported(link: LinkRow, receipt: Receipt) -> dict[str, object]:
    """What a receipt says that GHL holds now. None means: as before."""
    facts = _not_none(
        {
            "ghl_id": receipt.ghl_id,
            "refers_to": receipt.refers_to,
            "fields": _fields_of(link, receipt),
            "tags": receipt.tags,
            "doubtful_tags": receipt.doubtful_tags,
            "shares": receipt.shares,
            "conflicts": receipt.conflicts,
            "lacks": receipt.lacks,
        }
    )
    facts |= _existence(link, receipt)
    facts |= _refused_values(link, receipt)
    if receipt.conflicts is not None:
        facts["conflicts"] = _remaining_conflicts(link, receipt)
    if receipt.fields is not None and (link.heard or receipt.heard):
        facts["heard"] = _external_edits(link, receipt.fields, receipt.heard or {})
    if receipt.settled:
        facts |= {"settled": receipt.settled, "version_ms": max(link.version_ms, receipt.version_ms)}
        facts["is_gone"] = receipt.is_gone
    if has_won_back(link, receipt):
        facts["settled"] = ""
    return facts


def _fields_of(link: LinkRow, receipt: Receipt) -> dict[str, str] | None:
    """The fields that a receipt reports. Of a shared contact some may have become unknown while its request was under way."""
    is_shared = bool(link.shares) and receipt.shares is None and receipt.fields is not None
    return with_doubts(link, receipt.fields or {}) if is_shared else receipt.fields


def has_won_back(link: LinkRow, receipt: Receipt) -> bool:
    """Whether what this receipt settles went without a value that its contact may have again since: it is planned once more."""
    return bool(receipt.settled) and not (receipt.conflicts or {}).keys() <= link.conflicts.keys()


def _remaining_conflicts(link: LinkRow, receipt: Receipt) -> dict[str, object]:
    """All that there are. What settles a contact ends conflicts and begins none: another lane may have ended one meanwhile."""
    conflicts = receipt.conflicts or {}
    return {name: one for name, one in conflicts.items() if not receipt.settled or name in link.conflicts}


def _existence(link: LinkRow, receipt: Receipt) -> dict[str, object]:
    """Whether a contact was there before us, as the receipt that brings its id reports."""
    if receipt.kind != "contact" or receipt.ghl_id is None or receipt.ghl_id == link.ghl_id:
        return {}
    recalled_ms = receipt.at_ms if receipt.is_recalled else 0
    return {"existed_ms": 0 if receipt.is_new else receipt.at_ms, "recalled_ms": recalled_ms, "sought": {}}


def _refused_values(link: LinkRow, receipt: Receipt) -> dict[str, object]:
    """What is left out from now on, beside what is already. Empty conflicts clear them.

    Of one field the newest value counts: a refusal ends the conflict about the value before, and a conflict the refusal.
    """
    refused, conflicts = receipt.refused or {}, receipt.conflicts or {}
    update: dict[str, object] = {}
    if refused or link.refused.keys() & conflicts.keys():
        kept = {name: hash_ for name, hash_ in link.refused.items() if name not in conflicts}
        update["refused"] = {name: hash_ for name, hash_ in (kept | refused).items() if hash_}
    if receipt.conflicts is not None or any(refused.get(name) for name in link.conflicts):
        kept_conflicts = {name: one for name, one in link.conflicts.items() if not refused.get(name)}
        update["conflicts"] = {} if receipt.conflicts == {} else kept_conflicts | conflicts
    return update


def _external_edits(link: LinkRow, fields: dict[str, str], reported: dict[str, str]) -> dict[str, str]:
    """The fields that somebody edited in GHL, until we write them ourselves. An empty hash ends one."""
    kept = {name: hash_ for name, hash_ in link.heard.items() if fields.get(name) == link.fields.get(name)}
    return {name: hash_ for name, hash_ in (kept | reported).items() if hash_}


def _not_none(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}


def comes_back(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether what hangs on a contact must be looked at again: it has come into being, and not for the first time.

    Until then notes and tasks were settled as those of a contact that is gone, or hang on the one that was.
    This also holds for a receipt that is read a second time: the receipts of notes and tasks are then read again too, and settle them.
    """
    if before is None or receipt.kind != "contact" or receipt.outcome != "applied" or receipt.ghl_id is None:
        return False
    is_made = receipt.step in _MAKES_CONTACT or receipt.ghl_id != before.ghl_id
    return is_made and (before.version_ms > 0 or before.ghl_id is not None)


def is_restored(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether a lead that was deleted is back as of this receipt: what was not created meanwhile must be looked at again."""
    is_news = before is not None and before.is_gone
    return receipt.kind == "contact" and not receipt.is_gone and bool(receipt.settled) and is_news


def writes_contact_again(before: LinkRow | None, after: LinkRow, receipt: Receipt) -> bool:
    """Whether a contact that another lead wrote is written by this one from now on, and with it its opportunity."""
    return receipt.kind == "contact" and before is not None and bool(before.shares) and not after.shares


def comes_late(before: LinkRow | None, after: LinkRow, receipt: Receipt, contact: LinkRow) -> bool:
    """Whether a note or task was settled as alive after its lead was gone: it was read, or its create was sent, before that.

    It may hang on another lead now, and nobody has asked.
    """
    is_alive = bool(receipt.settled) and receipt.fingerprint != NOTHING
    is_news = before is None or not before.settled or before.ghl_id != after.ghl_id
    return receipt.kind != "contact" and contact.is_gone and is_alive and is_news


def leaves_children(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether a lead is gone as of this receipt. What hung on it may hang on another lead now: Lofty may have merged the two."""
    is_news = before is not None and not before.is_gone
    return receipt.kind == "contact" and receipt.is_gone and bool(receipt.settled) and is_news


def is_overtaken(before: LinkRow | None, receipt: Receipt) -> bool:
    """Whether what `deliver` found unchanged has become unknown before its receipt was read: then it must be read once more.

    The receipt moves the version, so a read that was asked for meanwhile with an earlier one counts as stale.
    """
    return receipt.outcome == "unchanged" and not receipt.settled and before is not None and not before.settled


def unsettle(child: LinkRow, contact_id: str) -> LinkRow | None:
    """The link of a note or task to which nothing was settled, if it hangs on another contact, or on none; else None."""
    is_there = child.ghl_id is not None and not child.is_deleted and child.refers_to == contact_id
    return None if is_there or not child.settled else child.model_copy(update={"settled": ""})


def stays_on_left(child: LinkRow, contact: LinkRow) -> bool:
    """Whether a note or task hangs, or may hang, on a contact that its lead, which is gone, has left to another lead."""
    in_doubt_on = child.intent.refers_to if child.intent is not None else None
    return (
        contact.ghl_id is None and bool(contact.parted_from) and contact.parted_from in (child.refers_to, in_doubt_on)
    )


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
        update["shares"] = receipt.shares or ""
        update |= _existence(link, receipt)
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
