"""Hostile deliveries at both doors: 4xx, or parked and 200; never a 5xx, never a stack trace, and intake stays up."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import logging
import random
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from connectors.sandbox.ghl.mailer import signing_key
from streams.messages.topics import CHANGES, GHL_CHANGES
from tests.deadlines import within
from tests.integration.stage import LOCATION, SECRET, Stage, stage
from tests.kafka.broker import Broker

pytestmark = pytest.mark.thorough

GOOD_LOFTY = b'{"teamId":123456,"listId":2,"updatedLead":[{"leadId":1,"updateTime":1736935860000}]}'
BODIES: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"type":"NoteCreate"',
    b"\xff\xfe\x00",
    b"\x00" * 1000,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"type":"NoteCreate","type":"NoteDelete","locationId":7,"id":[]}',
    b'{"type":"NoteCreate","locationId":"loc-acme","id":"n","timestamp":1e400}',
    b'{"type":"NoteCreate","locationId":"loc-acme","id":"n","timestamp":-9007199254740993}',
    b'{"type":"NoteCreate","locationId":"loc-acme","id":"n","timestamp":"9999-99-99"}',
    b'{"type":"NoteCreate","locationId":"loc-acme","id":"\\ud800"}',
    b'{"type":"AppointmentCreate","locationId":"loc-acme","appointment":"x"}',
    b'{"type":"INSTALL"}',
    b'{"teamId":123456,"listId":2,"updatedLead":{"leadId":{},"updateTime":[]}}',
    b'{"teamId":123456,"listId":1e999,"updatedLead":[]}',
    b'{"teamId":123456,"listId":2,"updatedLead":[{"leadId":1,"updateTime":1e308}]}',
    b'{"teamId":123456,"listId":2,"updatedLead":[null,1,"x",[]]}',
    b'{"teamId":true,"listId":"2","createdLead":"x"}',
    b'{"x":"' + b"y" * 2_000_000 + b'"}',
)


@pytest.fixture
def dice() -> random.Random:
    return random.Random(99)


def signed(on: Stage, body: bytes) -> dict[str, str]:
    key = signing_key(on.ghl.settings)
    return {"X-GHL-Signature": base64.b64encode(key.sign(body)).decode()}


async def test_no_delivery_breaks_a_door(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture, dice: random.Random
) -> None:
    async with stage(broker, tmp_path) as on:
        junk = [dice.randbytes(dice.randrange(200)) for _ in range(50)]
        cut = [GOOD_LOFTY[: dice.randrange(len(GOOD_LOFTY))] for _ in range(30)]
        caplog.clear()
        for body in (*BODIES, *junk, *cut):
            for headers in (
                {},
                {"Content-Type": "text/plain"},
                {"Content-Encoding": "identity", "X-Forwarded-For": "x" * 4000},
            ):
                answers = [
                    await post(on, f"/lofty/{SECRET}", body, headers),
                    await post(on, "/ghl/webhooks", body, headers),
                    await post(on, "/ghl/webhooks", body, headers | signed(on, body)),
                ]
                assert all(status == 200 or 400 <= status < 500 for status in answers), (body[:80], answers)
                assert answers[1] in (401, 413)
        assert await post(on, "/ghl/webhooks", gzip.compress(b"0" * 50_000_000), {"Content-Encoding": "gzip"}) in range(
            400, 500
        )
        assert await post(
            on, f"/lofty/{SECRET}", gzip.compress(b"0" * 50_000_000), {"Content-Encoding": "gzip"}
        ) in range(400, 500)
        assert await post(on, f"/lofty/{SECRET}", b"not gzip", {"Content-Encoding": "gzip"}) in range(400, 500)
        await never_ending(on)
        told = [one for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info]
        assert [one.getMessage()[:300] for one in told] == []
        before = len(await on.records(CHANGES))
        assert await post(on, f"/lofty/{SECRET}", GOOD_LOFTY, {}) == 200
        assert len(await on.records(CHANGES)) == before + 1
        before = len(await on.records(GHL_CHANGES))
        note = b'{"type":"NoteCreate","locationId":"%s","id":"n","contactId":"c"}' % LOCATION.encode()
        assert await post(on, "/ghl/webhooks", note, signed(on, note)) == 200
        assert len(await on.records(GHL_CHANGES)) == before + 1


async def post(on: Stage, path: str, body: bytes, headers: dict[str, str]) -> int:
    async with on.http.post(f"{on.gateway.url}{path}", data=io.BytesIO(body), headers=headers) as answer:
        text = await answer.text()
        assert "Traceback" not in text
        return answer.status


async def never_ending(on: Stage) -> None:
    """A body that is announced and never comes, and one that stops in the middle: the door does not care."""
    url = urlsplit(on.gateway.url)
    for begin in (
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"Content-Length: 1000\r\n\r\nhello",
        b"Content-Length: -1\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(b"POST /ghl/webhooks HTTP/1.1\r\nHost: x\r\n" + begin)
        await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await asyncio.wait_for(reader.read(100), within(60))
    async with aiohttp.ClientSession() as session, session.get(f"{on.gateway.url}/healthz") as answer:
        assert answer.status == 200
