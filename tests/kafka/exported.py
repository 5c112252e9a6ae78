"""Reads what `lofty-ghl topics export` prints back, by libraries that know nothing of us: topics and rights, ready to be made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import hcl2
import yaml

FORMATS = ("json", "strimzi", "terraform")


@dataclass(frozen=True, slots=True)
class Exported:
    """`topics`: name to partitions, replication factor and settings. `rights`: principal, kind, name, pattern, operation."""

    topics: dict[str, tuple[int, int, dict[str, str]]]
    rights: frozenset[tuple[str, str, str, str, str]]


def read_export(form: str, text: str) -> Exported:
    """What a document of a format says."""
    return {"json": _json, "strimzi": _strimzi, "terraform": _terraform}[form](text)


def _json(text: str) -> Exported:
    found = json.loads(text)
    topics = {one["name"]: (one["partitions"], one["replication_factor"], one["config"]) for one in found["topics"]}
    keys = ("principal", "resource_type", "resource_name", "pattern_type", "operation")
    assert all((one["host"], one["permission_type"]) == ("*", "Allow") for one in found["acls"])
    return Exported(topics, frozenset(tuple(one[key] for key in keys) for one in found["acls"]))


def _strimzi(text: str) -> Exported:
    found: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    specs = [one["spec"] for one in found if one["kind"] == "KafkaTopic"]
    topics = {one["topicName"]: (one["partitions"], one["replicas"], one["config"]) for one in specs}
    patterns = {"prefix": "prefixed", "literal": "literal"}
    rights = frozenset(
        (f"User:{one['metadata']['name']}", place["type"], place["name"], patterns[place["patternType"]], operation)
        for one in found
        if one["kind"] == "KafkaUser"
        for acl in one["spec"]["authorization"]["acls"]
        for place in [acl["resource"]]
        for operation in acl["operations"]
    )
    return Exported(topics, rights)


def _terraform(text: str) -> Exported:
    found = _plain(hcl2.loads(text))["resource"]
    made = [(kind, one) for resource in found for kind, named in resource.items() for one in named.values()]
    topics = {
        one["name"]: (one["partitions"], one["replication_factor"], one["config"])
        for kind, one in made
        if kind == "kafka_topic"
    }
    keys = ("acl_principal", "resource_type", "resource_name", "resource_pattern_type_filter", "acl_operation")
    rights = [tuple(one[key] for key in keys) for kind, one in made if kind == "kafka_acl"]
    return Exported(topics, frozenset((a, b.lower(), c, d.lower(), e) for a, b, c, d, e in rights))


def _plain(value: Any) -> Any:
    """The library leaves texts in their quotes, and adds keys of its own."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value
