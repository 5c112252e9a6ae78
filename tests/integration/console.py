"""The console on the stage: its configuration, and somebody who asks the API and holds each answer to its document."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from streams.console.api.routes import openapi
from tests.integration.stage import Stage, stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import CONFIG, KEY, TOKENS

CONSOLE = CONFIG.replace("index = false\n", "")
CONSOLE_ENVIRON = {"LOFTY_GHL_CONSOLE_KEY": KEY}


@asynccontextmanager
async def console_on_stage(broker: Broker, tmp_path: Path, **more: Any) -> AsyncIterator[Stage]:
    """The stage, with a console in its gateway."""
    config = CONSOLE + str(more.pop("more", ""))
    environ = {**CONSOLE_ENVIRON, **more.pop("environ", {})}
    async with stage(broker, tmp_path, more=config, environ=environ, **more) as on:
        yield on


_DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi()))
_REGISTRY: Registry[Any] = Registry().with_resource("urn:api", DRAFT202012.create_resource(_DOCUMENT))


def answer_faults(method: str, path: str, status: int, kind: str, body: Any) -> list[str]:
    """What is wrong with an answer by the document."""
    for template, methods in _DOCUMENT["paths"].items():
        parts, given = template.split("/"), path.split("/")
        fits = len(parts) == len(given) and all(
            one.startswith("{") or one == other for one, other in zip(parts, given, strict=True)
        )
        if not fits or method.lower() not in methods:
            continue
        answers = methods[method.lower()]["responses"]
        if str(status) not in answers:
            return [f"{method} {template} answers {status}, and the document has {sorted(answers)}"]
        content = answers[str(status)]["content"]
        if kind not in content:
            return [f"{method} {template} answers {kind}, and the document has {sorted(content)}"]
        pointer = "/".join(
            one.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
            for one in ("paths", template, method.lower(), "responses", str(status), "content", kind, "schema")
        )
        validator = OAS31Validator({"$ref": f"urn:api#/{pointer}"}, registry=_REGISTRY)
        return [
            f"{method} {template}: {error.json_path} {error.message}"[:400] for error in validator.iter_errors(body)
        ]
    return [f"{method} {path} is not in the document"]


@dataclass(slots=True)
class Caller:
    """A program with a token."""

    http: aiohttp.ClientSession
    url: str
    token: str = TOKENS["robot"]

    async def ask(
        self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> tuple[int, Any]:
        """Status and body; the answer is held to the document."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.url}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            is_json = answer.content_type.endswith("json")
            found = await answer.json(content_type=None) if is_json else await answer.text()
            faults = answer_faults(method, urlsplit(path).path, answer.status, answer.content_type, found)
            assert faults == [], (faults, found)
            return answer.status, found

    async def get(self, path: str, **query: Any) -> Any:
        """The body of an answer that is 200."""
        status, body = await self.ask("GET", path, query=query)
        assert status == 200, body
        return body


def caller(on: Stage, *, token: str = TOKENS["robot"], url: str = "") -> Caller:
    """A program at the stage's gateway."""
    return Caller(on.http, url or on.gateway.url, token)


async def until_indexed(on: Stage, who: Caller, seconds: float = 60.0) -> None:
    """Wait until the index has read everything that is there now."""
    since_ms = time.time_ns() // 1_000_000

    async def is_there() -> bool:
        status, found = await who.ask("GET", "/overview")
        index = found["index"] if status == 200 else {}
        return bool(index.get("is_complete") and index["behind"] == 0 and index["looked_ms"] > since_ms)

    await on.until(is_there, seconds)
