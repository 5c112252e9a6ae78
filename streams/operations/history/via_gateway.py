"""Asks a gateway's API for the story of a contact, for a host without an index."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
from pydantic import TypeAdapter

from streams.operations.history.story import Explanation
from streams.operations.history.timeline import Event, Pending

_EVENT = TypeAdapter(Event)
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)


class GatewayRefused(Exception):
    """The gateway does not answer, or refuses; the text says why."""


async def ask_gateway(url: str, token: str, who: str, connection: str) -> list[Explanation]:
    """The stories of all contacts that match `who`. Raises `GatewayRefused`."""
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
    return [_explanation(story) for story in body]


def _words(body: Any) -> str:
    return str(body.get("detail", ""))[:300] if isinstance(body, dict) else ""


def _explanation(story: dict[str, Any]) -> Explanation:
    return Explanation(
        lane=f"{story['connection']}:{story['lead']}",
        events=[_EVENT.validate_python(event) for event in story["events"]],
        standing={stands["entity"]: stands["words"] for stands in story["standing"]},
        pending=[Pending(**pending) for pending in story["pending"]],
        ghl_id=story["ghl_id"],
        source="gateway",
        is_cut=story["is_cut"],
    )
