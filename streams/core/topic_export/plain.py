"""Topics and rights as one JSON document, for programs that have a format of their own.

    {"topics": [{"name", "partitions", "replication_factor", "config": {key: value}}],
     "acls": [{"principal", "host", "resource_type", "resource_name", "pattern_type", "operation", "permission_type"}]}

Names of settings are Kafka's, and their values are texts. One ACL is one operation; words of ACLs are those of `kafka-acls.sh`.
"""

from __future__ import annotations

from typing import Any

from streams.core.topic_export.wanted import Wanted


def plain_document(wanted: Wanted) -> dict[str, Any]:
    """The document."""
    return {
        "topics": [
            {
                "name": topic.name,
                "partitions": topic.partitions,
                "replication_factor": topic.replication_factor,
                "config": dict(topic.config),
            }
            for topic in wanted.topics
        ],
        "acls": [
            {
                "principal": f"User:{right.user}",
                "host": "*",
                "resource_type": right.resource,
                "resource_name": right.name,
                "pattern_type": "prefixed" if right.is_prefix else "literal",
                "operation": operation,
                "permission_type": "Allow",
            }
            for right in wanted.rights
            for operation in right.operations
        ],
    }
