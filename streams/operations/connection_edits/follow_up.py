"""Subscribes a new connection at Lofty, and takes away what a removed one has: subscriptions, OAuth tokens, credentials, recipients.

What was written to GHL stays. Each step can be repeated, and a connection counts as removed only after the last one: whoever
finds a connection that is being removed begins at the first step again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from connectors.errors import ConnectorError, GrantRefused, TokenUnavailable, VendorError, WrongAccount
from streams.kafka.batching_producer import Record
from streams.kafka.clients import open_batching_producer
from streams.mapping_versions.connection_log import ConnectionVersion
from streams.mapping_versions.credentials import open_credentials
from streams.mapping_versions.store import MappingVersions
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import TOKENS, TopicNames
from streams.oauth.grants import Grants
from streams.operations.connection_edits.editor import ConnectionEditor
from streams.operations.connection_edits.errors import StaleConnection
from streams.operations.notifications.recipient_editor import recipients_on_topic
from streams.operations.subscriptions.reconcile import subscriptions
from streams.settings import Connection, Settings, SettingsError

log = logging.getLogger("lofty_ghl.connections")

REFUSED = (401, 403)
"""Lofty's statuses for a key that is no longer valid: asking again changes nothing."""


async def subscribe(settings: Settings, connection: Connection) -> None:
    """Make the webhook subscriptions that a connection needs, where it is known how Lofty reaches the gateway.

    A refusal that stays one is only logged: then the sweep finds what changes. Raises other `ConnectorError`s: then do it again.
    """
    url = settings.gateway.public_url
    if url is None:
        return
    try:
        async with subscriptions(settings, connection, url) as at_lofty:
            async for step in at_lofty.carry_out(await at_lofty.plan()):
                log.info(
                    "connection %s: %sd Lofty's subscription of list %d", connection.name, step.action, step.list_id
                )
    except VendorError as error:
        if error.status not in REFUSED and not isinstance(error, WrongAccount):
            raise
        log.error("connection %s cannot be subscribed at Lofty: %s", connection.name, error)


async def finish_removal(versions: MappingVersions, removing: ConnectionVersion) -> str:
    """Do all steps. Returns what could not be removed, in words; empty when nothing is left.

    Raises a `ConnectorError` when Lofty cannot be reached, and aiokafka's errors: then do it again.
    """
    connection, words = as_it_was(versions, removing), ""
    if connection is None:
        words = "its settings cannot be read by this release, so its webhook subscriptions at Lofty were not looked for"
    else:
        settings = versions.settings()
        with_it = {**settings.connections, connection.name: connection}  # its access may be the only one by OAuth
        words = await _remove_subscriptions(settings.model_copy(update={"connections": with_it}), connection)
        await _remove_tokens(settings, connection)
    async with recipients_on_topic(versions.file) as recipients:
        await recipients.forget_connection(removing.edit.connection, removing.edit.by)
    try:
        await ConnectionEditor(versions).end_removal(removing, words)
    except StaleConnection:
        log.info("another process has removed connection %s", removing.edit.connection)
    else:
        log.info("connection %s is removed. %s", removing.edit.connection, words or "Nothing of it is left here.")
    return words


def as_it_was(versions: MappingVersions, removing: ConnectionVersion) -> Connection | None:
    """The connection as it was, with its credentials; None when its table does not parse here."""
    overlay, name = versions.in_force.overlay, removing.edit.connection
    try:
        alone = versions.file.with_overlay(replace(overlay, connections=(removing.edited,)))
    except SettingsError:
        return None
    secrets = open_credentials(versions.file, versions.connection_log.sealed()).secrets.get(name, {})
    connection = alone.connections[name]
    return connection.model_copy(update={"secrets": connection.secrets.model_copy(update=dict(secrets))})


async def _remove_subscriptions(settings: Settings, connection: Connection) -> str:
    url = settings.gateway.public_url
    if url is None:
        return "gateway.public_url is not set, so webhook subscriptions at Lofty were not looked for"
    if connection.secrets.lofty_api_key is None and connection.lofty.auth != "oauth":
        return ""  # nothing could be subscribed without a key
    try:
        async with subscriptions(settings, connection, url) as at_lofty:
            async for step in at_lofty.carry_out(await at_lofty.plan(removes=True)):
                log.info("connection %s: removed Lofty's subscription of list %d", connection.name, step.list_id)
    except ConnectorError as error:
        if not _is_final(error):
            raise
        return f"its webhook subscriptions at Lofty could not be looked for: {error}. Remove them in Lofty"
    return ""


def _is_final(error: ConnectorError) -> bool:
    return isinstance(error, (GrantRefused, WrongAccount, TokenUnavailable)) or (
        isinstance(error, VendorError) and error.status in REFUSED
    )


async def _remove_tokens(settings: Settings, connection: Connection) -> None:
    """Overwrite the tokens that no other connection uses: the workers delete them from their table."""
    if settings.oauth_secrets.token_keys is None:
        return
    grants = Grants(settings, settings.key_ring)
    others = settings.connections.values()
    accounts = []
    if connection.lofty.auth == "oauth":
        accounts.append(grants.lofty(connection))
    if connection.ghl.auth == "oauth" and not any(
        one.ghl_budget == connection.ghl_budget and one.ghl.auth == "oauth" for one in others
    ):
        accounts.append(grants.ghl(connection))
    topic, now_ms = TopicNames(settings.kafka.topic_prefix).of(TOKENS), time.time_ns() // 1_000_000
    records = [
        Record(
            *(topic, one.partition, one.token.encode()),
            SealedToken(token=one.token, sealed="", at_ms=now_ms, by="connect").to_bytes(),
        )
        for one in accounts
    ]
    if records:
        async with open_batching_producer(settings) as batching_producer:
            await batching_producer.produce(records)
