"""What a later release may not do to a topic, as a comparison of two schemas. Pure.

A new release may add a field that has a default, a form of record, a topic, a value of an enumeration, `null`. It may never

- remove a topic, a form of record or a field, or give a field another meaning;
- narrow a type, a bound or a pattern, or drop a value of an enumeration;
- demand a field that earlier records do not have, or change the default that stands for a field that is left out;
- change the form of a key.

What earlier readers would misread, such as a new value of an enumeration, comes in two releases: the first reads it, and the
second writes it (`streams/messages/message.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def breaks(before: Schema, after: Schema | None) -> list[str]:
    """Each promise of a topic's earlier record schema that the later one breaks, in one line. `after` None: the topic is gone."""
    topic = before["title"]
    if after is None:
        return [f"{topic}: topic removed"]
    compared = _Comparison(before.get("$defs", {}), after.get("$defs", {}))
    return [f"{topic}: {line}" for line in dict.fromkeys(_records(before, after, compared))]


def _records(before: Schema, after: Schema, compared: _Comparison) -> Iterator[str]:
    for form in before["anyOf"]:
        value = form["properties"]["value"]
        same = [one for one in after["anyOf"] if one["properties"]["value"].get("$ref") == value.get("$ref")]
        if not same:
            yield f"{form['title']}: form of record removed"
            continue
        pattern = form["properties"]["key"]["pattern"]
        patterns = [one["properties"]["key"]["pattern"] for one in same]
        if pattern not in patterns:
            yield f"{form['title']}: key format changed: {pattern} was promised, now {', '.join(patterns)}"
        if "$ref" in value:
            yield from compared.values(_name(value), value, value)


@dataclass(frozen=True, slots=True)
class _Comparison:
    before: Mapping[str, Schema]
    after: Mapping[str, Schema]

    def values(self, path: str, before: Schema, after: Schema) -> Iterator[str]:
        """The breaks between two schemas of a value."""
        if "default" in before and "default" in after and before["default"] != after["default"]:
            yield f"{path}: default changed: {before['default']!r} before, {after['default']!r} now"
        now = [_resolved(one, self.after) for one in _alternatives(after)]
        for one in _alternatives(before):
            earlier = _resolved(one, self.before)
            found = [later for later in now if _fits(earlier, later)]
            if not found:
                yield f"{path}: type narrowed: {_type(earlier)} before, {' or '.join(_type(one) for one in now)} now"
                continue
            # Several of one type: any that takes what was written will do.
            each = [list(self._narrowed(path, earlier, later)) for later in found]
            yield from min(each, key=len)

    def _narrowed(self, path: str, before: Schema, after: Schema) -> Iterator[str]:
        yield from _enumeration(path, before, after)
        yield from _bounds(path, before, after)
        if "properties" in after or "properties" in before:
            yield from self._objects(path, before, after)
        for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(after.get(key), Mapping):
                inner = before.get(key)
                yield from self.values(f"{path}{mark}", inner if isinstance(inner, Mapping) else {}, after[key])
        pairs = zip(before.get("prefixItems", ()), after.get("prefixItems", ()), strict=False)
        for number, (one, other) in enumerate(pairs):
            yield from self.values(f"{path}[{number}]", one, other)

    def _objects(self, path: str, before: Schema, after: Schema) -> Iterator[str]:
        earlier, later = before.get("properties", {}), after.get("properties", {})
        for name, schema in earlier.items():
            if name not in later:
                yield f"{path}.{name}: field removed"
            else:
                yield from self.values(f"{path}.{name}", schema, later[name])
        for name in sorted(set(after.get("required", ())) - set(before.get("required", ()))):
            yield f"{path}.{name}: required added: earlier records may lack it"


def _alternatives(schema: Schema) -> list[Schema]:
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return [inner for one in schema[key] for inner in _alternatives(one)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": one} for one in schema["type"]]
    return [schema]


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return definitions.get(_name(schema), {}) if "$ref" in schema else schema


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: Schema) -> str:
    return str(schema.get("type", "any"))


def _fits(before: Schema, after: Schema) -> bool:
    """Whether values of the earlier type are of the later one."""
    return _type(after) in ("any", _type(before)) or (_type(before), _type(after)) == ("integer", "number")


def _listed(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _enumeration(path: str, before: Schema, after: Schema) -> Iterator[str]:
    earlier, later = _listed(before), _listed(after)
    if later is None:
        return
    if earlier is None:
        yield f"{path}: type narrowed: any {_type(before)} before, only {', '.join(map(repr, later))} now"
        return
    for value in earlier:
        if value not in later:
            yield f"{path}: enum value dropped: {value!r}"


def _bounds(path: str, before: Schema, after: Schema) -> Iterator[str]:
    for key in (*LOWER, *UPPER):
        if key not in after:
            continue
        earlier, later = before.get(key), after[key]
        is_tighter = earlier is None or (later > earlier if key in LOWER else later < earlier)
        if is_tighter:
            yield f"{path}: type narrowed: {key} {'none' if earlier is None else earlier} before, {later} now"
    if "pattern" in after and after["pattern"] != before.get("pattern"):
        yield f"{path}: type narrowed: pattern {before.get('pattern', 'none')} before, {after['pattern']} now"
