"""Topics and rights as custom resources of Strimzi: `KafkaTopic` and `KafkaUser`, API version `v1` (Strimzi 0.49 and later).

A topic's name may have what Kubernetes does not allow in a name. Such a resource has another name, and the topic's in `topicName`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from streams.core.topic_export.wanted import Wanted, WantedRight
from streams.settings.wanted_topics import WantedTopic

API_VERSION = "kafka.strimzi.io/v1"
CLUSTER_LABEL = "strimzi.io/cluster"
LONGEST_NAME = 253
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def is_resource_name(name: str) -> bool:
    """Whether Kubernetes takes it as the name of a resource (a DNS subdomain, RFC 1123)."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def resource_name(topic: str) -> str:
    """The name of a topic's resource: the topic's own, or one made of it, with a part of its hash so that no two are equal."""
    if is_resource_name(topic):
        return topic
    labels = (re.sub(r"[^a-z0-9]+", "-", label).strip("-") for label in topic.lower().split("."))
    readable = ".".join(label for label in labels if label)[: LONGEST_NAME - 9].strip("-.")
    return f"{readable or 'topic'}-{hashlib.sha256(topic.encode()).hexdigest()[:8]}"


def strimzi_documents(wanted: Wanted, cluster: str, namespace: str = "", authentication: str = "") -> str:
    """The documents, as YAML. `cluster` is the name of the `Kafka` resource; `authentication` its users' type, empty for none."""
    found = [_topic(topic) for topic in wanted.topics]
    users = dict.fromkeys(right.user for right in wanted.rights)
    found += [_user(user, [right for right in wanted.rights if right.user == user], authentication) for user in users]
    for document in found:
        document["metadata"] |= {"labels": {CLUSTER_LABEL: cluster}}
        if namespace:
            document["metadata"] |= {"namespace": namespace}
    return "".join("---\n" + "\n".join(_lines(document)) + "\n" for document in found)


def _topic(topic: WantedTopic) -> dict[str, Any]:
    spec = {
        "topicName": topic.name,
        "partitions": topic.partitions,
        "replicas": topic.replication_factor,
        "config": dict(topic.config),
    }
    metadata = {"name": resource_name(topic.name)}
    return {"apiVersion": API_VERSION, "kind": "KafkaTopic", "metadata": metadata, "spec": spec}


def _user(name: str, rights: list[WantedRight], authentication: str) -> dict[str, Any]:
    acls = [
        {
            "resource": {
                "type": right.resource,
                "name": right.name,
                "patternType": "prefix" if right.is_prefix else "literal",
            },
            "operations": list(right.operations),
            "host": "*",
        }
        for right in rights
    ]
    spec: dict[str, Any] = {"authentication": {"type": authentication}} if authentication else {}
    spec |= {"authorization": {"type": "simple", "acls": acls}}
    return {"apiVersion": API_VERSION, "kind": "KafkaUser", "metadata": {"name": name}, "spec": spec}


def _lines(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """YAML of mappings, lists and texts. Texts are quoted, so that none is taken for a number or a claim."""
    for key, one in value.items():
        name = key if re.fullmatch(r"[A-Za-z]+", key) else json.dumps(key)
        if isinstance(one, dict):
            yield f"{indent}{name}:"
            yield from _lines(one, indent + "  ")
        elif isinstance(one, list) and one and isinstance(one[0], dict):
            yield f"{indent}{name}:"
            for item in one:
                first, *rest = _lines(item, indent + "    ")
                yield f"{indent}  - {first.lstrip()}"
                yield from rest
        else:
            yield f"{indent}{name}: {json.dumps(one)}"
