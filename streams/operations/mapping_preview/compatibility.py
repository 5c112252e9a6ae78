"""Checks whether a mapping fits its GHL location and its leads: fields, types, users, tags. Pure.

Each finding says what was found and, if something is to be done, what.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from streams.core.to_ghl.directory import Directory, fold
from streams.mapping import CompiledMapping, CustomField, map_contact
from streams.mapping.errors import did_you_mean
from streams.mapping.mapping import LEAD_ID_FIELD
from streams.mapping.tags import TagRules, map_tags
from streams.settings.model import Connection

FitVerdict = Literal["ok", "will be created", "wrong", "not known"]

ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"TEXT", "LARGE_TEXT"}),
    frozenset({"NUMERICAL", "MONETORY"}),
    frozenset({"SINGLE_OPTIONS", "RADIO"}),
    frozenset({"MULTIPLE_OPTIONS", "CHECKBOX"}),
)
"""Groups of custom field types that accept the same values."""

ALMOST, NEARER = 0.8, 0.92
"""How alike two names are, from 0 to 1, for one to be a misspelling of the other; and where the mapping fills both."""

_ATTRIBUTE = re.compile(r"attributeName\s*==\s*(?:'([^']*)'|`\"?([^`\"]*)\"?`)")


@dataclass(frozen=True, slots=True)
class Compatibility:
    """One finding about a connection's mapping, and what to do about it ("" for nothing)."""

    connection: str
    verdict: FitVerdict
    subject: str
    says: str
    mend: str = ""


def check_compatibility(
    connection: Connection,
    directory: Directory | None,
    leads: Sequence[Mapping[str, Any]],
    why: str = "",
    remade: Mapping[str, str] | None = None,
) -> tuple[Compatibility, ...]:
    """Check the mapping of a connection. `leads` are some leads as Lofty holds them; `why` says why the directory is not known.

    `remade` are the custom fields that were made again, with the ids before.
    """
    found: list[Compatibility] = []
    if directory is None:
        mend = "start `lofty-ghl worker`, then run this again"
        found.append(
            Compatibility(connection.name, "not known", "the location", why or "no worker reported its fields", mend)
        )
    else:
        found += (_remade(one, directory, remade or {}) for one in _fields(connection, directory, leads))
        found += _users(connection, directory, leads)
    found += _attributes(connection, leads)
    found += _tags(connection, leads)
    return tuple(found)


def _fields(
    connection: Connection, directory: Directory, leads: Sequence[Mapping[str, Any]]
) -> Iterator[Compatibility]:
    name, mapping = connection.name, connection.mapping
    if not directory.custom_fields and mapping.custom_fields:
        says = "GHL lists no custom field: either there is none yet, or the token may not read them"
        mend = "the token needs the scopes locations/customFields.readonly and locations/customFields.write"
        yield Compatibility(name, "not known", "custom fields", says, mend)
    wanted = _wanted(mapping, connection, leads)
    for one in wanted.values():
        yield _field(connection, directory, one, wanted)


def _remade(one: Compatibility, directory: Directory, remade: Mapping[str, str]) -> Compatibility:
    """A field that was deleted and made again is there, with another id: its values are written again by themselves."""
    name = fold(one.subject.removeprefix("custom:"))
    if one.verdict != "ok" or name not in remade:
        return one
    says = f"{one.says}; it was made again (id {remade[name]}, now {directory.custom_fields[name]}): all its values are written again"
    return replace(one, says=says)


def _wanted(
    mapping: CompiledMapping, connection: Connection, leads: Sequence[Mapping[str, Any]]
) -> dict[str, CustomField]:
    """The custom fields that the mapping names, and those that it would create for attributes of the leads."""
    wanted = dict(mapping.custom_fields)
    if mapping.mirrored:
        for state in leads:
            for reference, kind in map_contact(mapping, state, region=connection.region).custom_types.items():
                wanted.setdefault(reference, CustomField(reference, kind))
    return wanted


def near_field(reference: str, directory: Directory, wanted: Collection[str]) -> str:
    """A hint that names a custom field of the location whose name is almost this one; "" without one.

    A name that the mapping fills, too, must be nearer: "Lofty price min" is no misspelt "Lofty price max". It may be one that the
    location does not have yet either, as before the first import.
    """
    taken = {fold(one): one for one in wanted}
    names = [one for one in directory.custom_fields if not one.startswith("contact.")]
    free = [one for one in names if one not in taken]
    other = dict.fromkeys((*names, *sorted(taken.keys() - {fold(reference)})))
    close = get_close_matches(fold(reference), free, 1, ALMOST) or get_close_matches(fold(reference), other, 1, NEARER)
    return f"did you mean {taken.get(close[0], close[0])!r}?" if close else ""


def _field(
    connection: Connection, directory: Directory, one: CustomField, wanted: Collection[str] = ()
) -> Compatibility:
    subject = f"custom:{one.reference}"
    field_id = directory.custom_field_id(one.reference)
    if field_id is None:
        if one.is_key:
            close = did_you_mean(one.reference, directory.custom_fields)
            mend = f"{close} " if close else ""
            mend += "create the field in GHL, or name it without contact. so that it is created"
            return Compatibility(
                connection.name, "wrong", subject, "the location has no field with this key", mend.strip()
            )
        if not connection.policies.create_custom_fields:
            mend = f"create it in GHL (type {one.type}), or set policies.create_custom_fields = true"
            return Compatibility(
                connection.name, "wrong", subject, "the location has no field of this name, and none is created", mend
            )
        says = f"as {one.type}, with the first contact that fills it"
        mend = near_field(one.reference, directory, wanted)
        return Compatibility(connection.name, "will be created", subject, says, mend)
    kind = directory.types.get(field_id)
    if kind is None or kind == one.type or any({kind, one.type} <= alike for alike in ALIKE):
        return Compatibility(connection.name, "ok", subject, f"is there ({kind or 'of a type that GHL does not tell'})")
    says = f"is there as {kind}, and the mapping writes {one.type}"
    if one.reference == LEAD_ID_FIELD:
        return Compatibility(
            connection.name, "wrong", subject, says, "make it a single-line text in GHL, or rename that one"
        )
    mend = f'write type = "{kind}" in the mapping, or change the field in GHL'
    return Compatibility(connection.name, "wrong", subject, says, mend)


def _users(connection: Connection, directory: Directory, leads: Sequence[Mapping[str, Any]]) -> Iterator[Compatibility]:
    mapping = connection.mapping
    if mapping.assignment is None:
        return
    if not directory.users:
        says = "GHL lists no user, so contacts stay unassigned"
        yield Compatibility(
            connection.name, "wrong", "users", says, "the token needs the scope users.readonly, and the location a user"
        )
        return
    agents: Counter[str] = Counter()
    nameless: Counter[str] = Counter()
    for state in leads:
        mapped = map_contact(mapping, state, region=connection.region).assigned_to_email
        if mapped:
            agents[mapped] += 1
        elif isinstance(state.get("assignedUser"), str):
            nameless[state["assignedUser"]] += 1
    for email in dict.fromkeys((*mapping.users.values(), *agents)):
        yield _user(connection, directory, email, agents[email])
    for name, count in nameless.items():
        says = f"{_leads(count)} assigned to this agent, whose e-mail is not in Lofty's list of members"
        yield Compatibility(
            connection.name, "not known", f"agent {name}", says, "two members of this name, or a member who has left"
        )


def _user(connection: Connection, directory: Directory, email: str, count: int) -> Compatibility:
    of = f" ({_leads(count)} looked at)" if count else ""
    if directory.user_id(email) is not None:
        return Compatibility(connection.name, "ok", f"user {email}", f"is a user of the location{of}")
    close = get_close_matches(email, directory.users, n=1, cutoff=0.6)
    there = close[0] if close else "a user's e-mail in GHL"
    mend = f'in [mappings.{connection.mapping.name}.users]: "{email}" = "{there}"'
    if connection.mapping.name == "default":
        mend = f'in a mapping of your own, under users: "{email}" = "{there}"'
    return Compatibility(
        connection.name, "wrong", f"user {email}", f"no user of the location has this e-mail{of}", mend
    )


def _attributes(connection: Connection, leads: Sequence[Mapping[str, Any]]) -> Iterator[Compatibility]:
    """Compare the custom attributes that expressions name with those that the leads have."""
    known = {
        name
        for state in leads
        for attribute in _dicts(state.get("customAttributes"))
        if isinstance(name := attribute.get("attributeName"), str)
    }
    mapping = connection.mapping
    sources = [field.source for field in (*mapping.standard, *mapping.custom)]
    named = dict.fromkeys(first or second for source in sources for first, second in _ATTRIBUTE.findall(source))
    for name in named:
        subject = f"Lofty's attribute {name!r}"
        if name in known:
            yield Compatibility(connection.name, "ok", subject, "the leads have it")
        elif not leads:
            yield Compatibility(
                connection.name, "not known", subject, "no lead was read yet", "run it again after a backfill"
            )
        else:
            says = f"none of the {len(leads)} leads looked at has it"
            yield Compatibility(
                connection.name,
                "wrong" if did_you_mean(name, known) else "not known",
                subject,
                says,
                did_you_mean(name, known),
            )


def _tags(connection: Connection, leads: Sequence[Mapping[str, Any]]) -> Iterator[Compatibility]:
    rules = connection.mapping.tags
    everything = TagRules(sources=rules.sources, prefix=rules.prefix) if leads else rules
    carried: set[str] = set()
    seen: set[str] = set()
    for state in leads:
        carried |= {*map_tags(rules, state)[0]}
        seen |= {*map_tags(everything, state)[0]}
    left = sorted(seen - carried)
    says = f"of {len(seen)} tags on {_leads(len(leads))}, {len(seen & carried)} are carried"
    says += f"; not {', '.join(left[:5])}{', …' if len(left) > 5 else ''}" if left else ""
    says += f"; always {', '.join(rules.always)}" if rules.always else ""
    says += "; we remove in GHL only tags that we added" + (f", and {', '.join(rules.owned)}" if rules.owned else "")
    if seen and not seen & carried:
        mend = f"look at include and exclude in [connections.{connection.name}.tags]"
        yield Compatibility(connection.name, "wrong", "tags", says, mend)
        return
    yield Compatibility(connection.name, "ok", "tags", says)


def _leads(count: int) -> str:
    return f"{count} lead{'' if count == 1 else 's'}"


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
