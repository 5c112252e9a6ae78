"""Seals the webhooks of recipients of messages again under the newest key."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress

from connectors.auth.keyring import NONCE_BYTES
from connectors.errors import SealError
from streams.core.notifications.recipient_log import RecipientLog
from streams.kafka.batching_producer import Record
from streams.kafka.topic_reader import each_record
from streams.messages import InvalidMessage
from streams.messages.partitioning import partition_of
from streams.messages.recipient_edit import about_webhook, recipient_key
from streams.messages.topics import NOTIFICATIONS, TopicNames
from streams.oauth.grants import Grants
from streams.oauth.rotation import KeyRotation, produce_all


async def rotate_webhooks(grants: Grants, found: KeyRotation) -> None:
    """Seal the webhooks of recipients again, each by an edit of its own: one that somebody makes meanwhile counts instead of it."""
    kafka, log = grants.settings.kafka, RecipientLog()
    topic, again, before = TopicNames(kafka.topic_prefix).of(NOTIFICATIONS), list[Record](), list[Record]()
    async for record in each_record(grants.settings, topic):
        with suppress(InvalidMessage):
            log.take(record.key or b"", record.value)
    for one in (edit for edit in log.all() if edit.webhook_sealed):
        key, about = recipient_key(one.name, one.id), about_webhook(one.name)
        if grants.ring.is_current(one.webhook_sealed):
            found.kept.append(key)
            continue
        try:
            plain = grants.ring.open(one.webhook_sealed, about=about)
        except SealError as error:
            found.closed[key] = str(error)
            continue
        sealed = grants.ring.seal(plain, about=about, nonce=os.urandom(NONCE_BYTES))
        edit = one.model_copy(update={"id": uuid.uuid4().hex, "based_on": one.number, "webhook_sealed": sealed})
        partition = partition_of(one.name, kafka.partitions)
        again.append(Record(topic, partition, recipient_key(one.name, edit.id).encode(), edit.to_bytes()))
        before.append(Record(topic, partition, key.encode(), None))
        found.resealed.append(key)
    for records in (again, before):  # what was sealed before goes only once the other is written
        if records:
            await produce_all(grants, records)
