"""Judges one lead: compares what GHL holds with what it should hold, entity by entity. Pure.

GHL should hold what the planner would write: the newest snapshot, mapped.
Only what we own is compared. A field that is empty in Lofty counts only if we wrote it before. A tag counts if it is wanted, or if
we added it and it is no longer wanted. Of opt-outs, the channels that are closed on one side only are the difference; its repair
closes them on the other, and opens none.

An entity with a newer state on its way is `pending`, and one that waits for a person is `parked`: neither is wrong.
The caller must read twice: an entity is wrong only if both reads say so. Otherwise it was just changing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.compare import FieldDifference, compare_contact
from streams.core.to_ghl.contact_identity import kept_words
from streams.core.to_ghl.desired import Resolved, resolve_contact
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.hanging import hanging_on
from streams.core.to_ghl.planning import Rules
from streams.core.to_ghl.refused_values import refusal_words
from streams.mapping import map_contact
from streams.mapping.opt_outs import OPT_OUTS, closed_in_ghl, closed_in_lofty
from streams.messages import Entity, Observation, Remedy, Snapshot, Standing
from streams.messages.entity import is_id
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_child import judge_children
from streams.operations.verify.ownership import on_its_way, owned


@dataclass(frozen=True, slots=True)
class VerificationBasis:
    """All that the contacts of one connection are judged by.

    `leaves_deleted`: by policy, a contact that somebody deleted in GHL stays deleted.
    `is_lead`: whether a Lofty id belongs to a lead that exists and was not deleted. `is_child`: the same of a note, task or
    appointment of any lead, by kind and id.
    """

    rules: Rules
    directory: Directory
    leaves_deleted: bool = False
    is_lead: Callable[[str], bool] = lambda lead: False
    is_child: Callable[[str, str], bool] = lambda kind, id: False


def judge_lead(
    snapshots: Mapping[str, Snapshot], seen: Observation, basis: VerificationBasis, bearers: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    """The findings about a lead's contact, notes, tasks and appointments.

    `snapshots` are the newest, by entity key. `bearers` are GHL contacts with the lead's id, other than the linked one.
    """
    owner = Entity.contact(seen.connection, seen.lead)
    snapshot, standing = snapshots.get(owner.key), seen.standings.get(owner.key, Standing())
    found = [] if snapshot is None else list(_contact(owner.key, snapshot, standing, seen, basis, bearers))
    is_leaving = snapshot is not None and snapshot.is_gone
    is_left = basis.leaves_deleted and seen.contact is None and standing.ghl_id is not None
    found += (
        one
        for one in judge_children(snapshots, seen, basis.rules, basis.directory, is_absent_right=is_leaving or is_left)
        if one.entity in snapshots or not _hangs_here_for_another(one, basis)
    )
    return tuple(found)


def _hangs_here_for_another(orphan: Finding, basis: VerificationBasis) -> bool:
    """Whether what this lead does not have is another one's: two leads may have one contact."""
    entity = Entity.from_key(orphan.entity)
    return basis.is_child(entity.kind, entity.id)


def judge_unknown(connection: str, lead: str, seen: Sequence[Observation], rules: Rules) -> Finding:
    """The finding about contacts that carry the id of a lead of which we have no snapshot.

    One that has the tag of deleted leads is as it should be: an earlier memory of ours has seen that its lead is gone.
    """
    contacts = [one.contact or {} for one in seen]
    key, ghl_ids = Entity.contact(connection, lead).key, tuple(str(one["id"]) for one in contacts)
    hanging = hanging_on(seen[0].notes, seen[0].tasks, seen[0].appointments)
    if rules.lead_deleted == "tag" and all(rules.lead_deleted_tag in (one.get("tags") or ()) for one in contacts):
        return Finding(key, "ok", "carries the id of an unknown lead, and the tag of deleted ones", ghl_ids=ghl_ids)
    return Finding(
        key,
        "orphaned",
        "carries the id of an unknown lead",
        ghl_ids=ghl_ids,
        remedies=(Remedy(cure="ask", ghl_id=ghl_ids[0], hanging=hanging),) if is_id(lead) else (),
        advice="a repair asks Lofty about the lead, and about what hangs on the contact; one that Lofty does not show, nor has in its "
        "trash, and of which nothing hangs on another lead, is not this team's: then delete the contact in GHL, or empty its Lofty id",
    )


def _contact(
    key: str,
    snapshot: Snapshot,
    standing: Standing,
    seen: Observation,
    basis: VerificationBasis,
    bearers: tuple[str, ...],
) -> Iterator[Finding]:
    if underway := on_its_way(key, snapshot, standing):
        yield underway
        return
    linked = standing.ghl_id if seen.contact is not None else None
    ids = tuple(one for one in (linked, *bearers) if one)
    if len(ids) > 1:
        yield Finding(
            key,
            "double",
            f"{len(ids)} GHL contacts have this lead's id",
            ghl_ids=ids,
            advice=f"merge them in GHL and keep {ids[0]}: a contact is never deleted by verify",
        )
    if snapshot.is_gone and standing.shares:
        yield Finding(key, "ok", f"deleted in Lofty; its contact is that of {standing.shares}")
    elif snapshot.is_gone:
        yield _gone(key, standing, seen, basis, bearers)
    elif seen.contact is None:
        yield _absent(key, snapshot, standing, basis, bearers)
    else:
        yield _present(key, snapshot, standing, seen, basis)


def _gone(
    key: str, standing: Standing, seen: Observation, basis: VerificationBasis, bearers: tuple[str, ...]
) -> Finding:
    policy, tag = basis.rules.lead_deleted, basis.rules.lead_deleted_tag
    if bearers and standing.ghl_id is None and policy != "ignore":
        return Finding(
            key,
            "orphaned",
            "deleted in Lofty, and a contact has its id that our memory does not name",
            ghl_ids=bearers,
            remedies=(Remedy(cure="ask", ghl_id=bearers[0]),),
        )
    if seen.contact is None or policy == "ignore":
        return Finding(key, "ok", "deleted in Lofty")
    ghl_ids = (standing.ghl_id,) if standing.ghl_id else ()
    if policy == "delete":
        return Finding(
            key,
            "orphaned",
            "deleted in Lofty, so by policy it should no longer be in GHL",
            ghl_ids=ghl_ids,
            remedies=() if standing.is_deleted else (Remedy(cure="doubt"),),
            advice="we deleted it, and somebody restored it: delete it in GHL" if standing.is_deleted else "",
        )
    tags = tuple(seen.contact.get("tags") or ())
    if tag in tags:
        return Finding(key, "ok", "deleted in Lofty, tagged in GHL", compared=1)
    return Finding(
        key,
        "different",
        "deleted in Lofty, but the contact does not have the tag for that",
        (FieldDifference("tags", [tag], sorted(tags)),),
        ghl_ids,
        (Remedy(cure="doubt", tags=(tag,)),),
        compared=1,
    )


def _absent(
    key: str, snapshot: Snapshot, standing: Standing, basis: VerificationBasis, bearers: tuple[str, ...]
) -> Finding:
    if basis.leaves_deleted and standing.ghl_id is not None:
        return Finding(key, "ok", "deleted in GHL by hand, and by policy left alone")
    if bearers:
        names = tuple(name for name, value in _resolved(snapshot, basis).contact.fields.items() if value is not None)
        return Finding(
            key,
            "missing",
            "the contact that we wrote is not in GHL, but another one with this lead's id is",
            ghl_ids=bearers,
            remedies=(Remedy(cure="adopt", ghl_id=bearers[0], fields=names),),
        )
    because = "deleted in GHL" if standing.ghl_id else "was never written"
    return Finding(key, "missing", because, remedies=(Remedy(cure="forget", ghl_id=standing.ghl_id),))


def _present(key: str, snapshot: Snapshot, standing: Standing, seen: Observation, basis: VerificationBasis) -> Finding:
    contact = seen.contact or {}
    resolved = _resolved(snapshot, basis)
    desired = resolved.contact
    ghl_ids = (standing.ghl_id,) if standing.ghl_id else ()
    if standing.shares:
        words = f"has one contact with {standing.shares}, which alone is written on it"
        return _conflict(key, words, standing, desired.fields, ghl_ids) or Finding(key, "ok", words)
    refused = sorted(name for name, hash_ in standing.refused.items() if field_hash(desired.fields.get(name)) == hash_)
    compared_fields = (one for one in compare_contact(desired, contact) if one.field not in ("tags", *refused))
    differences = owned(compared_fields, standing)
    tags = set(contact.get("tags") or ())
    lacking = sorted(set(desired.tags) - tags)
    surplus = sorted(one for one in tags - {*desired.tags} if basis.rules.mapping.tags.owns(one, standing.tags))
    if lacking or surplus:
        differences = (*differences, FieldDifference("tags", sorted(desired.tags), sorted(tags)))
    if basis.rules.opt_outs and (closed := closed_in_lofty(snapshot.state or {})) != (held := closed_in_ghl(contact)):
        differences = (*differences, FieldDifference(OPT_OUTS, sorted(closed), sorted(held)))
    compared = len(desired.fields) + 1
    if not differences:
        mine = sorted(set(refused) - standing.conflicts.keys())
        kept = kept_words(desired, contact, standing.written, standing.tags) if standing.is_recalled else ()
        left_out = (*(refusal_words(name) for name in mine), *resolved.left_out, *kept)
        conflict = _conflict(key, "", standing, desired.fields, ghl_ids)
        if conflict is not None:
            return replace(conflict, compared=compared, left_out=left_out)
        return Finding(key, "ok", "; ".join(left_out), ghl_ids=ghl_ids, compared=compared, left_out=left_out)
    other = str((contact.get("customFields") or {}).get(desired.external_id_field) or "")
    if other and other != snapshot.lead and basis.is_lead(other):
        return Finding(
            key,
            "different",
            f"its GHL contact is that of lead {other}, which wrote it later",
            differences,
            ghl_ids,
            (Remedy(cure="leave", ghl_id=standing.ghl_id),),
            compared=compared,
        )
    names = tuple(one.field for one in differences if one.field != "tags")
    remedy = Remedy(cure="doubt", fields=names, tags=(*lacking, *surplus))
    return Finding(key, "different", "", differences, ghl_ids, (remedy,), compared=compared)


def _conflict(
    key: str, words: str, standing: Standing, fields: Mapping[str, Any], ghl_ids: tuple[str, ...]
) -> Finding | None:
    """The conflict about a contact's present values, if one is recorded."""
    held = {name: one for name, one in standing.conflicts.items() if field_hash(fields.get(name)) == one.hash}
    if not held:
        return None
    parts = [
        f"{name}: GHL contact {one.contact_id} has it, {f'that of {one.lead}' if one.lead else 'which is no lead of ours'}"
        for name, one in sorted(held.items())
    ]
    is_undecided = any(one.contact_id not in standing.decided for one in held.values())
    return Finding(
        key,
        "conflict",
        "; ".join(filter(None, (words, *parts))),
        ghl_ids=ghl_ids,
        advice="nobody has decided: see `lofty-ghl conflicts`" if is_undecided else "a person has decided it so",
        is_undecided=is_undecided,
    )


def _resolved(snapshot: Snapshot, basis: VerificationBasis) -> Resolved:
    mapped = map_contact(basis.rules.mapping, snapshot.state or {}, region=basis.rules.region)
    return resolve_contact(mapped, basis.directory, snapshot.lead)


def bears(contact: Mapping[str, object], directory_field: str | None, lead: str) -> bool:
    """Whether a contact of an observation has a lead's id."""
    custom = contact.get("customFields")
    return isinstance(custom, Mapping) and str(custom.get(directory_field)) == lead
