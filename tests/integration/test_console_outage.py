"""The console while Kafka stands still: every page answers soon, and says what could not be read."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.deadlines import within
from tests.integration.console import caller, console_on_stage, until_indexed
from tests.kafka.broker import real_broker
from tests.kafka.jars import why_unavailable
from tests.kafka.node import KafkaNode
from tests.unit.streams.console.stage import Browser

ANSWER_SECONDS = within(15)
"""Far below the forty seconds after which a Kafka client gives up; a quiet machine needs four."""
PAGES = (
    "/",
    "/contacts",
    "/contacts?q=ada",
    "/parked",
    "/conflicts",
    "/connections",
    "/mapping",
    "/backfill",
    "/replay",
    "/audit",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_while_kafka_stands_still_every_page_answers_and_says_so(tmp_path: Path) -> None:
    """Also when several people look at once, and the page of a lead."""
    if missing := why_unavailable():
        pytest.skip(missing)
    with KafkaNode() as kafka:
        ended: list[object] = []
        broker = real_broker(kafka.bootstrap, "a node")
        async with (
            console_on_stage(broker, tmp_path, given={"end": ended.append}) as on,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        ):
            browser = Browser(on.gateway.url, http)
            lead = on.new_lead(firstName="Ada")
            await on.until_quiet()
            await until_indexed(on, caller(on))
            assert await browser.sign_in("ann") == 200
            paths = [f"/console{one}" for one in (*PAGES, f"/contacts/acme/{lead}")]
            for path in paths:
                assert (await browser.ask("GET", path))[0] == 200, path
            os.kill(kafka.pid, signal.SIGSTOP)
            try:
                took: dict[str, tuple[int, float]] = {}

                async def look(path: str) -> None:
                    began = time.monotonic()
                    async with asyncio.timeout(ANSWER_SECONDS):
                        status, text, _ = await browser.ask("GET", path)
                    took[path] = (status, round(time.monotonic() - began, 1))
                    assert status == 200 or (status == 503 and "Nothing is lost" in text), (path, status, text[-3000:])

                for _ in range(2):
                    for path in paths:
                        await look(path)
                await asyncio.gather(*(look(path) for path in paths * 3))
                print(took)
            finally:
                os.kill(kafka.pid, signal.SIGCONT)
