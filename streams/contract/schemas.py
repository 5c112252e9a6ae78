"""The JSON Schema of each topic's records (draft 2020-12). Pure.

A record is an object with `key` and `value`, so that the schema says which value goes with which key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from streams.contract.fields import examples, meanings, models_in, unit_of, value_meanings, values_of
from streams.contract.form import Form, KeyForm, TopicContract

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_schema(contract: TopicContract) -> Schema:
    """The schema of a topic's records: `{"key": ..., "value": ...}`."""
    return {
        "$schema": DIALECT,
        "title": contract.topic,
        "description": contract.contents,
        "x-promise": contract.promise,
        "anyOf": [one for form in contract.forms for one in _records(form)],
        "$defs": definitions([contract]),
    }


def key_schema(contract: TopicContract) -> Schema:
    """The schema of a topic's keys."""
    keys = list(dict.fromkeys(form.key for form in contract.forms))
    return {
        "$schema": DIALECT,
        "title": f"{contract.topic} key",
        "anyOf": [key_of(key, contract.forms) for key in keys],
    }


def value_schema(contract: TopicContract) -> Schema:
    """The schema of a topic's values. A value that is null is Kafka's tombstone."""
    models = list(dict.fromkeys(form.model for form in contract.forms))
    values: list[Schema] = [{"$ref": f"#/$defs/{model.__name__}"} for model in models]
    if any(form.removes for form in contract.forms):
        values.append({"type": "null"})
    return {
        "$schema": DIALECT,
        "title": f"{contract.topic} value",
        "anyOf": values,
        "$defs": definitions([contract]),
    }


def _records(form: Form) -> Iterable[Schema]:
    key = key_of(form.key, [form])
    value: Schema = {"$ref": f"#/$defs/{form.model.__name__}"}
    yield _record(f"{form.model.__name__} under {form.key.words}", key, value)
    if form.removes:
        gone = {"type": "null", "description": form.removes}
        yield _record(f"nothing under {form.key.words}", key, gone)


def _record(title: str, key: Schema, value: Schema) -> Schema:
    return {"title": title, "type": "object", "properties": {"key": key, "value": value}, "required": ["key", "value"]}


def key_of(key: KeyForm, forms: Iterable[Form]) -> Schema:
    """The schema of one form of key, with the keys of samples as examples."""
    shown = [name for form in forms if form.key == key for name, _ in form.samples][:1]
    schema: Schema = {"type": "string", "description": key.words, "pattern": key.pattern}
    return {**schema, "examples": shown} if shown else schema


def definitions(contracts: Iterable[TopicContract], ref: str = "#/$defs/{model}") -> dict[str, Schema]:
    """The schema of each model on some topics, and of those inside of them, by name."""
    forms = [form for contract in contracts for form in contract.forms]
    shown = examples(sample for form in forms for _, sample in form.samples)
    found: dict[str, Schema] = {}
    for form in forms:
        whole = form.model.model_json_schema(ref_template=ref)
        schemas = {**whole.pop("$defs", {}), form.model.__name__: whole}
        described = {model.__name__: model for model in models_in(form.model)}
        for name, schema in schemas.items():
            if name not in found:
                model = described.get(name)
                found[name] = schema if model is None else _described(schema, model, shown.get(model, {}))
    return dict(sorted(found.items()))


def _described(schema: Schema, model: type[BaseModel], shown: dict[str, Any]) -> Schema:
    """The schema with the meaning, unit and example of each field."""
    said, of_values = meanings(model), value_meanings(model)
    properties: dict[str, Schema] = {}
    for name, field in model.model_fields.items():
        one = {key: value for key, value in schema["properties"][name].items() if key != "title"}
        if name in said:
            one["description"] = said[name]
        if unit := unit_of(name):
            one["x-unit"] = unit
        told = {value: of_values[value] for value in values_of(field.annotation) if value in of_values}
        if told:
            one["x-values"] = told
        if name in shown:
            one["examples"] = [shown[name]]
        properties[name] = one
    return {**schema, "properties": properties}
