"""Addresses as people type them: without the slash at the end, with a query, with a word too many."""

from __future__ import annotations

import pytest

from tests.unit.streams.console.stage import console_stage


@pytest.mark.parametrize("is_signed_in", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?connection=acme&reason=a%26b"])
async def test_the_console_is_found_without_its_slash(query: str, method: str, is_signed_in: bool) -> None:
    """Its query is kept; who may come in is asked behind it."""
    async with console_stage() as on:
        browser = on.browser()
        if is_signed_in:
            assert await browser.sign_in("vera") == 200
        status, _, headers = await browser.ask(method, f"/console{query}")
        assert (status, headers["Location"]) == (303, f"/console/{query}")
        if method == "GET" and not is_signed_in:  # the first page of somebody who has signed in needs Kafka
            status, _, headers = await browser.ask(method, headers["Location"])
            assert (status, headers["Location"].partition("?")[0]) == (303, "/console/sign-in")


@pytest.mark.parametrize("path", ["/consolex", "/console/nothing", "/consol"])
async def test_what_only_looks_like_it_is_not_found(path: str) -> None:
    """The redirect is for one address."""
    async with console_stage() as on:
        assert (await on.browser().ask("GET", path))[0] == 404


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/nothing"])
async def test_the_api_says_as_a_problem_that_an_address_is_none(path: str) -> None:
    """For programs: with or without the slash."""
    async with console_stage() as on:
        status, body, headers = await on.browser().ask("GET", path)
        assert (status, headers["Content-Type"].partition(";")[0]) == (404, "application/problem+json"), body
