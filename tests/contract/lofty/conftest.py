"""Lofty's document, and everything that client and sandbox say to each other, once for all tests."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.lofty.play import Exchange, play
from tests.contract.openapi import OpenApi, specs_folder


@pytest.fixture(scope="session")
def documents() -> OpenApi:
    """Lofty's own OpenAPI document."""
    return OpenApi(specs_folder("lofty"), ("openapi.json",))


@pytest.fixture(scope="session")
def exchanges() -> tuple[Exchange, ...]:
    """Every operation with success, and the refusals, over a real socket."""
    return asyncio.run(play())
