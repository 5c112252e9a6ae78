"""From a Lofty lead to the desired state of its GHL contact.

A value that is unset in Lofty is mapped to None: "ours, and empty".
Whether that clears a field in GHL is the planner's decision, by what was last written:
what we never wrote, we do not clear.
A value that cannot be read is left out and flagged: GHL keeps its value, and the rest of the contact is written.
The assignment is the exception: without an agent's e-mail it is None, and the planner leaves the GHL user alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jmespath.exceptions import JMESPathError

from streams.mapping.cost import shared_steps
from streams.mapping.ghl_fields import clean, custom_key, settle
from streams.mapping.lead_fields import ADDRESS
from streams.mapping.mapping import LEAD_ID_FIELD, CompiledField, CompiledMapping
from streams.mapping.steps import Step, unset_step
from streams.mapping.tags import map_tags
from streams.mapping.transforms import compile_transform
from streams.mapping.values import UnreadableValue, identity

MIRROR_PREFIX = "Lofty "
MIRRORED_TYPES: dict[str, str] = {
    "number": "NUMERICAL",
    "percentage": "NUMERICAL",
    "currency": "MONETORY",
    "date": "DATE",
    "anniversary_date": "DATE",
}
_ADDRESS_KEYS = ("streetAddress", "city", "state", "zipCode", "county")
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
    view = view_of(state)
    flags: list[str] = []
    fields: dict[str, Any] = {}
    for field in mapping.standard:
        _fill(fields, field, view, region, flags)
    custom: dict[str, Any] = {}
    _add_lead_id(custom, state, flags)
    for field in mapping.custom:
        _fill(custom, field, view, region, flags)
    types = mapping.custom_types
    if mapping.mirrored:
        types = dict(types)
        _mirror(mapping, state, region, custom, types, flags)
    tags, tag_flags = map_tags(mapping.tags, view)
    assigned: dict[str, Any] = {}
    if mapping.assignment is not None:
        _fill(assigned, mapping.assignment, view, region, flags)
    email = assigned.get("assignedTo")
    return MappedContact(
        fields=fields,
        custom=custom,
        custom_types=types,
        tags=tags,
        assigned_to_email=mapping.ghl_user_email(email) if email else None,
        flags=(*flags, *tag_flags),
    )


def view_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """A lead as the mapping's expressions read it: Lofty's JSON, with one whole address."""
    return {**state, ADDRESS: _address(state)}


def _fill(into: dict[str, Any], field: CompiledField, view: dict[str, Any], region: str, flags: list[str]) -> None:
    try:
        into[field.target] = _run(field.steps, field.read(view), region)
    except UnreadableValue as error:
        flags.append(f"{field.target}: {error}")
    except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        flags.append(f"{field.target}: {field.source} fails: {type(error).__name__}")


def _run(steps: tuple[Step, ...], value: Any, region: str) -> Any:
    for step in steps:
        value = step(value, region)
    return value


def _add_lead_id(custom: dict[str, Any], state: Mapping[str, Any], flags: list[str]) -> None:
    lead_id = identity(state.get("leadId"))
    if lead_id is not None and lead_id not in ("0", "-1"):
        custom[LEAD_ID_FIELD] = lead_id
    else:
        flags.append(f"{LEAD_ID_FIELD}: the lead has no id")


def _address(state: Mapping[str, Any]) -> dict[str, Any]:
    """One whole address: the mailing address, else the first property that has one, else the lead's own (deprecated).

    Whole, so that a street never appears with another property's town.
    """
    properties = state.get("leadPropertyList")
    homes = [one for one in properties if isinstance(one, dict)] if isinstance(properties, list) else []
    for home in sorted(homes, key=lambda one: one.get("mailAddress") is not True):
        if any(_is_said(home.get(key)) for key in ("streetAddress", "city", "zipCode")):
            return {key: home.get(key) for key in _ADDRESS_KEYS}
    return {key: state.get(key) for key in _ADDRESS_KEYS}


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and _without_unset(value, "") is not None


def _mirror(
    mapping: CompiledMapping,
    state: Mapping[str, Any],
    region: str,
    custom: dict[str, Any],
    types: dict[str, str],
    flags: list[str],
) -> None:
    """Carry Lofty's custom attributes as they are, except those that the mapping names itself."""
    attributes = state.get("customAttributes")
    taken = {custom_key(reference) for reference in types}
    for attribute in attributes if isinstance(attributes, list) else []:
        name = attribute.get("attributeName") if isinstance(attribute, dict) else None
        if not isinstance(name, str) or not custom_key(name):
            continue
        reference = MIRROR_PREFIX + clean(name).strip()
        is_wanted = any(fnmatchcase(name.strip().lower(), pattern) for pattern in mapping.mirrored)
        if not is_wanted or custom_key(reference) in taken:
            continue
        taken.add(custom_key(reference))
        kind = attribute.get("attributeType")
        types[reference] = MIRRORED_TYPES.get(kind, "TEXT") if isinstance(kind, str) else "TEXT"
        steps = (_without_unset, *((_as_list,) if kind == "multi_select" else ()), settle(types[reference]))
        try:
            custom[reference] = _run(steps, attribute.get("value"), region)
        except UnreadableValue as error:
            flags.append(f"{reference}: {error}")
