"""Seals the tokens of installations that began in GHL's marketplace again under the newest key."""

from __future__ import annotations

from connectors.errors import SealError
from streams.kafka.batching_producer import Record
from streams.kafka.topic_reader import newest_values
from streams.messages import InvalidMessage
from streams.messages.installation import INSTALLATION_KEY, Installation
from streams.messages.partitioning import partition_of
from streams.messages.topics import CONNECTIONS, TopicNames
from streams.oauth.grants import Grants
from streams.oauth.installation import resealed
from streams.oauth.rotation import KeyRotation, produce_all


async def rotate_installations(grants: Grants, found: KeyRotation) -> None:
    """Seal them again. They are read last, just before the write."""
    kafka = grants.settings.kafka
    topic, partition = TopicNames(kafka.topic_prefix).of(CONNECTIONS), partition_of(CONNECTIONS, kafka.partitions)
    prefix, records = INSTALLATION_KEY.encode(), list[Record]()
    values = await newest_values(grants.settings, topic, [partition], wanted=lambda key: key.startswith(prefix))
    for key, value in sorted(values.items()):
        name = key.decode(errors="replace")
        try:
            one = Installation.from_bytes(value)
            again = resealed(grants, one)
        except (InvalidMessage, SealError) as error:
            found.closed[name] = str(error)
            continue
        if again is None:
            found.kept.append(name)
        else:
            records.append(Record(topic, partition, key, again.to_bytes()))
            found.resealed.append(name)
    if records:
        await produce_all(grants, records)
