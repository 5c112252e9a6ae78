"""docs/topics.md, from the contracts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from pydantic import BaseModel

from streams.contract.fields import models_in
from streams.contract.form import PROMISES, Promise, TopicContract
from streams.contract.schemas import Schema, definitions

BEGINNING = """# Topics: the contract

What is on each topic: its key, its fields, what may change and what never does. This page is made by `lofty-ghl schemas --markdown`
from the models in `streams/messages/` and the records in `streams/contract/`; a test fails when it is not current.
`lofty-ghl schemas --out FOLDER` writes the same as an AsyncAPI 3 document and as JSON Schema (draft 2020-12).

| promise | means |
| --- | --- |
| public | other programs may rely on it: the rules below hold from release to release |
| internal | the processes of a deployment work together by it; shown, and not promised to others |
| changelog | what a table remembers; only workers of the same deployment read it |

## Records

- A key is text in UTF-8, a value is JSON in UTF-8. A deployment's `kafka.topic_prefix` goes before each name.
- `v` is the version of a record's form. A reader stops in front of a version that it does not know: it passes over nothing.
- A reader ignores fields that it does not know. It treats a value of an enumeration that it does not know as that: unknown.
- A field that is left out has its default. On `status` all fields that have their default are left out.
- `_ms` at the end of a name means milliseconds since 1970, UTC, but in intervals and durations; `_seconds` are seconds.
- Ids are texts, also where the vendor has numbers.
- A header `traceparent` (W3C Trace Context) may be on any record, and a reader may ignore every header.
- Records come at least once. Of two with one key the later one in the partition counts.
- There is no schema registry: a value begins with `{`, not with Confluent's five bytes.

[deploy/recipes/](../deploy/recipes/README.md) loads receipts and snapshots into DuckDB by these rules, and asks five questions.

## Producing by hand

Anybody may write to `lofty.changes`. A change has no values: it says which entity to look at, and a worker then reads it in Lofty. So a
wrong one does little harm, and `lofty-ghl changes check` finds it before. Records are JSON lines with key and value:

```json
{"key": "acme:600123", "value": {"connection": "acme", "lead": "600123", "kind": "contact", "id": "600123", "operation": "updated", "update_time_ms": 1790000000000, "accepted_ms": 1790000000300}}
```

```sh
lofty-ghl changes check changes.jsonl --config lofty-ghl.toml --kcat >records.tsv &&
kcat -P -b localhost:9092 -t lofty.changes -K '\\t' -X topic.partitioner=murmur2_random -l records.tsv
```

- The key is the connection's id and the lead. All records of a key go to one partition: use the partitioner of Kafka's own clients,
  `murmur2_random` in those that are built on librdkafka (kcat), whose default is another one.
- `update_time_ms` is the time of the change: what is not newer than a change of the same entity before it is passed over. With
  `"origin": "replay"` a record is never passed over.
- A record that cannot be read, or of an unknown connection, is parked with the reason. It stops nothing.

## What may change

A new release may add a topic, a form of record, a field that has a default, a value of an enumeration. What an older reader would
misread comes in two releases: the first reads it, the second writes it.

A release never removes a topic, a form of record or a field, narrows a type or a bound, drops a value of an enumeration, demands
a field that earlier records lack, changes a default, or changes the form of a key. What must go is first named in the changelog
and gets another topic, or another version `v`.

Tests hold to that (`tests/contract/topics/`): the records and schemas of earlier releases are kept there, each release reads the
records, and `streams/contract/compatibility.py` compares the schemas. Internal topics are held to the same rules, because an older
and a newer release run side by side during an upgrade. Changelogs are not.
"""

TITLES: dict[Promise, str] = {
    "public": "Public topics",
    "internal": "Internal topics",
    "changelog": "Changelogs",
}
LONGEST_EXAMPLE = 120


def page(contracts: Iterable[TopicContract]) -> str:
    """The whole page."""
    return "\n".join(_lines(tuple(contracts)))


def _lines(contracts: tuple[TopicContract, ...]) -> Iterator[str]:
    yield BEGINNING
    shown: set[type[BaseModel]] = set()
    for promise in PROMISES:
        yield f"## {TITLES[promise]}\n"
        found = [one for one in contracts if one.promise == promise]
        if promise == "changelog":
            yield "| topic | value |"
            yield "| --- | --- |"
            yield from (f"| `{one.topic}` | `{one.forms[0].model.__name__}` |" for one in found)
            yield ""
            continue
        for one in found:
            yield from _topic(one, shown)


def _topic(contract: TopicContract, shown: set[type[BaseModel]]) -> Iterator[str]:
    yield f"### {contract.topic}\n"
    writers = " Other programs may write it." if contract.is_input else ""
    yield f"{contract.contents[0].upper()}{contract.contents[1:]}.{writers}\n"
    config = contract.config
    days = int(config.get("retention.ms", 0)) // (24 * 60 * 60 * 1000)
    kept = f"{days} days" if days else "the newest record of each key"
    yield f"Kept: {kept}. Partitioned by: {contract.partitioned_by}.\n"
    yield "| value | key | pattern of the key | example of a key | without a value |"
    yield "| --- | --- | --- | --- | --- |"
    for form in contract.forms:
        example = f"`{form.samples[0][0]}`" if form.samples else ""
        cells = (f"`{form.model.__name__}`", form.key.words, _code(form.key.pattern), example, form.removes)
        yield _row(cells)
    yield ""
    schemas = definitions([contract])
    for form in contract.forms:
        for model in models_in(form.model):
            if model not in shown:
                shown.add(model)
                yield from _model(model, schemas[model.__name__])


def _model(model: type[BaseModel], schema: Schema) -> Iterator[str]:
    yield f"#### {model.__name__}\n"
    yield f"{_first_paragraph(schema.get('description', ''))}\n"
    yield "| field | type | meaning | unit | example |"
    yield "| --- | --- | --- | --- | --- |"
    required = schema.get("required", ())
    for name, one in schema["properties"].items():
        kind = type_of(one) + ("" if name in required else f"; {_code(_json(one.get('default')))} if left out")
        if "default" not in one and name not in required:
            kind = f"{type_of(one)}; may be left out"
        meaning = one.get("description", "")
        values = "".join(f"<br>`{value}`: {said}" for value, said in one.get("x-values", {}).items())
        examples = one.get("examples", ())
        example = _code(_shortened(_json(examples[0]))) if examples else ""
        yield _row((f"`{name}`", kind, f"{meaning}{values}", one.get("x-unit", ""), example))
    yield ""


def type_of(schema: Schema) -> str:
    """A schema's type in words."""
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    match schema.get("type", "any"):
        case "array":
            places = schema.get("prefixItems")
            inner = " and ".join(type_of(one) for one in places) if places else type_of(schema.get("items", {}))
            return f"list of {inner}"
        case "object":
            inner = schema.get("additionalProperties", True)
            return "object" if isinstance(inner, bool) else f"object of {type_of(inner)}"
        case other:
            return str(other)


def _first_paragraph(text: str) -> str:
    return " ".join(line.strip() for line in text.partition("\n\n")[0].splitlines())


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 4]} ..."


def _code(text: str) -> str:
    return f"`{text}`"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
