"""A gateway's console without Kafka: the real server on a free port, with an appender that keeps what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from argon2 import PasswordHasher

from streams.console.auth.route_table import Handler
from streams.console.server import ConsoleServer
from streams.kafka.batching_producer import Record
from streams.messages.audit_entry import Act
from streams.settings import Settings, parse_settings
from streams.settings.password_hashes import token_hash
from streams.telemetry.endpoints import listen

KEY = "k" * 20 + "-the-first-key-of-the-console"
PASSWORDS = {"ann": "correct horse battery", "vera": "staple of the viewer"}
TOKENS = {"robot": "lgt_the-operators-token", "looker": "lgt_the-viewers-token"}


def cheap_hash(password: str) -> str:
    """A hash with the least work that is accepted; always the same for the same password."""
    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(password, salt=b"0123456789abcdef")


CONFIG = f"""
[console]
enabled = true
index = false
[[console.users]]
name = "ann"
role = "operator"
password_hash = "{cheap_hash(PASSWORDS["ann"])}"
[[console.users]]
name = "vera"
role = "viewer"
password_hash = "{cheap_hash(PASSWORDS["vera"])}"
[[console.tokens]]
name = "robot"
role = "operator"
hash = "{token_hash(TOKENS["robot"])}"
[[console.tokens]]
name = "looker"
role = "viewer"
hash = "{token_hash(TOKENS["looker"])}"
"""


def settings_of(more: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the stage."""
    return parse_settings(CONFIG + more, {"LOFTY_GHL_CONSOLE_KEY": KEY, **(environ or {})})


@dataclass(slots=True)
class FakeAppender:
    """Keeps what it is given, or does not take it."""

    records: list[Record] = field(default_factory=list)
    is_broken: bool = False

    async def produce(self, records: list[Record], *, within: float | None = None) -> list[int]:
        """Take records, all or none."""
        if self.is_broken:
            raise ConnectionError("Kafka is not there")
        self.records += records
        return list(range(len(self.records) - len(records), len(self.records)))


@dataclass(slots=True)
class Browser:
    """A person's browser: cookies, and the headers that a browser sends with a form of our own pages."""

    url: str
    http: aiohttp.ClientSession
    csrf: str = ""

    async def ask(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers of an answer."""
        given = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": self.csrf, **(headers or {})}
        given = {name: value for name, value in given.items() if value}
        async with self.http.request(
            method, self.url + path, json=body, headers=given, allow_redirects=False, **options
        ) as answer:
            is_json = "json" in answer.content_type
            return answer.status, (await answer.json() if is_json else await answer.text()), answer.headers

    async def sign_in(self, name: str, password: str | None = None) -> int:
        """Sign in as somebody; returns the status."""
        _, me, _ = await self.ask("GET", "/api/v1/session")
        self.csrf = me["csrf"]
        body = {"name": name, "password": PASSWORDS[name] if password is None else password}
        status, me, _ = await self.ask("POST", "/api/v1/session", body=body)
        if status == 200:
            self.csrf = me["csrf"]
        return status


@dataclass(slots=True)
class ConsoleStage:
    """The parts of the stage."""

    url: str
    console: ConsoleServer
    batching_producer: FakeAppender
    clock_ms: list[int]
    jars: list[aiohttp.ClientSession]

    def browser(self, url: str | None = None) -> Browser:
        """A browser with a cookie jar of its own."""
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.jars.append(http)
        return Browser(url or self.url, http)

    def acts(self) -> list[Act]:
        """The audit."""
        return [Act.from_bytes(one.value or b"") for one in self.batching_producer.records if one.topic == "audit"]


async def _fine(_: web.Request) -> web.Response:
    return web.json_response({"result": "fine"})


@asynccontextmanager
async def console_stage(
    settings: Settings | None = None,
    *,
    forgotten: str = "",
    broken: Handler | None = None,
    routes: Callable[[ConsoleServer], None] | None = None,
) -> AsyncIterator[ConsoleStage]:
    """A console that listens. `forgotten` is a path that was added beside the guard, `broken` a handler at `/api/v1/broken`.

    `routes` adds more of them. `/api/v1/look` and `/api/v1/act` are there to be guarded.
    """
    batching_producer, clock_ms = FakeAppender(), [1_800_000_000_000]
    console = ConsoleServer(settings or settings_of(), lambda: batching_producer, lambda: clock_ms[0])  # type: ignore[arg-type, return-value]  # a fake
    app = web.Application()
    console.guard.add(console.api, "GET", "/look", _fine, role="viewer", concerns="person")
    console.guard.add(console.api, "POST", "/act", _fine, role="operator", concerns="person")
    if forgotten:
        console.api.router.add_get(forgotten, _fine)
    if broken is not None:
        console.guard.add(console.api, "GET", "/broken", broken, role="viewer", concerns="person")
    if routes is not None:
        routes(console)
    console.mount(app)
    runner, url = await listen(app, "127.0.0.1", 0)
    made = ConsoleStage(url, console, batching_producer, clock_ms, [])
    try:
        yield made
    finally:
        for one in made.jars:
            await one.close()
        await runner.cleanup()
