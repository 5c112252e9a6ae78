"""Whatever somebody sends to the console: no 5xx but 503, and no stack trace."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.gateway.request_body import BrokenRequests
from tests.unit.streams.console.stage import TOKENS, Browser, ConsoleStage, console_stage

SECONDS = 20.0


async def said(url: str, raw: bytes) -> bytes:
    """What is answered to some bytes, until the connection is closed."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(raw)
        with suppress(OSError):  # it may have answered and gone before the whole request was sent
            writer.write_eof()
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found or not answer, answer[:200]
    return int(found[1]) if found else 400  # closed without a word


def request(method: bytes, path: bytes, headers: list[bytes], body: bytes = b"") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", *headers, b"Connection: close"]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture(autouse=True)
def broken_requests() -> Iterator[None]:
    """As in the gateway: what a client sent wrong is no stack trace."""
    found = BrokenRequests()
    logging.getLogger("aiohttp.server").addFilter(found)
    yield
    logging.getLogger("aiohttp.server").removeFilter(found)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no Kafka: nobody waits for it."""
    monkeypatch.setattr("streams.console.services.mapping.RETRY_SECONDS", 0.01)


ORIGIN = b"Origin: http://x"
FORM = b"Content-Type: application/x-www-form-urlencoded"


PATHS = (b"/console/", b"/console/sign-in", b"/api/v1/session", b"/console/nothing", b"/api/v1/look")
NO_TEXT = (
    b"Cookie: lofty_ghl_session=session.\xff.a",
    b"Cookie: lofty_ghl_guest=" + b"\xff" * 30,
    b"Cookie: lofty_ghl_message=\xff",
    b"Cookie: lofty_ghl_message=\xc3\xa9",
    b"Cookie: lofty_ghl_zone=\xfe; lofty_ghl_theme=\x80",
    b"Cookie: lofty_ghl_zone=../../../etc/passwd",
    b"Cookie: lofty_ghl_zone=%00",
    b'Cookie: lofty_ghl_guest="\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377"',
    b"Authorization: Bearer \xff\xff",
    b"Authorization: \xed\xa0\x80",
    b"X-Forwarded-For: \xff",
    b"X-Anything: \xc0\x80",
    b"Accept: \xff",
)
FORMS = (b"/console/sign-in", b"/console/theme", b"/api/v1/session")
BROKEN: tuple[tuple[list[bytes], bytes], ...] = (
    ([b"Content-Type: multipart/form-data; boundary=x"], b"--x\r\nbroken"),
    ([b"Content-Type: multipart/form-data"], b"--x\r\n"),
    ([b"Content-Type: multipart/form-data; boundary=" + b"x" * 500], b"--"),
    ([b"Content-Type: multipart/mixed; boundary=x"], b"--x--"),
    ([FORM + b"; charset=nothing"], b"a=b"),
    ([FORM + b"; charset=unicode_escape"], b"a=\\ud800"),
    ([FORM + b"; charset=utf-16"], b"a=b"),
    ([FORM], b"name=\xff\xfe&password=\xff"),
    ([FORM], b"csrf=%ff%fe"),
    ([FORM], b"&".join(b"a%d=b" % number for number in range(5000))),
    ([FORM], b"csrf=%ed%a0%80"),
    ([FORM, b"X-CSRF-Token: \xff"], b"a=b"),
    ([FORM, b"Content-Encoding: gzip"], b"no gzip"),
    ([FORM, b"Content-Encoding: deflate"], b"\x00\x01"),
    ([FORM, b"Transfer-Encoding: chunked"], b"zz\r\n"),
    ([b"Content-Type: application/json; charset=nothing"], b"{}"),
    ([b"Content-Type: application/json"], b"[" * 100_000),
    ([b"Content-Type: application/json"], b'{"name": "\\ud800", "password": "x"}'),
    ([b"Content-Type: \xff"], b"x"),
    ([], b"x"),
)


async def test_bytes_that_are_no_text_are_a_400_or_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """In whatever header, on pages and API, on addresses that there are and that there are not."""
    async with console_stage() as on:
        for path in PATHS:
            for header in NO_TEXT:
                status = status_of(await said(on.url, request(b"GET", path, [b"Host: x", header])))
                assert status in (200, 303, 400, 401, 404), (path, header, status)
    assert "Traceback" not in caplog.text


async def test_a_form_or_a_body_that_is_none_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """With a 4xx, whatever is wrong with it and wherever it claims to be from."""
    async with console_stage() as on:
        for path in FORMS:
            for headers, body in BROKEN:
                raw = request(b"POST", path, [b"Host: x", ORIGIN, *headers], body)
                assert 400 <= status_of(await said(on.url, raw)) < 500, raw
            for origin in (b"http://[", b"http://]", b"null", b"http://x:99999999", b"\xff"):
                raw = request(b"POST", path, [b"Host: x", b"Origin: " + origin, FORM], b"a=b")
                assert 400 <= status_of(await said(on.url, raw)) < 500, raw
    assert "Traceback" not in caplog.text


WORDS = st.sampled_from(
    [
        b"",
        b"a",
        b"..",
        b"%00",
        b"%ff",
        b"%2f",
        b"%0a",
        b"\xff",
        b"0@0",
        b"1@-1",
        b"999999999999999999999",
        b"acme",
        b"x" * 3000,
        b"%ed%a0%80",
        b"null",
        b"[",
        b"'\"<>",
    ]
) | st.binary(max_size=12).map(lambda raw: b"".join(b"%%%02x" % byte for byte in raw))
HEADERS = st.sampled_from(
    [
        b"Host: [",
        b"Host: x:y",
        b"Host:",
        ORIGIN,
        b"Origin: http://[",
        b"Sec-Fetch-Site: same-origin",
        b"X-CSRF-Token: \xff",
        FORM,
        b"Content-Type: application/json",
        b"Content-Type: multipart/form-data; boundary=\xff",
        b"Expect: 100-continue",
        b"Expect: x",
        b"Range: bytes=x",
        b"If-None-Match: \xff",
        b"X-Console-Live: 1",
        b"Accept-Language: \xff",
        b"Transfer-Encoding: chunked",
        b"X-Forwarded-Proto: \xff",
        b"Upgrade: websocket",
        b"Content-Length: x",
        b"Cookie: a=\xff",
        b"X-Forwarded-For: ,,,",
    ]
)
BODIES = st.binary(max_size=60) | st.sampled_from(
    [
        b"{}",
        b"[]",
        b"null",
        b'{"text": 1}',
        b'{"limit": 1e999}',
        b"a=b&a=c",
        b'{"text":"[mappings.a]","name":"a"}',
        b'{"leads":["x"]}',
        b'{"expected_version": 99999999999999999999}',
        b"5\r\nhello\r\n0\r\n\r\n",
    ]
)


def paths(on: ConsoleStage) -> list[str]:
    """Every address that there is."""
    apps = (on.console.api, on.console.pages)
    return sorted({route.resource.canonical for app in apps for route in app.router.routes() if route.resource})


async def signed_in(on: ConsoleStage, name: str) -> Browser:
    browser = on.browser()
    assert await browser.sign_in(name) == 200
    return browser


@contextmanager
def staged() -> Iterator[tuple[asyncio.Runner, ConsoleStage]]:
    """A console for a test whose examples are many."""
    with asyncio.Runner() as runner:
        context = console_stage()
        on = runner.run(context.__aenter__())
        try:
            yield runner, on
        finally:
            runner.run(context.__aexit__(None, None, None))


def test_no_request_however_odd_is_a_5xx_but_503(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    """To every address, as nobody, as a viewer and as an operator; found by chance, and repeated by it."""
    caplog.set_level(logging.CRITICAL)
    with staged() as (runner, on):
        vera, ann = (runner.run(signed_in(on, name)) for name in ("vera", "ann"))
        jars = [
            "; ".join(f"{one.key}={one.value}" for one in who.http.cookie_jar).encode() + b"|" + who.csrf.encode()
            for who in (vera, ann)
        ]
        persons = st.sampled_from(
            [b"", *(b"Authorization: Bearer " + token.encode() for token in TOKENS.values()), *jars]
        )

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"X"]),
            st.sampled_from(paths(on)),
            st.lists(WORDS, min_size=4, max_size=4),
            st.lists(
                st.tuples(st.sampled_from([b"q", b"limit", b"before", b"who", b"go_on", b"state", b"\xff"]), WORDS),
                max_size=3,
            ),
            persons,
            st.lists(HEADERS, max_size=3),
            BODIES,
        )
        def each(
            method: bytes, path: str, words: list[bytes], query: Any, person: bytes, headers: list[bytes], body: bytes
        ) -> None:
            given_words = iter(words * 3)
            address = re.sub(rb"\{[^}]*\}", lambda _: next(given_words), path.encode())
            if query:
                address += b"?" + b"&".join(b"=".join(pair) for pair in query)
            sent = [b"Host: x", *headers]
            if b"|" in person:
                cookie, _, csrf = person.partition(b"|")
                sent += [b"Cookie: " + cookie, b"X-CSRF-Token: " + csrf, ORIGIN]
            elif person:
                sent.append(person)
            raw = request(method, address, sent, body)
            status = status_of(runner.run(said(on.url, raw)))
            assert status < 500 or status == 503, (status, raw)

        each()


def test_a_cookie_of_ours_with_other_bytes_in_it_is_none() -> None:
    """Each byte of a session's cookie may be another."""
    with staged() as (runner, on):
        ann = runner.run(signed_in(on, "ann"))
        (cookie,) = (one for one in ann.http.cookie_jar if "session" in one.key)

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(0, len(cookie.value) - 1), st.binary(min_size=1, max_size=3))
        def each(at: int, other: bytes) -> None:
            value = cookie.value.encode()
            changed = (value[:at] + other + value[at + len(other) :]).replace(b"\r", b"x").replace(b"\n", b"x")
            raw = request(b"GET", b"/api/v1/look", [b"Host: x", b"Cookie: " + cookie.key.encode() + b"=" + changed])
            status = status_of(runner.run(said(on.url, raw)))
            assert status in ((200,) if changed == value else (400, 401)) or _is_same(changed, value)

        each()


def _is_same(one: bytes, other: bytes) -> bool:
    """Whether two spell the same signature: the last letter of Base64 has bits that do not count."""
    try:
        pairs = [[base64.urlsafe_b64decode(part + b"==") for part in text.split(b".")[1:]] for text in (one, other)]
    except ValueError:
        return False
    return pairs[0] == pairs[1]
