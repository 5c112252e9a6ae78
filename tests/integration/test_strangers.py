"""What others may do to a gateway that runs: its process answers the vendors all the while, within its memory, and says no trace.

The process is `lofty-ghl gateway` with a console, as in production; the worker beside it is the stage's.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import resource
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.deadlines import within
from tests.integration.console import CONSOLE_ENVIRON, caller, console_on_stage
from tests.integration.stage import ENVIRON, SECRET, Stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import TOKENS
from tests.unit.streams.console.test_malformed import request, said, status_of
from tests.unit.streams.mapping.test_cost import TOO_COSTLY
from tests.zygote import PIPE, run_module

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

DELIVERY = b'{"teamId":123456,"listId":2,"updatedLead":[{"leadId":1,"updateTime":1736935860000}]}'
MIB = 2**20
LIMIT_MIB = 512
"""Of the gateway in docker-compose.yml."""


@dataclass(slots=True)
class Process:
    """A gateway of its own, and what it has said."""

    pid: int
    url: str
    log: list[str] = field(default_factory=list)

    def mib(self, what: str) -> int:
        """`VmRSS`, or `VmHWM` for the most there was."""
        [line] = [one for one in Path(f"/proc/{self.pid}/status").read_text().splitlines() if one.startswith(what)]
        return int(line.split()[1]) // 1024

    @property
    def open_connections(self) -> int:
        """Sockets of its port that are established, as the system counts them."""
        port = f":{urlsplit(self.url).port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


@asynccontextmanager
async def gateway_process(on: Stage, tmp_path: Path) -> AsyncIterator[Process]:
    """`lofty-ghl gateway` on the stage's configuration. Fails when it does not end in order, or a trace is in its log."""
    config = tmp_path / "gateway.toml"
    config.write_text(on.config)
    environ = {**os.environ, **ENVIRON, **CONSOLE_ENVIRON}
    started = await run_module("streams.cli", "gateway", "--config", str(config), stdout=PIPE, stderr=PIPE, env=environ)
    assert started.stderr is not None
    log: list[str] = []
    listens: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read() -> None:
        assert started.stderr is not None
        while line := (await started.stderr.readline()).decode():
            log.append(line)
            if not listens.done() and (found := re.search(r"listening at (\S+)", line)):
                listens.set_result(found[1])
        if not listens.done():
            listens.set_exception(AssertionError("".join(log)))

    reading = asyncio.create_task(read())
    try:
        url = await asyncio.wait_for(listens, within(60))
        yield Process(started.pid, url, log)
    finally:
        if started.returncode is None:
            os.kill(started.pid, signal.SIGTERM)
        await asyncio.wait_for(started.wait(), within(60))
        await reading
    assert started.returncode == 0, "".join(log)
    assert "Traceback" not in "".join(log), "".join(log)


class Deliveries:
    """Deliveries, one after another while the block lasts; `slowest` is the longest that one took, in seconds."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, f"{url}/lofty/{SECRET}"
        self.count = 0
        self.slowest = 0.0
        self._is_over = False

    async def one(self) -> None:
        began = time.monotonic()
        async with self._http.post(self._url, data=DELIVERY) as answer:
            assert answer.status == 200, await answer.text()
        self.count += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def _keep(self) -> None:
        while not self._is_over:
            await asyncio.wait_for(self.one(), within(60))
            await asyncio.sleep(0.05)

    async def __aenter__(self) -> Deliveries:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_over = True
        await self._task  # the one that is on its way counts, too


def field_of(expression: str) -> str:
    """A mapping with one field, which is that expression."""
    return f"[mappings.bad]\n[mappings.bad.fields]\n\"custom:A\" = {{ from = '''{expression}''', unchecked = true }}\n"


MOST_CHARACTERS = 60_000
"""A longer text is refused for its length alone."""


def filled(head: str, line: Callable[[int], str]) -> str:
    """A text with as many lines as it may have."""
    text, number = head, 0
    while len(text) < MOST_CHARACTERS:
        text += line(number)
        number += 1
    return text


LONG = "x" * 900
TEXTS: dict[str, str] = {
    **{f"costly {number}": field_of(TOO_COSTLY[number]) for number in (0, 5, 10, 18)},
    "many costly fields": "[mappings.bad]\n[mappings.bad.fields]\n"
    + "".join(f"\"custom:F{n}\" = '''`1`|{'|'.join(['[@,@]'] * 13)}'''\n" for n in range(200)),
    "unknown keys": filled("[mappings.bad]\n", lambda n: f"k{n} = 1\n"),
    "unknown fields": filled("[mappings.bad.fields]\n", lambda n: f'feild{n} = "a"\n'),
    "unknown functions": filled("[mappings.bad.fields]\n", lambda n: f'"custom:f{n}" = "lenght(a)"\n'),
    "many fields": filled("[mappings.bad.fields]\n", lambda n: f'"custom:f{n}" = "a"\n'),
    "deep tables": "[mappings.bad" + ".a" * (MOST_CHARACTERS // 2) + "]\n",
    "tables as deep as they may be": filled("", lambda n: f"[mappings.bad.a{n}{'.a' * 190}]\n"),
    "deep inline tables": "[mappings.bad]\na = " + "{a=" * (MOST_CHARACTERS // 4) + "1" + "}" * (MOST_CHARACTERS // 4),
    "deep lists": "[mappings.bad]\na = " + "[" * (MOST_CHARACTERS // 2) + "]" * (MOST_CHARACTERS // 2),
    "many tables": filled("", lambda n: f"[mappings.bad.a{n}.b.c]\n"),
    "dotted keys": filled("[mappings.bad]\n", lambda n: f"a.b.c.d{n} = 1\n"),
    "long string": '[mappings.bad]\ndescription = "' + "x" * MOST_CHARACTERS + '"',
    "long number": "[mappings.bad]\na = " + "9" * MOST_CHARACTERS,
    "a text that is too long": '[mappings.bad]\ndescription = "' + "x" * 190_000 + '"',
    "parentheses": field_of("(" * 400 + "a" + ")" * 400),
    "not": field_of("!" * 900 + "a"),
    "big literal": field_of("`[" + "1," * 400 + "1]`"),
    "function chain": field_of("to_string(" * 60 + "a" + ")" * 60),
    "nested projections": field_of("a" + "[*]" * 200),
    "joins": field_of("join('" + LONG[:400] + "',[@,@,@,@])|[@,@]|[@,@]|to_string(@)"),
    "not TOML": "\x00" * 1000,
    "equals signs": "=" * MOST_CHARACTERS,
    "a name within itself": '[mappings.bad]\nextends = "bad"\n',
}
PREVIEWED = ("costly 0", "costly 10", "many costly fields", "joins", "unknown keys", "deep lists")
SAVED = ("costly 0", "many costly fields", "unknown keys", "deep lists")
TRIES = 5
"""A text that keeps the intake waiting does so each time. A machine that others keep busy does not."""


@pytest.fixture
def many_sockets() -> Iterator[None]:
    """A thousand connections need as many descriptors here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_no_text_of_a_mapping_keeps_the_intake_waiting(
    embedded_kafka: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a viewer in check and preview, as an operator who saves: each ends with a clear sentence.

    A delivery beside it is answered within a second, and its lead goes on.
    """
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        lead = on.new_lead(tags=[f"tag {number}" for number in range(30)])
        await on.until(lambda: lead in on.contacts())
        slowest: dict[str, float] = {}
        took: dict[str, float] = {}
        async with gateway_process(on, tmp_path) as process:
            viewer = caller(on, token=TOKENS["looker"], url=process.url)
            operator = caller(on, url=process.url)

            async def beside(what: str, asks: Callable[[], Awaitable[None]]) -> None:
                for _ in range(TRIES):
                    began = time.monotonic()
                    async with asyncio.timeout(within(120)), Deliveries(on.http, process.url) as deliveries:
                        await asks()
                    took[what] = time.monotonic() - began
                    slowest[what] = min(slowest.get(what, deliveries.slowest), deliveries.slowest)
                    with capsys.disabled():
                        print(
                            f"\n{what}: answered in {took[what]:.2f} s, {deliveries.count} deliveries in {deliveries.slowest:.2f} s at most",
                            end="",
                        )
                    if slowest[what] < 1.0:
                        return

            async def check(name: str) -> None:
                status, found = await viewer.ask("POST", "/mappings/check", {"name": "bad", "text": TEXTS[name]})
                assert status in (200, 422), (name, status, found)

            async def preview(name: str) -> None:
                asked = {"name": "bad", "text": TEXTS[name], "connection": "acme", "leads": [lead]}
                status, found = await viewer.ask("POST", "/mappings/preview", asked)
                assert status in (200, 422), (name, status, found)

            async def save(name: str) -> None:
                version = (await operator.get("/mappings"))["version"]
                body = {"text": TEXTS[name], "expected_version": version}
                status, found = await operator.ask("PUT", "/mappings/bad", body)
                if status == 200:  # nobody uses it yet: it is tried on leads when a connection gets it
                    body = {"name": "bad", "expected_version": version + 1}
                    status, found = await operator.ask("PUT", "/connections/acme/mapping", body)
                assert status == 422, (name, found)

            for name in TEXTS:
                await beside(f"check {name}", partial(check, name))
            for name in PREVIEWED:
                await beside(f"preview {name}", partial(preview, name))
            for name in SAVED:
                await beside(f"save {name}", partial(save, name))
        other = on.new_lead()
        await on.until(lambda: other in on.contacts())
    with capsys.disabled():
        for told, seconds in (("slowest deliveries", slowest), ("longest questions", took)):
            worst = sorted(seconds, key=lambda name: -seconds[name])[:6]
            print(f"\n{told}:", {name: round(seconds[name], 2) for name in worst})
    assert {what: seconds for what, seconds in slowest.items() if seconds >= 1.0} == {}


async def test_unfinished_bodies_and_idle_connections_are_bounded(
    embedded_kafka: Broker, tmp_path: Path, many_sockets: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """400 connections with almost complete bodies, 900 that say nothing: memory stays, and all are gone in their time."""
    async with console_on_stage(embedded_kafka, tmp_path) as on, gateway_process(on, tmp_path) as process:
        parts = urlsplit(process.url)
        at_rest = process.mib("VmRSS")
        head = b"POST /lofty/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (SECRET.encode(), MIB)
        body = b"x" * (MIB - 1)
        writers: list[asyncio.StreamWriter] = []

        async def fill() -> None:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
                writers.append(writer)
                writer.write(head + body)
                async with asyncio.timeout(within(60)):
                    await writer.drain()

        async with Deliveries(on.http, process.url) as deliveries:
            for _ in range(16):
                await asyncio.gather(*(fill() for _ in range(25)))
            await deliveries.one()
        most = process.mib("VmHWM")
        for writer in writers:
            writer.close()
        with capsys.disabled():
            print(f"\n{at_rest} MiB at rest, {most} MiB at most, slowest delivery {deliveries.slowest:.2f} s")
        assert most < LIMIT_MIB * 3 // 4

        idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        for _ in range(900):
            with suppress(ConnectionError):
                idle.append(await asyncio.open_connection(parts.hostname, parts.port))

        async def end(reader: asyncio.StreamReader) -> None:
            with suppress(ConnectionError):
                await reader.read()

        began = time.monotonic()
        async with asyncio.timeout(within(60)):
            await asyncio.gather(*(end(reader) for reader, _ in idle))
        with capsys.disabled():
            print(f"{len(idle)} idle connections, the last one ended after {time.monotonic() - began:.1f} s")
        for _, writer in idle:
            writer.close()
        await Deliveries(on.http, process.url).one()
        await on.http.close()
        async with asyncio.timeout(within(60)):
            while process.open_connections:
                await asyncio.sleep(0.1)


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


PACKED = gzip.compress(b"x" * 50_000_000)
FORM = b"Content-Type: application/x-www-form-urlencoded"
ODD: dict[str, tuple[bytes, bytes, list[bytes], bytes]] = {
    "gzip": (b"POST", b"", [b"Content-Encoding: gzip"], PACKED),
    "deflate": (b"POST", b"", [b"Content-Encoding: deflate"], b"\x00" * 100),
    "brotli": (b"POST", b"", [b"Content-Encoding: br"], b"\x00" * 100),
    "two encodings": (b"POST", b"", [b"Content-Encoding: gzip, gzip"], PACKED),
    "a huge header": (b"POST", b"", [b"X: " + b"h" * 100_000], b"{}"),
    "10,000 headers": (b"POST", b"", [b"X-%d: a" % n for n in range(10_000)], b"{}"),
    "length twice": (b"POST", b"", [b"Content-Length: 5"], b"{}"),
    "length below": (b"POST", b"", [b"Content-Length: -1"], b""),
    "length no number": (b"POST", b"", [b"Content-Length: +0x5"], b""),
    "length too long": (b"POST", b"", [b"Content-Length: 99999999999999999999"], b""),
    "length of more than comes": (b"POST", b"", [b"Content-Length: 500\r\nX: y"], b""),
    "length and chunks": (b"POST", b"", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], b""),
    "broken chunks": (b"POST", b"", [b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"], b""),
    "chunks without end": (b"POST", b"", [b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"x" * 1000) * 3000], b""),
    "chunk of a huge size": (b"POST", b"", [b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"], b""),
    "an unknown transfer": (b"POST", b"", [b"Transfer-Encoding: cat"], b""),
    "no host": (b"POST", b"", [], b"{}"),
    "pipelined": (b"POST", b"", [b"Content-Length: 2\r\n\r\n{}GET /healthz HTTP/1.1\r\nHost: x"], b""),
    "another method": (b"PUT", b"", [], b"{}"),
    "no such method": (b"\x01\x02", b"", [], b""),
    "bad percent": (b"POST", b"%zz%", [], b"{}"),
    "NUL": (b"POST", b"%00", [], b"{}"),
    "a raw NUL": (b"POST", b"\x00", [], b"{}"),
    "a raw byte": (b"POST", b"\xff", [], b"{}"),
    "a query of 1 MB": (b"POST", b"?" + b"q" * 1_000_000, [], b"{}"),
    "a long path": (b"POST", b"/" * 7000, [], b"{}"),
    "0xff in a cookie": (b"POST", b"", [b"Cookie: a=\xff"], b"{}"),
    "0xff in a proxy's header": (b"POST", b"", [b"X-Forwarded-For: \xff"], b"{}"),
    "a wrong type": (b"POST", b"", [b"Content-Type: \xff/\xfe; charset=nothing"], b"{}"),
    "a form": (b"POST", b"", [FORM], b"a=%00&b=%ff"),
    "broken multipart": (b"POST", b"", [b"Content-Type: multipart/form-data; boundary=x"], b"--x\r\nbroken"),
    "an odd origin": (b"POST", b"", [b"Origin: http://["], b"{}"),
    "an expectation": (b"POST", b"", [b"Expect: the-unexpected"], b"{}"),
    "an upgrade": (b"POST", b"", [b"Connection: upgrade", b"Upgrade: websocket"], b"{}"),
    "a newline in a key": (b"POST", b"", [], b'{"teamId":123456,"a\\nFORGED LINE":1,"listId":{"b\\nFORGED LINE":2}}'),
    "a newline in a type": (b"POST", b"", [], b'{"type":"x\\nFORGED LINE","locationId":"l\\nFORGED LINE"}'),
    "control characters": (b"POST", b"", [], b'{"teamId":"\\u001b[2J\\u0007","listId":"\\u2028FORGED LINE"}'),
}


async def test_no_odd_request_is_a_5xx_or_a_trace_or_a_line_of_the_log(embedded_kafka: Broker, tmp_path: Path) -> None:
    """At both doors, the console's and where nothing is; deliveries beside them are taken."""
    paths = (
        f"/lofty/{SECRET}".encode(),
        b"/ghl/webhooks",
        b"/lofty/nobody",
        b"/console/sign-in",
        b"/api/v1/session",
        b"/",
    )
    async with console_on_stage(embedded_kafka, tmp_path) as on, gateway_process(on, tmp_path) as process:
        async with Deliveries(on.http, process.url) as deliveries:
            for name, (method, tail, headers, body) in ODD.items():
                for path in paths:
                    host = [] if name == "no host" else [b"Host: x"]
                    answer = await said(process.url, request(method, path + tail, [*host, *headers], body))
                    assert status_of(answer) < 500, (name, path, answer[:200])
            await deliveries.one()
        assert not [line for line in process.log if line.startswith("FORGED")]
        assert process.mib("VmHWM") < LIMIT_MIB


async def test_wrong_tokens_do_not_lock_out_a_right_one(embedded_kafka: Broker, tmp_path: Path) -> None:
    """From one address, before, between and after; whoever guesses is slowed down all the same."""
    async with console_on_stage(embedded_kafka, tmp_path) as on, gateway_process(on, tmp_path) as process:
        right = caller(on, token=TOKENS["looker"], url=process.url)
        answers = []
        for number in range(40):
            wrong = caller(on, token=f"lgt_wrong-{number}", url=process.url)
            answers.append((await wrong.ask("GET", "/mappings"))[0])
            if number % 10 == 9:
                assert (await right.ask("GET", "/mappings"))[0] == 200
        assert set(answers) <= {401, 429}
