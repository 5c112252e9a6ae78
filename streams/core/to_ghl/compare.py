"""Compare what GHL holds with what the mapping says it should hold, field by field. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.core.fingerprint import field_hash
from streams.core.to_ghl.plan import CUSTOM, UNKNOWN, DesiredChild, DesiredContact
from streams.mapping.opt_outs import OPT_OUTS, closed_in_ghl, mark
from streams.mapping.rich_text import one_line


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that is not as it should be."""

    field: str
    wanted: Any
    found: Any


GIVEN_BY_GHL = {"source": "public api"}
"""What GHL puts into a field itself when a contact is created without it: as good as empty."""


def compare_contact(
    desired: DesiredContact, contact: Mapping[str, Any], *, is_ours_alone: bool = False
) -> tuple[FieldDifference, ...]:
    """What differs between a desired contact and GHL's: our fields, and our tags (the contact may have others too).

    `contact["customFields"]` maps field ids to values. `is_ours_alone` says that nobody else sets tags there.
    """
    found = {name: _held(contact, name) for name in desired.fields}
    found |= {
        name: None
        for name, given in GIVEN_BY_GHL.items()
        if desired.fields.get(name) is None and found.get(name) == given
    }
    differences = _fields(desired.fields, found)
    tags = set(contact.get("tags") or ())
    if missing := sorted(set(desired.tags) - tags):
        differences.append(FieldDifference("tags", missing, sorted(tags)))
    if is_ours_alone and (surplus := sorted(tags - set(desired.tags))):
        differences.append(FieldDifference("tags", sorted(desired.tags), surplus))
    return tuple(differences)


def _held(contact: Mapping[str, Any], name: str) -> Any:
    custom = contact.get("customFields") or {}
    return custom.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else contact.get(name)


def still_as_written(written: Mapping[str, str], contact: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields in which a contact holds what we wrote, by the hashes of its link. Others were changed in GHL since."""
    found = ((name, _held(contact, name), hash_) for name, hash_ in written.items())
    return tuple(name for name, value, hash_ in found if value is not None and field_hash(value) == hash_)


def adopted_contact_fields(
    desired: DesiredContact, contact: Mapping[str, Any], intended: Container[str]
) -> dict[str, str]:
    """What a link reads of a contact that was there before: the hash of what it holds as wanted, the rest is not known.

    A field that is empty in Lofty counts if a create was to write it (`intended`), or if nobody else writes it (`only_ours`). Where the opt-outs of the two differ, they are
    compared on both sides before anything else is written.
    """
    differing = {one.field for one in compare_contact(desired, contact)}
    ours = {*desired.only_ours, *(name for name in desired.fields if name in intended)}
    named = [name for name, value in desired.fields.items() if value is not None or name in ours]
    fields = {name: UNKNOWN if name in differing else field_hash(desired.fields[name]) for name in named}
    held = closed_in_ghl(contact)
    if desired.opt_outs is not None and (desired.opt_outs or held):
        fields[OPT_OUTS] = mark(held) if held == desired.opt_outs else UNKNOWN
    return fields


def compare_child(desired: DesiredChild, child: Mapping[str, Any]) -> tuple[FieldDifference, ...]:
    """What differs between a desired note or task and GHL's. HTML is compared by what it shows."""
    differing = _fields(desired.fields, {name: child.get(name) for name in desired.fields})
    return tuple(one for one in differing if not _says_same(desired, one))


def _says_same(desired: DesiredChild, one: FieldDifference) -> bool:
    """Whether GHL holds another form of a text: its own, or an earlier release's."""
    form = one_line if one.field in desired.html else str
    values = (one.wanted, *desired.earlier.get(one.field, ()))
    return isinstance(one.found, str) and form(one.found) in [form(v) for v in values if isinstance(v, str)]


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same, however each side writes it."""
    return bool(_plain(one) == _plain(other))


def _fields(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[FieldDifference]:
    return [
        FieldDifference(name, value, found[name])
        for name, value in wanted.items()
        if _plain(value) != _plain(found[name])
    ]


def _plain(value: Any) -> Any:
    """A value as both sides may write it: empty is empty, times are instants, numbers are numbers."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == "-" and value[7:8] == "-":
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        return at.replace(tzinfo=None) if at.utcoffset() is None else at.timestamp()
    return value
