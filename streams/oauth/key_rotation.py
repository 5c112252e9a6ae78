"""Seals stored tokens again under the newest key, through the workers that own them, and the credentials that were pasted."""

from __future__ import annotations

import os

from connectors.auth.keyring import NONCE_BYTES
from connectors.errors import SealError
from streams.core.rows import TokenRow
from streams.kafka.batching_producer import Record
from streams.kafka.topic_reader import each_record
from streams.kafka.unreadable_records import skip_unreadable
from streams.messages import InvalidMessage
from streams.messages.connection_edit import CREDENTIAL_KEY, SealedCredential, about_credential
from streams.messages.partitioning import partition_of
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import CONNECTIONS, TOKENS, TOKENS_TABLE, TopicNames
from streams.oauth.grants import Grants
from streams.oauth.installation_rotation import rotate_installations
from streams.oauth.rotation import KeyRotation, produce_all
from streams.oauth.webhook_rotation import rotate_webhooks

MOST_ATTEMPTS = 5
"""A credential is hardly pasted in each of so many moments."""


async def rotate_keys(grants: Grants) -> KeyRotation:
    """Read the workers' stored tokens, and send each one that is not under the first key back to them, sealed again.

    A worker that has renewed a token meanwhile ignores ours: it has sealed the newer token under its own first key.
    """
    names, found = TopicNames(grants.settings.kafka.topic_prefix), KeyRotation()
    rows: dict[tuple[int, str], TokenRow] = {}
    topic = names.changelog(TOKENS_TABLE)
    async for record in each_record(grants.settings, topic, None):
        position = (record.partition, (record.key or b"").decode(errors="replace"))
        if record.value is None:
            rows.pop(position, None)
            continue
        try:
            rows[position] = TokenRow.from_bytes(record.value)
        except InvalidMessage as error:
            skip_unreadable(topic, record.partition, record.offset, error)
    records: list[Record] = []
    for (partition, token), row in sorted(rows.items()):
        if grants.ring.is_current(row.sealed):
            found.kept.append(token)
            continue
        try:
            sealed = grants.seal(token, grants.open(token, row.sealed))
        except SealError as error:
            found.closed[token] = str(error)
            continue
        message = SealedToken(token=token, sealed=sealed, at_ms=row.at_ms, by="rotate")
        records.append(Record(names.of(TOKENS), partition, token.encode(), message.to_bytes()))
        found.resealed.append(token)
    if records:
        await produce_all(grants, records)
    await _rotate_credentials(grants, found)
    await rotate_installations(grants, found)
    await rotate_webhooks(grants, found)
    return found


async def _rotate_credentials(grants: Grants, found: KeyRotation) -> None:
    """Seal pasted credentials again, until the newest record of each is what was pasted last, under the first key.

    What is pasted between our read and our write counts all the same (`SealedCredential.replaces`). But ours is the newer record,
    which compaction would keep in its place: so the pasted one is written once more.
    """
    for attempt in range(MOST_ATTEMPTS):
        records = await _credentials(grants, found if attempt == 0 else KeyRotation())
        if not records:
            return
        await produce_all(grants, records)


async def _credentials(grants: Grants, found: KeyRotation) -> list[Record]:
    """The records to write: of each credential that is not under the first key, or is not the newest record of its key."""
    kafka = grants.settings.kafka
    topic, partition = TopicNames(kafka.topic_prefix).of(CONNECTIONS), partition_of(CONNECTIONS, kafka.partitions)
    records: list[Record] = []
    for key, (one, is_last, problem) in sorted((await _pasted(grants, topic, partition)).items()):
        name = key.decode(errors="replace")
        if one is None:
            found.closed[name] = problem
            continue
        if grants.ring.is_current(one.sealed):
            found.kept.append(name)
            if not is_last:
                records.append(Record(topic, partition, key, one.to_bytes()))
            continue
        about = about_credential(one.connection, one.secret)
        try:
            plain = grants.ring.open(one.sealed, about=about)
        except SealError as error:
            found.closed[name] = str(error)
            continue
        sealed = grants.ring.seal(plain, about=about, nonce=os.urandom(NONCE_BYTES))
        records.append(Record(topic, partition, key, one.model_copy(update={"sealed": sealed}).to_bytes()))
        found.resealed.append(name)
    return records


async def _pasted(grants: Grants, topic: str, partition: int) -> dict[bytes, tuple[SealedCredential | None, bool, str]]:
    """By key: the credential that counts, whether it is the newest record, and why there is none that can be read."""
    found: dict[bytes, tuple[SealedCredential | None, bool, str]] = {}
    async for record in each_record(grants.settings, topic, [partition]):
        key = record.key or b""
        if not key.startswith(CREDENTIAL_KEY.encode()):
            continue
        before, _, problem = found.get(key, (None, True, ""))
        if record.value is None:
            found.pop(key, None)
            continue
        try:
            now = SealedCredential.from_bytes(record.value)
        except InvalidMessage as error:
            found[key] = (before, False, problem or str(error))
            continue
        found[key] = (now, True, "") if now.replaces(before) else (before, False, problem)
    return found
