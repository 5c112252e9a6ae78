"""The noise floor of the machine: what new connections asked of the vendors is asked again, at the same pace, by a plain client.

Sandboxes, Kafka, gateway, worker and whatever measures share the machine's cores, so requests cost the others time, whoever makes them.
Here nobody parses, decides, or writes to Kafka. The requests go to accounts that were not asked anything before, so the sandboxes
answer as they did. They are made by a process of its own, as the gateway's and the worker's were.

    python -m tests.bench.plain_requests < REQUESTS
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any

import aiohttp

from tests.bench.town import Town

GHL_VERSION = "2021-07-28"


async def ask_again(on: Town, first: int, connections: int, since: float, until: float) -> dict[str, int]:
    """Make again what both vendors were asked for accounts from `first` on, of so many others. Returns the answers by status."""
    requests = []
    for vendor in (on.ghl, on.lofty):
        for row in await on.ledger(vendor):
            number = int(row["budget"].removeprefix("loc")) - (int(on.plan.team(0)) if vendor == on.lofty else 0)
            if since <= row["at"] < until and first <= number < first + connections:
                requests.append({"after": row["at"] - since, **_request(on, vendor, row, number, number + connections)})
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.plain_requests"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    answers, _ = await child.communicate(json.dumps(requests).encode())
    found: dict[str, int] = json.loads(answers)
    return found


def _request(on: Town, vendor: str, row: dict[str, Any], number: int, other: int) -> dict[str, Any]:
    """A request of one account as one of another. The ledger has no queries: all that a location needs is said."""
    of, to = rf"\bloc{number}\b", f"loc{other}"
    path, body = re.sub(of, to, row["path"]), json.loads(re.sub(of, to, json.dumps(row["body"])))
    if vendor == on.lofty:
        return {"method": row["method"], "url": vendor + path, "body": body, "key": f"token {on.plan.key(other)}"}
    query = (
        f"?locationId={to}" if path.startswith("/users") else "?model=contact" if path.endswith("customFields") else ""
    )
    return {
        "method": row["method"],
        "url": f"{vendor}{path}{query if row['method'] == 'GET' else ''}",
        "body": body,
        "key": f"Bearer pit-{other}",
    }


async def _ask(requests: list[dict[str, Any]]) -> dict[str, int]:
    """Each at its time."""
    answers, began = Counter[str](), time.monotonic()

    async def ask(http: aiohttp.ClientSession, one: dict[str, Any]) -> None:
        headers = {"Authorization": one["key"], "Version": GHL_VERSION, "Content-Type": "application/json"}
        async with http.request(one["method"], one["url"], json=one["body"], headers=headers) as answer:
            await answer.read()
            answers[str(answer.status)] += 1

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        for one in sorted(requests, key=lambda request: float(request["after"])):
            await asyncio.sleep(max(0.0, began + one["after"] - time.monotonic()))
            tasks.create_task(ask(http, one))
    return answers


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_ask(json.load(sys.stdin)))))
