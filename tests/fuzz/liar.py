"""Vendors that lie: a proxy before a sandbox, and an OIDC provider. While `lies` is 0 they tell the truth."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from connectors.http.json_reader import UnreadableJson, read
from streams.telemetry.endpoints import listen
from tests.fuzz import corpus
from tests.fuzz.corpus import Lie

_PASSED_ON = ("content-type", "date", "retry-after", "link")
_PAUSES = (401, 403, 429)
_TEXTS = ("name", "firstName", "lastName", "body", "content", "title", "email", "id", "leadId", "message", "source")


class Liar:
    """`async with Liar("ghl", url, seed) as liar:` passes on what comes, and with the chance `lies` answers something else.

    Half of the lies are answers of the corpus; the others are true answers that are wrong in one place. `more` are bodies that
    hypothesis has made. A request that is lied about has reached the sandbox, as with a vendor whose answer is mangled.
    """

    def __init__(self, name: str, sandbox: str, seed: int) -> None:
        self.name, self.url, self.lies = name, "", 0.0
        self.more: list[bytes] = []
        self.goods: list[Any] = []
        self.told: Counter[str] = Counter()
        self._sandbox, self._random = sandbox, random.Random(seed)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        async with self._http.request(
            request.method,
            f"{self._sandbox}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as true:
            body = await true.read()
            passed = {k: v for k, v in true.headers.items() if k.lower() in _PASSED_ON or k.lower().startswith("x-")}
        dice = self._random
        if true.status == 200 and len(self.goods) < 200:
            with suppress(UnreadableJson):
                self.goods.append(read(body).value)
        if dice.random() >= self.lies:
            return web.Response(status=true.status, headers=passed, body=body)
        return await self._lie(request, true.status, passed, body)

    async def _lie(self, request: web.Request, status: int, headers: dict[str, str], body: bytes) -> web.StreamResponse:
        dice = self._random
        match dice.choice(["corpus", "corpus", "mangled", "mangled", "mangled", "made", "cut", "closed", "drip"]):
            case "corpus":
                lie = dice.choice(corpus.answers())
                if lie.status in _PAUSES and dice.random() < 0.8:
                    lie = dice.choice(corpus.answers())  # a connection that pauses gets no other lie for a minute
                self.told[lie.name] += 1
                return _response(lie)
            case "made" if self.more:
                self.told["made"] += 1
                return web.Response(status=status, headers=headers, body=dice.choice(self.more))
            case "cut":
                self.told["cut"] += 1
                answer = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(body) + 9)})
                await answer.prepare(request)
                await answer.write(body[: len(body) // 2])
                return _closed(request, answer)
            case "closed":
                self.told["closed"] += 1
                return _closed(request, web.StreamResponse(status=status))
            case "drip":
                self.told["drip"] += 1
                answer = web.StreamResponse(status=status, headers=headers)
                await answer.prepare(request)
                for at in range(min(len(body), 40)):
                    await answer.write(body[at : at + 1])
                    await asyncio.sleep(0.02)
                await answer.write(body[40:])
                await answer.write_eof()
                return answer
        self.told["mangled"] += 1
        return web.Response(status=status, headers=headers, body=self._mangled(body))

    def _mangled(self, body: bytes) -> bytes:
        """A true answer with a hostile text or value in one of its fields, or twice."""
        dice = self._random
        try:
            value = read(body).value
        except UnreadableJson:
            return body + b"\\ud83c"
        for _ in range(dice.randrange(1, 3)):
            holder, name = _place(value, dice)
            if holder is None:
                return corpus.written(dice.choice(corpus.values()))
            was = holder[name]
            if isinstance(was, str) and dice.random() < 0.7:
                holder[name] = dice.choice([was, ""]) + dice.choice(corpus.texts())
            else:
                holder[name] = dice.choice(corpus.values())
        return corpus.written(value, escaped=dice.random() < 0.8)


class Provider:
    """An OIDC provider that lies all the time about something."""

    def __init__(self, seed: int) -> None:
        self.url, self._random = "", random.Random(seed)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner, self.url = await listen(app, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        dice = self._random
        if dice.random() < 0.3:
            return _response(dice.choice(corpus.answers()))
        endpoints = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        truth: dict[str, Any] = {"issuer": self.url, **{name: self.url + path for name, path in endpoints.items()}}
        if request.path == "/keys":
            truth = {"keys": [{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}]}
        elif request.path == "/token":
            truth = {"access_token": "a", "token_type": "Bearer", "id_token": "eyJhbGciOiJub25lIn0.e30."}
        if dice.random() < 0.3:
            truth[dice.choice(list(truth))] = dice.choice([*corpus.values(), *corpus.texts()])
        return web.Response(body=corpus.written(truth), content_type="application/json")


def _response(lie: Lie) -> web.Response:
    answer = web.Response(status=lie.status, body=lie.body)
    for name, value in lie.headers:
        answer.headers[name] = value.encode("latin-1").decode("utf-8", "surrogateescape")
    return answer


def _closed(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return answer


def _place(value: Any, dice: random.Random) -> tuple[Any, Any]:
    """A field somewhere in a value, more often one that is a text for people."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < 3000:
        one = waiting.pop()
        items = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for name, inner in items:
            found += [(one, name)] * (5 if name in _TEXTS else 1)
            if isinstance(inner, dict | list):
                waiting.append(inner)
    return dice.choice(found) if found else (None, None)
