"""GHL's documents, and everything that client and sandbox say to each other, once for all tests."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.ghl.play import Exchange, play
from tests.contract.ghl.play_oauth import play_oauth
from tests.contract.openapi import OpenApi, specs_folder


@pytest.fixture(scope="session")
def documents() -> OpenApi:
    """GHL's own OpenAPI documents."""
    apps = ("contacts", "locations", "calendars", "users", "opportunities", "oauth")
    return OpenApi(specs_folder("ghl"), [f"apps/{name}.json" for name in apps], ("common/common-schemas.json",))


@pytest.fixture(scope="session")
def exchanges() -> tuple[Exchange, ...]:
    """Every operation once with success, and the refusals, over a real socket."""
    return (*asyncio.run(play()), *asyncio.run(play_oauth()))
