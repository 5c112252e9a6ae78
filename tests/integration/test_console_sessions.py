"""A session ends at all gateways: by signing out, and by another password. Two gateways of their own on one Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from tests.integration.console import console_on_stage
from tests.integration.stage import Stage
from tests.integration.test_strangers import gateway_process
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import PASSWORDS, Browser, cheap_hash

pytestmark = pytest.mark.thorough


async def takes(on: Stage, url: str, cookies: Mapping[str, str]) -> bool:
    """Whether a gateway believes a copy of a session's cookies."""
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with on.http.get(f"{url}/api/v1/mappings", headers={"Cookie": header}) as answer:
        assert answer.status in (200, 401, 503), await answer.text()
        return answer.status != 401


async def copied(url: str) -> tuple[Browser, dict[str, str]]:
    """Somebody who has signed in, and a copy of their cookies."""
    browser = Browser(url, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
    assert await browser.sign_in("ann") == 200
    return browser, {one.key: one.value for one in browser.http.cookie_jar}


async def test_a_session_that_was_ended_is_ended_everywhere(real_kafka: Broker, tmp_path: Path) -> None:
    """Its copy is good at both until the person signs out at one; a gateway that starts later knows, too. Others stay."""
    async with console_on_stage(real_kafka, tmp_path) as on:
        (first := tmp_path / "first").mkdir()
        async with gateway_process(on, first) as one:
            urls = (on.gateway.url, one.url)
            browser, copy = await copied(one.url)
            stays, other = await copied(on.gateway.url)
            try:
                for url in urls:
                    assert await takes(on, url, copy)
                    assert await takes(on, url, other)
                assert (await browser.ask("DELETE", "/api/v1/session"))[0] in (200, 204)
                assert not await takes(on, one.url, copy)

                async def is_ended(url: str) -> bool:
                    return not await takes(on, url, copy)

                await on.until(lambda: is_ended(on.gateway.url))
                async with gateway_process(on, tmp_path) as late:
                    assert not await takes(on, late.url, copy)  # from its first answer
                    await on.until(lambda: takes(on, late.url, other))  # once it knows who has signed out
                for url in urls:
                    assert await takes(on, url, other)

                changed = cheap_hash("another password")
                assert on.config.count(cheap_hash(PASSWORDS["ann"])) == 1
                on.config = on.config.replace(cheap_hash(PASSWORDS["ann"]), changed)
                async with gateway_process(on, tmp_path) as renewed:
                    assert not await takes(on, renewed.url, other)
            finally:
                await browser.http.close()
                await stays.http.close()
