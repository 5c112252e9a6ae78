"""Topics and rights as resources of Terraform's provider `Mongey/kafka`: `kafka_topic` and `kafka_acl`.

Terraform may not destroy a topic: the topics are where the deployment keeps its state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from streams.core.topic_export.wanted import Wanted, WantedRight
from streams.settings.wanted_topics import WantedTopic

HEAD = "# For the provider Mongey/kafka. The module that has this file says which brokers, and how to sign in there."


def terraform_resources(wanted: Wanted) -> str:
    """The resources, as HCL."""
    blocks = [_topic(topic) for topic in wanted.topics]
    for right in wanted.rights:
        blocks += [_acl(right, operation) for operation in right.operations]
    return "\n\n".join(["\n".join(lines) for lines in ([HEAD], *map(list, blocks))]) + "\n"


def _topic(topic: WantedTopic) -> Iterator[str]:
    yield f'resource "kafka_topic" "{_label(topic.name)}" {{'
    yield f"  name               = {_text(topic.name)}"
    yield f"  partitions         = {topic.partitions}"
    yield f"  replication_factor = {topic.replication_factor}"
    yield ""
    yield "  config = {"
    width = max(len(_text(key)) for key in topic.config)
    yield from (f"    {_text(key):<{width}} = {_text(value)}" for key, value in topic.config.items())
    yield "  }"
    yield ""
    yield "  lifecycle {"
    yield "    prevent_destroy = true"
    yield "  }"
    yield "}"


def _acl(right: WantedRight, operation: str) -> Iterator[str]:
    label = _label(f"{right.user}_{right.resource}_{right.name}_{operation}")
    yield f'resource "kafka_acl" "{label}" {{'
    yield f"  resource_name                = {_text(right.name)}"
    yield f"  resource_type                = {_text(right.resource.capitalize())}"
    yield f"  resource_pattern_type_filter = {_text('Prefixed' if right.is_prefix else 'Literal')}"
    yield f"  acl_principal                = {_text('User:' + right.user)}"
    yield f"  acl_host                     = {_text('*')}"
    yield f"  acl_operation                = {_text(operation)}"
    yield f"  acl_permission_type          = {_text('Allow')}"
    yield "}"


def _label(name: str) -> str:
    """The name of a resource within its module: a letter first, then letters, digits, dashes and underscores."""
    label = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
    return label if label[:1].isalpha() else f"topic_{label}"


def _text(value: str) -> str:
    """A text of HCL. Its templates begin with ${ and %{."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
