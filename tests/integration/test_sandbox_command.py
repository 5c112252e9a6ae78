"""`lofty-ghl sandbox ghl|lofty` as a user runs it: a process, an address, a page of consent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.deadlines import within
from tests.zygote import PIPE, run_module

GHL = ("ghl", "--location", "loc1=pit-one", "--client", "app1-x=s3cret", "--client", "app2-x=s3cret")
LOFTY = ("lofty", "--team", "123456=key", "--client", "vendor-1=s3cret", "--redirect-uri", "https://x.test/callback")
QUERY = "response_type=code&redirect_uri=https%3A%2F%2Fx.test&scope=contacts.readonly"


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[str]:
    """The address of a sandbox that runs."""
    process = await run_module("streams.cli", "sandbox", *arguments, "--port", "0", stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(within(60)):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    ("arguments", "page", "clients"),
    [
        (GHL, f"/v2/oauth/chooselocation?{QUERY}&client_id=", ["app1-x", "app2-x"]),
        (LOFTY, "/page/vendor-auth.html?clientId=", ["vendor-1"]),
    ],
    ids=["ghl", "lofty"],
)
async def test_a_seeded_client_can_be_given_access(arguments: tuple[str, ...], page: str, clients: list[str]) -> None:
    """Each of several; one that was not seeded cannot."""
    statuses = {}
    async with running(*arguments) as url, aiohttp.ClientSession() as session:
        for client in (*clients, "nobody"):
            async with session.get(url + page + client) as answer:
                statuses[client] = answer.status
    assert statuses == {**dict.fromkeys(clients, 200), "nobody": 400}


async def test_a_client_without_a_secret_is_refused() -> None:
    """With what was expected, and not with what was given."""
    process = await run_module("streams.cli", "sandbox", *GHL, "--client", "app3-x", stderr=PIPE)
    _, complaint = await process.communicate()
    assert process.returncode != 0
    assert "expected NAME=SECRET" in complaint.decode()
