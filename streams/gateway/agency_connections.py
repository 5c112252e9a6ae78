"""Which connections an agency gave access, for GHL's `UNINSTALL` of a whole agency, which names no location."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from connectors.errors import BrokenTokens, SealError
from connectors.ghl.oauth import app_id_of
from connectors.ghl.webhooks import Hook
from streams.core.rows import TokenRow
from streams.gateway.live_connections import LiveConnections
from streams.oauth.grants import Grants
from streams.oauth.token_records import newest_tokens
from streams.settings import Connection

READ_SECONDS = 10.0


def is_of_another_app(live: LiveConnections, hook: Hook) -> bool:
    """Whether an event names another app than ours: GHL signs the events of all apps with one key."""
    grants = live.now.grants
    return grants is None or (bool(hook.app) and hook.app != app_id_of(grants.ghl_client().id))


async def connections_of_agency(live: LiveConnections, hook: Hook, at_ms: int) -> tuple[Connection, ...]:
    """The connections by OAuth whose tokens are the agency's, or whose location it listed, and whose tokens are not newer.

    Raises what Kafka's client raises, or `TimeoutError`.
    """
    lookup = live.now
    grants = lookup.grants
    if grants is None:
        return ()
    async with asyncio.timeout(READ_SECONDS):
        rows = await newest_tokens(grants)
    agency = live.installed.get(hook.company)
    listed = agency.locations if agency is not None and agency.kind == "company" else {}
    return tuple(
        one
        for one in lookup.settings.connections.values()
        if one.ghl.auth == "oauth" and _is_concerned(grants, one, rows, hook.company, listed, at_ms)
    )


def _is_concerned(
    grants: Grants,
    connection: Connection,
    rows: Mapping[str, TokenRow],
    company: str,
    listed: Mapping[str, str],
    at_ms: int,
) -> bool:
    token = grants.ghl(connection).token
    row = rows.get(token)
    if row is None or not row.sealed:
        return False  # it has no access that could end
    if row.at_ms > at_ms:
        return False  # access was given, or renewed, since
    if connection.ghl.location_id in listed:
        return True
    try:
        return grants.open(token, row.sealed).company_id == company
    except (SealError, BrokenTokens):
        return False
