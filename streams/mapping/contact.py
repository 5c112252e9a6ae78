"""From a Lofty lead to the desired state of its GHL contact.

A value that is unset in Lofty is mapped to None: "ours, and empty".
Whether that clears a field in GHL is the planner's decision, by what was last written:
what we never wrote, we do not clear.
A value that cannot be read is left out and flagged: GHL keeps its value, and the rest of the contact is written.
So is each value of a list beyond the one that a field takes. Every value that is not empty is carried or flagged, but for what the
mapping's author leaves out by a transform, a pattern or `unset`.
The assignment is the exception: without an agent's e-mail it is None, and the planner leaves the GHL user alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from jmespath.exceptions import JMESPathError

from streams.mapping.cost import shared_steps
from streams.mapping.ghl_fields import clean, custom_key, settle
from streams.mapping.lead_fields import ADDRESS
from streams.mapping.locale import Reading, local
from streams.mapping.mapping import LEAD_ID_FIELD, CompiledField, CompiledMapping
from streams.mapping.steps import Step, unset_step
from streams.mapping.tags import map_tags
from streams.mapping.transforms import compile_transform
from streams.mapping.values import UnreadableValue, glimpse, identity

MIRROR_PREFIX = "Lofty "
MIRRORED_TYPES: dict[str, str] = {
    "number": "NUMERICAL",
    "percentage": "NUMERICAL",
    "currency": "MONETORY",
    "date": "DATE",
    "anniversary_date": "DATE",
}
_ADDRESS_KEYS = ("streetAddress", "city", "state", "zipCode", "county")
_STREET = f"{ADDRESS}.{_ADDRESS_KEYS[0]}"
_READING = Reading()
"""For a step that notes nothing."""
_without_unset = unset_step()
_as_list = compile_transform("list")


@dataclass(frozen=True, slots=True)
class MappedContact:
    """The desired state of a contact. None in `fields` and `custom` means: we own the field, and it is empty.

    `custom` and `custom_types` are keyed by a custom field's name, or by its key when it starts with `contact.`.
    `flags` say, in words, which values could not be read.
    """

    fields: dict[str, Any]
    custom: dict[str, Any]
    custom_types: Mapping[str, str]
    tags: tuple[str, ...]
    assigned_to_email: str | None
    flags: tuple[str, ...]


def map_contact(mapping: CompiledMapping, state: Mapping[str, Any], *, region: str) -> MappedContact:
    """Map the state of a lead. `region` is where its phone numbers are at home. Never raises for what Lofty sends."""
    with shared_steps():
        return _map_contact(mapping, state, region=region)


def _map_contact(mapping: CompiledMapping, state: Mapping[str, Any], *, region: str) -> MappedContact:
    addresses = _addresses(state)
    view = _with_address(state, addresses)
    reading = reading_of(mapping, state, region)
    flags: list[str] = []
    fields: dict[str, Any] = {}
    for field in mapping.standard:
        _fill(fields, field, view, reading, flags)
        if field.source == _STREET and (count := len(addresses) - 1) > 0:
            more = f"{count} more address{'es' if count > 1 else ''}"
            flags.append(f"{field.target}: {more} left out, because a contact has one")
    custom: dict[str, Any] = {}
    _add_lead_id(custom, state, flags)
    for field in mapping.custom:
        _fill(custom, field, view, reading, flags)
    types = mapping.custom_types
    if mapping.mirrored:
        types = dict(types)
        for mirrored in mirrored_attributes(mapping, state):
            _mirror(mirrored, reading, custom, types, flags)
    tags, tag_flags = map_tags(mapping.tags, view)
    assigned: dict[str, Any] = {}
    if mapping.assignment is not None:
        _fill(assigned, mapping.assignment, view, reading, flags)
    email = assigned.get("assignedTo")
    return MappedContact(
        fields=fields,
        custom=custom,
        custom_types=types,
        tags=tags,
        assigned_to_email=mapping.ghl_user_email(email) if email else None,
        flags=(*flags, *tag_flags),
    )


def reading_of(mapping: CompiledMapping, state: Mapping[str, Any], region: str) -> Reading:
    """How one value of a lead is read: with the lead's own time zone, if Lofty says it."""
    return Reading(region, local(state, mapping.locale))


def view_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """A lead as the mapping's expressions read it: Lofty's JSON, with one whole address."""
    return _with_address(state, _addresses(state))


def _with_address(state: Mapping[str, Any], addresses: list[dict[str, Any]]) -> dict[str, Any]:
    """With one whole address: the mailing address, else the first property that has one, else the lead's own (deprecated).

    Whole, so that a street never appears with another property's town.
    """
    address = addresses[0] if addresses else {key: state.get(key) for key in _ADDRESS_KEYS}
    return {**state, ADDRESS: address}


def _fill(into: dict[str, Any], field: CompiledField, view: dict[str, Any], reading: Reading, flags: list[str]) -> None:
    try:
        into[field.target] = _run(field.steps, field.read(view), reading)
    except UnreadableValue as error:
        reading.notes.append(str(error))
    except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        reading.notes.append(f"{field.source} fails: {type(error).__name__}")
    if reading.notes:
        _flag(field.target, reading, flags)


def _flag(name: str, reading: Reading, flags: list[str]) -> None:
    """Turn the notes on one field's value into flags; the reading is free for the next field."""
    flags += [f"{name}: {note}" for note in notes_of(reading)]
    reading.notes.clear()


MOST_NOTES = 5
"""Flags of one field: a list may hold thousands of values that cannot be read."""


def notes_of(reading: Reading) -> list[str]:
    """What was left out of a value, in words, each once."""
    notes = list(dict.fromkeys(reading.notes))
    more = [f"{len(notes) - MOST_NOTES} more of its values left out"] if len(notes) > MOST_NOTES else []
    return [*notes[:MOST_NOTES], *more]


def _run(steps: tuple[Step, ...], value: Any, reading: Reading) -> Any:
    for step in steps:
        value = step(value, reading)
    return value


def _add_lead_id(custom: dict[str, Any], state: Mapping[str, Any], flags: list[str]) -> None:
    lead_id = identity(state.get("leadId"))
    if lead_id is not None and lead_id not in ("0", "-1"):
        custom[LEAD_ID_FIELD] = lead_id
    else:
        flags.append(f"{LEAD_ID_FIELD}: the lead has no id")


def _addresses(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All whole addresses of a lead, each once: the first is the one that a contact gets."""
    properties = state.get("leadPropertyList")
    homes = [one for one in properties if isinstance(one, dict)] if isinstance(properties, list) else []
    homes.sort(key=lambda one: one.get("mailAddress") is not True)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for home in (*homes, state):
        address = {key: home.get(key) for key in _ADDRESS_KEYS}
        said = tuple(str(value).strip().casefold() if _is_said(value) else "" for value in address.values())
        if said[0] or said[1] or said[3]:  # a street, a city or a postal code
            found.setdefault(said, address)
    return list(found.values())


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and _is_given(value)


@dataclass(frozen=True, slots=True)
class MirroredAttribute:
    """A custom attribute of Lofty and the custom field that carries it; `trouble` says why none does."""

    reference: str
    value: Any
    type: str = "TEXT"
    is_list: bool = False
    trouble: str = ""


def mirrored_attributes(mapping: CompiledMapping, state: Mapping[str, Any]) -> Iterator[MirroredAttribute]:
    """Lofty's custom attributes that the mapping carries as they are, and those with a value that cannot be carried.

    Those that the mapping reads itself, or does not want, are not among them. GHL tells fields apart by a key that it derives
    from the name: of several attributes with one key the first with a value is carried.
    """
    if not mapping.mirrored:
        return
    attributes = state.get("customAttributes")
    if not isinstance(attributes, list):
        if attributes:
            yield MirroredAttribute("customAttributes", attributes, trouble="Lofty's custom attributes are no list")
        return
    named = {custom_key(reference): reference for reference in mapping.custom_types}
    read = {custom_key(field.target) for field in mapping.custom if "customAttributes" in field.source}
    carried: dict[str, MirroredAttribute] = {}
    for position, attribute in enumerate(attributes):
        one = _mirrored(attribute, position)
        name = one.reference.removeprefix(MIRROR_PREFIX)
        key = custom_key(one.reference)
        is_given = _is_given(one.value)
        if one.trouble:
            if is_given:
                yield one
        elif key in read or not any(fnmatchcase(name.lower(), pattern) for pattern in mapping.mirrored):
            continue
        elif not is_given:
            if key not in named:
                carried.setdefault(key, one)
        elif key in named:
            yield replace(one, trouble=f"the mapping fills {named[key]!r} with something else: map it to another field")
        elif key in carried and _is_given(carried[key].value):
            first = carried[key].reference.removeprefix(MIRROR_PREFIX)
            trouble = f"GHL cannot tell it from {first!r}: rename one in Lofty, or map it to a field of another name"
            yield replace(one, trouble=trouble)
        else:
            carried[key] = one
    yield from carried.values()


def _mirrored(attribute: Any, position: int) -> MirroredAttribute:
    row = attribute if isinstance(attribute, dict) else {"value": attribute}
    name, value, kind = row.get("attributeName"), row.get("value"), row.get("attributeType")
    shown = clean(name).strip() if isinstance(name, str) else ""
    if not shown:
        return MirroredAttribute(f"customAttributes[{position}]", value, trouble="it has no name")
    type_ = MIRRORED_TYPES.get(kind, "TEXT") if isinstance(kind, str) else "TEXT"
    return MirroredAttribute(MIRROR_PREFIX + shown, value, type_, kind == "multi_select")


def _is_given(value: Any) -> bool:
    return _without_unset(value, _READING) is not None


def _mirror(
    mirrored: MirroredAttribute, reading: Reading, custom: dict[str, Any], types: dict[str, str], flags: list[str]
) -> None:
    if mirrored.trouble:
        flags.append(f"{mirrored.reference}: {glimpse(mirrored.value)} is left out: {mirrored.trouble}")
        return
    types[mirrored.reference] = mirrored.type
    steps = (_without_unset, *((_as_list,) if mirrored.is_list else ()), settle(mirrored.type))
    try:
        custom[mirrored.reference] = _run(steps, mirrored.value, reading)
    except UnreadableValue as error:
        reading.notes.append(str(error))
    if reading.notes:
        _flag(mirrored.reference, reading, flags)
