"""Reconstructs the fields of a request to GHL from its receipt and its snapshot. Pure.

A receipt has only a short hash of each field, so that no topic holds a person's data twice. The values come from the snapshot
with the same fingerprint, mapped again. A value is shown only if its hash equals the receipt's: so it is the one that was sent,
even if the mapping has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.desired import resolve_note
from streams.core.to_ghl.plan import CUSTOM
from streams.mapping import StageTable, map_appointment, map_contact, map_opportunity, map_task
from streams.mapping.opt_outs import OPT_OUTS
from streams.messages import Receipt, Snapshot
from streams.settings.model import Connection


@dataclass(frozen=True, slots=True)
class Sent:
    """One field of a request. `value` is None if not `is_known`: then the snapshot or the mapping has changed since."""

    field: str
    value: Any
    is_known: bool


class Sender:
    """The requests of one contact, in order of time."""

    def __init__(self, connection: Connection, snapshots: Iterable[Snapshot]) -> None:
        self._connection = connection
        self._states = {(one.entity.key, one.fingerprint): one for one in snapshots}
        self._before: dict[str, Mapping[str, str]] = {}
        self._mapped: dict[tuple[str, str], dict[str, Any]] = {}

    def sent(self, receipt: Receipt) -> tuple[Sent, ...]:
        """The fields that changed by this write."""
        key = receipt.entity.key
        if receipt.is_forgotten:
            self._before.pop(key, None)
        fields = receipt.fields
        if fields is None or receipt.outcome not in ("applied", "intended", "doubtful"):
            return ()
        before = self._before.get(key, {})
        changed = {name: hashed for name, hashed in fields.items() if before.get(name) != hashed}
        if receipt.outcome == "applied":
            self._before[key] = fields
        values = self._values(key, receipt.fingerprint)
        return tuple(_one(name, hashed, values) for name, hashed in sorted(changed.items()))

    def _values(self, key: str, fingerprint: str) -> dict[str, Any]:
        snapshot = self._states.get((key, fingerprint))
        if snapshot is None or snapshot.state is None:
            return {}
        if (key, fingerprint) not in self._mapped:
            self._mapped[key, fingerprint] = _mapped(self._connection, snapshot, snapshot.state)
        return self._mapped[key, fingerprint]


def _mapped(connection: Connection, snapshot: Snapshot, state: Mapping[str, Any]) -> dict[str, Any]:
    match snapshot.kind:
        case "contact":
            contact = map_contact(connection.mapping, state, region=connection.region)
            return {**contact.fields, **{f"{CUSTOM}{name}": value for name, value in contact.custom.items()}}
        case "note":
            return dict(resolve_note(state, connection.mapping.locale).fields)
        case "opportunity":
            mapped = map_opportunity(state, StageTable(connection.stages))
            return {} if mapped is None else {"name": mapped.name, "status": mapped.pair.status}
        case kind:
            locale = connection.mapping.locale
            task = map_task(state) if kind == "task" else map_appointment(state, locale=locale)
            return {"title": task.title, "body": task.body, "dueDate": task.due_iso, "completed": task.completed}


def _one(name: str, hashed: str, values: Mapping[str, Any]) -> Sent:
    if name == OPT_OUTS:
        return Sent(name, hashed or None, bool(hashed))  # no hash: it says which channels
    if name in values and field_hash(values[name]) == hashed:
        return Sent(name, values[name], True)
    if name.startswith(CUSTOM):
        # The receipt has the field's id, the mapping its name. If just one name has this value, that is the field.
        same = [one for one, value in values.items() if one.startswith(CUSTOM) and field_hash(value) == hashed]
        if len(same) == 1:
            return Sent(same[0], values[same[0]], True)
        if same:
            return Sent(name, values[same[0]], True)
    return Sent(name, None, False)
