"""The AsyncAPI 3 document of all topics. Pure.

Its schemas keep to JSON Schema draft 7, which AsyncAPI's own schema extends: a list of fixed places has `items`, not `prefixItems`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streams.contract.form import Form, TopicContract
from streams.contract.schemas import Schema, definitions, key_of

VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
_SCHEMAS = "#/components/schemas/{model}"

PROMISED = {
    "public": "Promised: other programs may rely on it.",
    "internal": "Not promised: the processes of a deployment work together by it.",
    "changelog": "Not promised: what a table remembers, for workers of the same release.",
}


def document(contracts: Iterable[TopicContract], release: str) -> dict[str, Any]:
    """The document of some topics, as of a release."""
    found = tuple(contracts)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "lofty-ghl",
            "version": release,
            "description": "Records on the topics of lofty-ghl. A deployment's topic_prefix goes before each name.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {one.topic: _channel(one) for one in found},
        "operations": {name: operation for one in found for name, operation in _operations(one)},
        "components": {
            "messages": {_message_name(one, form): _message(form) for one in found for form in one.forms},
            "schemas": {name: _draft_7(schema) for name, schema in definitions(found, _SCHEMAS).items()},
        },
    }


def _channel(contract: TopicContract) -> dict[str, Any]:
    config = contract.config
    settings: dict[str, Any] = {"cleanup.policy": [config["cleanup.policy"]]}
    settings |= {name: int(config[name]) for name in ("retention.ms", "retention.bytes") if name in config}
    return {
        "address": contract.topic,
        "title": contract.topic,
        "summary": contract.contents,
        "description": f"{PROMISED[contract.promise]} Partitioned by: {contract.partitioned_by}.",
        "messages": {
            _message_name(contract, form): {"$ref": f"#/components/messages/{_message_name(contract, form)}"}
            for form in contract.forms
        },
        "bindings": {
            "kafka": {"topic": contract.topic, "topicConfiguration": settings, "bindingVersion": KAFKA_BINDING}
        },
        "x-promise": contract.promise,
    }


def _operations(contract: TopicContract) -> Iterable[tuple[str, dict[str, Any]]]:
    reads = contract.is_input or contract.promise == "internal"
    for action in ("send", *(("receive",) if reads else ())):
        yield (
            f"{action}.{contract.topic}",
            {"action": action, "channel": {"$ref": f"#/channels/{contract.topic}"}, "summary": contract.contents},
        )


def _message_name(contract: TopicContract, form: Form) -> str:
    """A message is a model under a key, so one model may be several."""
    same = [one for one in contract.forms if one.model is form.model]
    number = f".{same.index(form) + 1}" if len(same) > 1 else ""
    return f"{contract.topic}.{form.model.__name__}{number}"


def _message(form: Form) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": form.model.__name__,
        "title": f"{form.model.__name__} under {form.key.words}",
        "summary": (form.model.__doc__ or "").partition("\n")[0],
        "payload": {"$ref": _SCHEMAS.format(model=form.model.__name__)},
        "bindings": {"kafka": {"key": key_of(form.key, [form]), "bindingVersion": KAFKA_BINDING}},
    }
    if form.removes:
        message["description"] = f"A record without a value: {form.removes}."
    if form.samples:
        message["examples"] = [{"payload": one.model_dump(mode="json")} for _, one in form.samples]
    return message


def _draft_7(schema: Any) -> Any:
    """The same in the words of draft 7."""
    if isinstance(schema, list):
        return [_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for key, value in schema.items():
        if key in ("examples", "default", "x-values"):
            found[key] = value  # data, and no schemas
        elif key == "prefixItems":
            found["items"] = _draft_7(value)
        else:
            found[key] = _draft_7(value)
    return found
