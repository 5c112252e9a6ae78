"""Asks a gateway's API for the story of a contact: for a host that has no index of its own."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson

from streams.operations.history.sent_requests import Sent
from streams.operations.history.story import Explanation
from streams.operations.history.timeline import Event, Pending

TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)


class GatewayRefused(Exception):
    """The gateway does not answer, or not with a story; the words say why."""


async def ask_gateway(url: str, token: str, who: str, connection: str) -> list[Explanation]:
    """The stories of whom a text names. Raises `GatewayRefused`."""
    query = {"who": who, **({"connection": connection} if connection else {})}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers={"Authorization": f"Bearer {token}"}) as session,
            session.get(f"{url.rstrip('/')}/api/v1/explain", params=query, allow_redirects=False) as answer,
        ):
            body = await answer.json(content_type=None, loads=orjson.loads)
            if answer.status != 200:
                raise GatewayRefused(f"{url} answers {answer.status}: {_words(body)}")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise GatewayRefused(f"{url} cannot be asked: {error or type(error).__name__}") from error
    return [_explanation(one) for one in body]


def _words(body: Any) -> str:
    return str(body.get("detail", ""))[:300] if isinstance(body, dict) else ""


def _explanation(one: dict[str, Any]) -> Explanation:
    return Explanation(
        lane=f"{one['connection']}:{one['lead']}",
        events=[_event(event) for event in one["events"]],
        standing={stands["entity"]: stands["words"] for stands in one["standing"]},
        pending=[Pending(**pending) for pending in one["pending"]],
        ghl_id=one["ghl_id"],
        source="gateway",
        is_cut=one["is_cut"],
    )


def _event(event: dict[str, Any]) -> Event:
    known = {name: event[name] for name in Event.__slots__ if name in event}
    sent = tuple(Sent(**field) for field in event["sent"])
    return Event(**{**known, "sent": sent, "flags": tuple(event["flags"])})
