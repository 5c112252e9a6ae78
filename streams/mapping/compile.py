"""From a mapping in TOML to a `CompiledMapping`, or to everything that is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson

from streams.mapping.default import DEFAULT_MAPPING
from streams.mapping.errors import MappingFault, WrongTerm, did_you_mean, shown
from streams.mapping.expression import Expression, compile_expression
from streams.mapping.ghl_fields import (
    ASSIGNED_TO,
    CUSTOM_TYPES,
    KEPT_BACK,
    OTHER_NAMES,
    STANDARD,
    custom_key,
    settle,
)
from streams.mapping.lead_fields import LEAD_FIELDS
from streams.mapping.locale import PLAIN, Locale
from streams.mapping.mapping import LEAD_ID_FIELD, CompiledField, CompiledMapping, CustomField
from streams.mapping.steps import Step, unset_step
from streams.mapping.tags import TagRules
from streams.mapping.transforms import compile_transform
from streams.mapping.values import UnreadableValue, read_email

VERSION = 2
"""Part of every fingerprint: raise it when the code maps the same configuration to something else."""

CUSTOM = "custom:"
DEFAULT = "default"
MAPPING_KEYS = ("extends", "fields", "users", "custom_attributes")
FIELD_KEYS = ("from", "value", "transform", "type", "options", "unset", "unchecked")


MOST_FAULTS = 20
"""The most faults that are reported at once: each may search for a similar name, and nobody reads a thousand."""
MOST_FIELDS = 1_000
MOST_TRANSFORMS = 20


class MappingFaults(ValueError):
    """A mapping that cannot be compiled, with all that is wrong in it."""

    def __init__(self, name: str, faults: tuple[MappingFault, ...]) -> None:
        self.name = name
        self.faults = faults
        super().__init__(f"mapping {name!r}: " + "; ".join(f"{'.'.join(f.path)}: {f.expected}" for f in faults))


@cache
def default_tables() -> Mapping[str, Any]:
    """The default mapping as TOML reads it."""
    return tomllib.loads(DEFAULT_MAPPING)


def compile_mapping(
    name: str = DEFAULT,
    mappings: Mapping[str, Any] | None = None,
    *,
    tags: TagRules | None = None,
    locale: Locale = PLAIN,
) -> CompiledMapping:
    """Compile the mapping `name` among the `[mappings.*]` tables of a configuration.

    Raises `MappingFaults` with everything that is wrong in this mapping's own table;
    what is wrong in one that it extends is reported by compiling that one.
    """
    tables = {DEFAULT: default_tables(), **(mappings or {})}
    faults: list[MappingFault] = []
    layers = _layers(name, tables, faults)
    resolved = _Resolved()
    for layer in reversed(layers):
        layer_faults: list[MappingFault] = []
        if layer is default_tables():  # the root of most mappings, and the same for a thousand of them
            resolved = _default_layer().copy()
        else:
            _add_layer(resolved, layer, layer_faults)
        if layer is layers[0]:
            faults += layer_faults
    if faults:
        raise MappingFaults(name, tuple(faults))
    return resolved.finish(name, tags or TagRules(), locale)


def _layers(name: str, tables: Mapping[str, Any], faults: list[MappingFault]) -> list[Mapping[str, Any]]:
    """The mapping's own table and those it extends, nearest first."""
    layers: list[Mapping[str, Any]] = []
    seen = [name]
    while True:
        table = tables[seen[-1]]
        if not isinstance(table, dict):
            if len(seen) == 1:
                faults.append(MappingFault((), "a table", shown(table)))
            return layers
        layers.append(table)
        parent = table.get("extends", DEFAULT if seen[-1] != DEFAULT else False)
        if parent is False:
            return layers
        problem = _parent_fault(parent, seen, tables)
        if problem is not None:
            if len(seen) == 1 or parent == name:
                faults.append(problem)
            return layers
        seen.append(parent)


def _parent_fault(parent: Any, seen: list[str], tables: Mapping[str, Any]) -> MappingFault | None:
    if not isinstance(parent, str) or parent not in tables:
        hint = did_you_mean(str(parent), tables) or "extends = false starts from nothing"
        return MappingFault(("extends",), f"the name of a mapping ({', '.join(tables)})", shown(parent), hint)
    if parent in seen:
        return MappingFault(("extends",), "a mapping that does not extend this one", " → ".join([*seen, parent]))
    return None


@dataclass(slots=True)
class _Resolved:
    """The fields gathered so far, base layers first. `written` keeps their source, for the fingerprint."""

    standard: dict[str, CompiledField] = field(default_factory=dict)
    custom: dict[str, tuple[CustomField, CompiledField]] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    mirrored: tuple[str, ...] = ()
    written: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> _Resolved:
        """The same, to add to."""
        return _Resolved(dict(self.standard), dict(self.custom), dict(self.users), self.mirrored, dict(self.written))

    def finish(self, name: str, tags: TagRules, locale: Locale) -> CompiledMapping:
        fields = dict(self.standard)
        assignment = fields.pop(ASSIGNED_TO, None)
        known = {described.reference: described for described, _ in self.custom.values()}
        known[LEAD_ID_FIELD] = CustomField(LEAD_ID_FIELD)
        rules = tags.model_dump()
        written = {
            "fields": self.written,
            "users": self.users,
            "mirrored": self.mirrored,
            "tags": rules,
            "locale": locale,
        }
        return CompiledMapping(
            name=name,
            standard=tuple(fields.values()),
            custom=tuple(compiled for _, compiled in self.custom.values()),
            assignment=assignment,
            custom_fields=known,
            custom_types={reference: described.type for reference, described in known.items()},
            mirrored=self.mirrored,
            users=self.users,
            tags=tags,
            fingerprint=blake2b(orjson.dumps([VERSION, written], default=str), digest_size=16).hexdigest(),
            locale=locale,
        )


@cache
def _default_layer() -> _Resolved:
    """The default mapping's own fields. Whoever adds to it takes a copy."""
    resolved, faults = _Resolved(), list[MappingFault]()
    _add_layer(resolved, default_tables(), faults)
    if faults:
        raise MappingFaults(DEFAULT, tuple(faults))
    return resolved


def _add_layer(resolved: _Resolved, table: Mapping[str, Any], faults: list[MappingFault]) -> None:
    for index, key in enumerate(table):
        if _is_enough(faults, (), len(table) - index):
            return
        if key not in MAPPING_KEYS:
            hint = did_you_mean(key, MAPPING_KEYS)
            faults.append(MappingFault((key,), f"one of {', '.join(MAPPING_KEYS)}", "an unknown key", hint))
    fields = table.get("fields", {})
    if isinstance(fields, dict) and len(fields) > MOST_FIELDS:
        faults.append(MappingFault(("fields",), f"at most {MOST_FIELDS} fields", f"{len(fields)}"))
    elif isinstance(fields, dict):
        own: dict[str, str] = {}
        for index, (target, written) in enumerate(fields.items()):
            if _is_enough(faults, ("fields",), len(fields) - index):
                return
            try:
                _add_field(resolved, target, written, own, faults)
            except WrongTerm as error:
                faults.append(error.at("fields", target))
    else:
        faults.append(MappingFault(("fields",), "a table: GHL field = Lofty expression", shown(fields)))
    _add_users(resolved, table.get("users", {}), faults)
    mirrored = table.get("custom_attributes")
    if mirrored in ("all", "none"):
        resolved.mirrored = ("*",) if mirrored == "all" else ()
    elif isinstance(mirrored, list) and all(isinstance(one, str) for one in mirrored):
        resolved.mirrored = tuple(one.lower() for one in mirrored)
    elif mirrored is not None:
        faults.append(MappingFault(("custom_attributes",), '"all", "none" or a list of names', shown(mirrored)))


def _is_enough(faults: list[MappingFault], path: tuple[str, ...], rest: int) -> bool:
    """Whether so much is wrong that the rest is not looked at; then that is said, too."""
    if len(faults) < MOST_FAULTS:
        return False
    faults.append(
        MappingFault(path, f"the {MOST_FAULTS} problems above fixed first", f"{rest} more that were not looked at")
    )
    return True


def _add_users(resolved: _Resolved, users: Any, faults: list[MappingFault]) -> None:
    if not isinstance(users, dict):
        faults.append(MappingFault(("users",), "a table: Lofty agent's e-mail = GHL user's e-mail", shown(users)))
        return
    for index, (lofty, ghl) in enumerate(users.items()):
        if _is_enough(faults, ("users",), len(users) - index):
            return
        try:
            resolved.users[read_email(lofty)] = read_email(ghl)
        except UnreadableValue:
            hint = f'an e-mail has dots, so quote it: "{lofty}" = …' if isinstance(ghl, dict) else ""
            faults.append(MappingFault(("users", lofty), "an e-mail address = an e-mail address", shown(ghl), hint))


def _add_field(resolved: _Resolved, target: str, written: Any, own: dict[str, str], faults: list[MappingFault]) -> None:
    """Add one field, replacing the base's. Raises `WrongTerm` for the target; other faults are appended."""
    reference = _reference(target)
    key = reference if not target.startswith(CUSTOM) else CUSTOM + custom_key(reference)
    if key in own:
        raise WrongTerm("each GHL field once", repr(target), f"{own[key]!r} is the same field")
    own[key] = target
    if written is False:
        resolved.standard.pop(key, None)
        resolved.custom.pop(key, None)
        resolved.written[key] = False
        return
    options = {"from": written} if isinstance(written, str) else written
    if not isinstance(options, dict):
        raise WrongTerm('a JMESPath expression, a table { from = "…" }, or false', shown(written))
    count = len(faults)
    described, compiled = _compile_field(target, reference, options, faults)
    if len(faults) > count or compiled is None:
        return
    resolved.written[key] = [reference, written]
    if target.startswith(CUSTOM):
        resolved.custom[key] = (described, compiled)
    else:
        resolved.standard[key] = compiled


def _reference(target: str) -> str:
    """A standard field's name, or a custom field's name or key. Raises `WrongTerm`."""
    if target.startswith(CUSTOM):
        reference = target.removeprefix(CUSTOM).strip()
        if not custom_key(reference):
            raise WrongTerm('"custom:" and the name or key of a GHL custom field', repr(target))
        if custom_key(reference) == custom_key(LEAD_ID_FIELD):
            hint = "this one ties the contact to its lead and is always mapped"
            raise WrongTerm("a field that is free to map", repr(target), hint)
        return reference
    if target in STANDARD or target == ASSIGNED_TO:
        return target
    if target in KEPT_BACK:
        raise WrongTerm("a field that a mapping may fill", repr(target), KEPT_BACK[target])
    known = [*STANDARD, ASSIGNED_TO]
    other = OTHER_NAMES.get(target.lower())
    hint = f"did you mean {other!r}?" if other else did_you_mean(target, known)
    raise WrongTerm(
        f'a GHL contact field ({", ".join(known)}) or "custom:…"',
        repr(target),
        " ".join(part for part in (hint, f'for a custom field write "custom:{target}"') if part),
    )


def _compile_field(
    target: str, reference: str, options: dict[str, Any], faults: list[MappingFault]
) -> tuple[CustomField, CompiledField | None]:
    path = ("fields", target)
    for index, key in enumerate(options):
        if _is_enough(faults, path, len(options) - index):
            break
        if key not in FIELD_KEYS:
            hint = did_you_mean(key, FIELD_KEYS)
            faults.append(MappingFault((*path, key), f"one of {', '.join(FIELD_KEYS)}", "an unknown key", hint))
    described = _describe(target, reference, options, faults)
    steps: list[Step] = [] if options.get("unset") is False else [unset_step()]
    labels = [] if options.get("unset") is False else ["unset"]
    written = options.get("transform", [])
    if isinstance(written, list) and len(written) > MOST_TRANSFORMS:
        faults.append(MappingFault((*path, "transform"), f"at most {MOST_TRANSFORMS} transforms", f"{len(written)}"))
        written = []
    for index, one in enumerate(written if isinstance(written, list) else [written]):
        try:
            steps.append(compile_transform(one))
            labels.append(_label(one))
        except WrongTerm as error:
            faults.append(error.at(*path, "transform", *([str(index)] if isinstance(written, list) else [])))
    faults += (
        MappingFault((*path, key), "true or false", shown(options[key]))
        for key in ("unset", "unchecked")
        if not isinstance(options.get(key, True), bool)
    )
    kind = described.type if target.startswith(CUSTOM) else target
    steps.append(settle(kind, described.options))
    labels.append(f"as {kind}")
    if ("from" in options) == ("value" in options):
        raise WrongTerm("either from or value", "both" if "from" in options else "neither")
    if "value" in options:
        constant = options["value"]
        return described, CompiledField(reference, "", lambda state: constant, tuple(steps), tuple(labels))
    try:
        expression = _expression(options)
    except WrongTerm as error:
        faults.append(error.at(*path, "from"))
        return described, None
    return described, CompiledField(reference, expression.source, expression.read, tuple(steps), tuple(labels))


def _label(transform: Any) -> str:
    """A transform as people read it: its name, and its argument where that is short."""
    if isinstance(transform, str):
        return transform
    ((name, argument),) = transform.items()
    return f"{name} {shown(argument)}"


def _expression(options: dict[str, Any]) -> Expression:
    source = options["from"]
    if not isinstance(source, str):
        raise WrongTerm("a JMESPath expression", shown(source))
    expression = compile_expression(source)
    unknown = sorted(expression.roots - LEAD_FIELDS)
    if unknown and options.get("unchecked") is not True:
        hint = did_you_mean(unknown[0], LEAD_FIELDS)
        raise WrongTerm(
            "a field of a Lofty lead",
            repr(unknown[0]),
            f"{hint + ' ' if hint else ''}(if Lofty does send it, add unchecked = true)",
        )
    return expression


def _describe(target: str, reference: str, options: dict[str, Any], faults: list[MappingFault]) -> CustomField:
    kind = options.get("type", "TEXT")
    if not target.startswith(CUSTOM):
        faults += (
            MappingFault(("fields", target, key), "no such key", key, "only custom fields have it")
            for key in ("type", "options")
            if key in options
        )
        return CustomField(reference)
    if not isinstance(kind, str) or kind not in CUSTOM_TYPES:
        hint = did_you_mean(kind, CUSTOM_TYPES) if isinstance(kind, str) else ""
        faults.append(MappingFault(("fields", target, "type"), f"one of {', '.join(CUSTOM_TYPES)}", shown(kind), hint))
        kind = "TEXT"
    choices = options.get("options", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        faults.append(MappingFault(("fields", target, "options"), "a list of texts", shown(choices)))
        choices = []
    return CustomField(reference, kind, tuple(choices))
