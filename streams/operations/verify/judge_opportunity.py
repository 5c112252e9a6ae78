"""Judges the opportunity of one lead. It carries no marker: it is the one that the link names, or the contact's in the pipeline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.compare import compare_child
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.opportunity import PIPELINE, desired_opportunity
from streams.core.to_ghl.planning import Rules
from streams.core.to_ghl.refused_values import refusal_words
from streams.messages import Entity, Observation, Remedy, Snapshot, Standing
from streams.operations.verify.findings import Finding
from streams.operations.verify.ownership import owned


def judge_opportunity(
    key: str, snapshot: Snapshot, seen: Observation, rules: Rules, directory: Directory
) -> Finding | None:
    """The finding about an opportunity on which nobody works. None: it has to be in GHL, and its contact is not."""
    standing = seen.standings.get(key, Standing())
    owner = seen.standings.get(Entity.from_key(key).owner.key, Standing())
    desired = desired_opportunity(snapshot.state, rules.stages, directory, rules.mapping.users)
    if desired is None:
        return Finding(key, "ok", "its lead is deleted, or its stage has no pair: GHL keeps it as it is")
    if owner.shares:
        return Finding(key, "ok", f"its contact is that of {owner.shares}, which alone is written on it")
    if seen.contact is None:
        return None
    left_out = (
        *(refusal_words(one) for one in sorted(standing.refused) if _is_refused(one, desired.fields, standing)),
        *desired.left_out,
    )
    rows = {str(one["id"]): one for one in seen.opportunities}
    row = rows.get(standing.ghl_id or "")
    if row is None:
        because = "deleted in GHL" if standing.ghl_id else "was never written"
        return Finding(key, "missing", because, remedies=(Remedy(cure="forget", ghl_id=standing.ghl_id),))
    if PIPELINE not in desired.fields:
        return Finding(key, "ok", "; ".join(left_out), ghl_ids=(str(row["id"]),), left_out=left_out)
    differing = (one for one in compare_child(desired, row) if not _is_refused(one.field, desired.fields, standing))
    differences, compared = owned(differing, standing), len(desired.fields)
    ghl_ids = (str(row["id"]),)
    if not differences:
        return Finding(key, "ok", "; ".join(left_out), ghl_ids=ghl_ids, compared=compared, left_out=left_out)
    remedy = Remedy(cure="doubt", fields=tuple(one.field for one in differences))
    return Finding(key, "different", "", differences, ghl_ids, (remedy,), compared=compared)


def _is_refused(name: str, fields: Mapping[str, Any], standing: Standing) -> bool:
    return standing.refused.get(name) == field_hash(fields.get(name))
