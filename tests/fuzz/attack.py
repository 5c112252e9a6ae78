"""Who attacks: webhooks, topics, the console, OAuth and OIDC. Each goes on until it is cancelled, and notes what it got.

`Notes.faults` are answers that nobody should give: a 5xx other than 503, or a traceback in an answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from connectors.http.json_reader import UnreadableJson, read
from streams.console.api.routes import ENDPOINTS
from streams.console.server import ConsoleServer
from streams.kafka.batching_producer import NotWritten, RecordsRefused, RecordTooLarge
from streams.kafka.topic_reader import read_topic
from streams.messages import FENCE_KEY, InvalidMessage, Message, NewerMessage
from streams.messages.topics import TOPICS
from tests.fuzz import corpus
from tests.fuzz.stage import FUZZED, PARTITIONS, SECRETS, TEAMS, WAITING, Stage, location
from tests.fuzz.strategies import drawn
from tests.fuzz.wire import Sent, send
from tests.unit.streams.console.stage import TOKENS, Browser, FakeAppender, settings_of

Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = ((b"Content-Type", b"application/json"),)
FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
DRAWN_AT_A_TIME = 40


@dataclass(slots=True)
class Notes:
    """What was seen. `statuses` by route, 0 for no answer; faults are written to the file `path` at once."""

    path: Path
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)

    def see(self, route: str, sent: Sent) -> None:
        """Note an answer."""
        self.statuses[route, sent.status] += 1
        if (sent.status >= 500 and sent.status != 503) or b"Traceback (most recent call last)" in sent.answer:
            shown = (sent.method, sent.target[:300], sent.body[:600], sent.headers, sent.answer[:300])
            self.faults.append(f"{route}: {sent.status}: {shown!r}")
            with self.path.open("a") as out:
                out.write(self.faults[-1] + "\n")


@dataclass(slots=True)
class Attack:
    """All attackers of a stage. `pace` is how many requests a second each of them sends at most."""

    stage: Stage
    pool: ProcessPoolExecutor
    chance: int
    notes: Notes
    pace: float = 12.0
    more: list[bytes] = field(default_factory=list)
    """Bodies that hypothesis has made from good ones, the newest last."""
    goods: dict[str, list[Any]] = field(default_factory=dict)
    _drawn: int = 0

    def all(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side."""
        return [
            self._draw(),
            self._forever(random.Random(f"{self.chance} webhooks"), self.webhook),
            self._forever(random.Random(f"{self.chance} topics"), self.record),
            self._forever(random.Random(f"{self.chance} doors"), self.door),
            *(self._console(role) for role in ("nobody", "vera", "ann", "looker", "robot")),
            self._leads(),
        ]

    async def _forever(self, dice: random.Random, one: Callable[[random.Random], Coroutine[Any, Any, None]]) -> None:
        while True:
            await one(dice)
            await asyncio.sleep(1 / self.pace)

    # -- what is made ---------------------------------------------------------------------------------------

    async def learn(self) -> None:
        """Good messages of each kind, from the topics, and good deliveries: what is almost right is made from these."""
        for spec in TOPICS:
            found = await read_topic(self.stage.settings, self.stage.names.of(spec.name))
            goods = [_json(one.value) for one in found if one.value and one.key != FENCE_KEY]
            self.goods[spec.name] = [one for one in goods if one is not None][-50:]
        team, place = TEAMS[FUZZED], location(FUZZED)
        ping = {"leadId": 1, "updateTime": 1736935860000}
        self.goods["lofty webhook"] = [
            {"teamId": team, "listId": 2, "updatedLead": [ping]},
            {"teamId": team, "listId": 9, "createdNote": {"noteId": 5, **ping}},
            {"teamId": team, "listId": 10, "finishedTask": {"taskId": 5, **ping}},
            {"teamId": team, "listId": 11, "updatedAppointment": {"appointmentId": 5, **ping}},
        ]
        envelope = {"locationId": place, "webhookId": "w1", "timestamp": "2026-01-01T00:00:00.000Z", "appId": "x"}
        self.goods["ghl webhook"] = [
            {"type": "NoteCreate", "id": "n1", "contactId": "c1", "body": "A note", **envelope},
            {"type": "TaskComplete", "id": "t1", "contactId": "c1", "title": "T", "dueDate": "2026-01-02", **envelope},
            {"type": "ContactUpdate", "id": "c1", "phone": "+12135550142", "customFields": [], **envelope},
            {"type": "AppointmentUpdate", "appointment": {"id": "a1", "contactId": "c1"}, **envelope},
        ]

    async def _draw(self) -> None:
        """Ever more bodies, of ever other kinds, and for the liars, too."""
        dice = random.Random(f"{self.chance} draws")
        while True:
            kinds = [kind for kind, goods in self.goods.items() if goods]
            goods = self.goods[dice.choice(kinds)]
            said = [one for liar in self.stage.liars for one in liar.goods[-20:]]
            self._drawn += 1
            asked = goods if not said or dice.random() < 0.7 else said
            few = dice.sample(asked, min(5, len(asked)))
            made = await asyncio.get_running_loop().run_in_executor(
                self.pool, drawn, few, DRAWN_AT_A_TIME, self.chance * 1000 + self._drawn
            )
            self.more = [*self.more, *made][-4000:]
            for liar in self.stage.liars:
                liar.more = self.more[-400:]

    def body(self, dice: random.Random, kind: str) -> bytes:
        """A body: of the corpus, or almost a good one of this kind, or almost a good one of any kind."""
        match dice.random():
            case low if low < 0.25:
                return dice.choice(corpus.bodies(location(FUZZED), str(TEAMS[FUZZED])))
            case low if low < 0.5 and self.more:
                return dice.choice(self.more)
        goods = self.goods.get(kind) or [{}]
        value = json.loads(json.dumps(dice.choice(goods)))
        return corpus.written(_spoilt(value, dice), escaped=dice.random() < 0.8)

    def headers(self, dice: random.Random) -> Headers:
        """Now and then a hostile one."""
        return dice.choice(corpus.headers()) if dice.random() < 0.3 else ()

    # -- webhooks -------------------------------------------------------------------------------------------

    async def webhook(self, dice: random.Random) -> None:
        """A delivery at one of the doors: with Lofty's secret or another, signed or not."""
        match dice.choice(["lofty", "lofty", "secret", "signed", "signed", "unsigned"]):
            case "lofty":
                target, body, headers = f"/lofty/{SECRETS[FUZZED]}".encode(), self.body(dice, "lofty webhook"), JSON
            case "secret":
                target, body, headers = b"/lofty/" + dice.choice(corpus.paths()), self.body(dice, "lofty webhook"), ()
            case "signed":
                target, body = b"/ghl/webhooks", self.body(dice, "ghl webhook")
                headers = ((b"X-GHL-Signature", self.stage.sign(body)), *JSON)
            case _:
                target, body, headers = b"/ghl/webhooks", self.body(dice, "ghl webhook"), ()
        sent = await send(self.stage.gateway, "POST", _clean(target), (*headers, *self.headers(dice)), body)
        self.notes.see(target.split(b"/")[1].decode() + " webhook", sent)

    # -- topics ---------------------------------------------------------------------------------------------

    async def record(self, dice: random.Random) -> None:
        """A record on one of the topics, in any partition, under any key."""
        spec = dice.choice(TOPICS)
        value: bytes | None = self.body(dice, spec.name)
        if dice.random() < 0.05 and spec.name != "mappings":
            value = None
        if value is not None and is_newer(value):
            return  # it stops whoever reads it, which is right (`streams/messages/message.py`)
        keys = (b"", b"k", b"\xff", b"a:b", f"{FUZZED}:1:contact:1".encode(), f"{FUZZED}:1".encode(), b"x" * 500)
        try:
            await self.stage.produce(spec.name, dice.randrange(PARTITIONS), dice.choice(keys), value)
        except (RecordTooLarge, RecordsRefused, NotWritten):
            self.notes.records["not taken"] += 1
            return
        self.notes.records[spec.name] += 1

    # -- OAuth, OIDC, and what has no door ------------------------------------------------------------------

    async def door(self, dice: random.Random) -> None:
        """OAuth's callbacks, OIDC's, sometimes with a state that was really given out, health, and addresses that are none."""
        route = dice.choice(
            ["/oauth/ghl/callback", "/oauth/lofty/callback", "/console/oidc/callback", "/console/oidc/start", "/", "*"]
        )
        target = route.encode() + dice.choice(corpus.paths())
        if route.endswith("callback") and dice.random() < 0.5:
            code = dice.choice(corpus.texts())[:2000].encode("utf-8", "surrogatepass")
            state = (await self._state(dice, route)).encode()
            target = route.encode() + b"?code=" + quote_from_bytes(code).encode() + b"&state=" + state
        method = dice.choice(["GET"] * 8 + ["POST", "HEAD", "PUT", "BREW"])
        sent = await send(self.stage.gateway, method, _clean(target), self.headers(dice), b"")
        self.notes.see(route, sent)

    async def _state(self, dice: random.Random, route: str) -> str:
        """A state that the gateway gave out, or another text."""
        if route == "/console/oidc/callback":
            sent = await send(self.stage.gateway, "GET", b"/console/oidc/start?go_on=/console/")
        else:
            headers = ((b"Authorization", f"Bearer {TOKENS['robot']}".encode()), *JSON)
            target = f"/api/v1/connections/{WAITING}/ghl/link".encode()
            sent = await send(self.stage.gateway, "POST", target, headers, b"{}")
        self.notes.see(route, sent)
        _, found, rest = sent.answer.partition(b"state=")
        return (
            rest.split(b"&")[0].split(b'"')[0].split(b"\r")[0].decode("latin-1") if found else "x" * dice.randrange(99)
        )

    # -- the console ----------------------------------------------------------------------------------------

    async def _console(self, who: str) -> None:
        """Every page, form and endpoint as somebody: with a session, with a token, or as nobody."""
        dice = random.Random(f"{self.chance} {who}")
        targets = routes()
        given: Headers = ()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            number = 0
            while True:
                if number % 150 == 0:
                    given = await self._access(who, http)
                number += 1
                method, path = dice.choice(targets)
                await self._visit(dice, method, path, given, who)
                await asyncio.sleep(4 / self.pace)

    async def _access(self, who: str, http: aiohttp.ClientSession) -> Headers:
        if who in TOKENS:
            return ((b"Authorization", f"Bearer {TOKENS[who]}".encode()),)
        browser = Browser(self.stage.gateway, http)
        if who != "nobody":
            http.cookie_jar.clear()
            await browser.sign_in(who)
        else:
            await browser.ask("GET", "/api/v1/session")
        cookies = "; ".join(f"{one.key}={one.value}" for one in http.cookie_jar)
        return (
            (b"Cookie", cookies.encode()),
            (b"Origin", self.stage.gateway.encode()),
            (b"X-CSRF-Token", browser.csrf.encode()),
        )

    async def _visit(self, dice: random.Random, method: str, path: str, given: Headers, who: str) -> None:
        target = _filled(path, dice)
        if method == "GET" and b"?" not in target and dice.random() < 0.7:
            target += b"?" + _form(dice)
        is_api = path.startswith("/api/")
        body: bytes = b""
        headers: Headers = given
        if method != "GET":
            body = self._api_body(dice, path) if is_api else _form(dice)
            headers = (*headers, *(JSON if is_api else FORM))
        if dice.random() < 0.15:
            hostile = dice.choice(corpus.headers())
            names = {name.lower() for name, _ in hostile}
            headers = (*(one for one in headers if one[0].lower() not in names), *hostile)
        sent = await send(self.stage.gateway, method, _clean(target), headers, body)
        self.notes.see(f"{who} {method} {path}", sent)

    def _api_body(self, dice: random.Random, path: str) -> bytes:
        if dice.random() < 0.3:
            return self.body(dice, "lofty webhook")
        model = next((one.body for one in ENDPOINTS if f"/api/v1{one.path}" == path), None)
        names = list(model.model_fields) if model is not None else ["name"]
        value: dict[str, Any] = {name: _plausible(name, dice) for name in names if dice.random() < 0.9}
        return corpus.written(value if dice.random() < 0.6 else _spoilt(value, dice))

    # -- leads that odd agents write ------------------------------------------------------------------------

    async def _leads(self) -> None:
        """New leads, notes and tasks of the attacked connection: what its vendors lie about."""
        dice = random.Random(f"{self.chance} leads")
        leads: list[str] = []
        while True:
            await asyncio.sleep(3 / self.pace)
            text = dice.choice(corpus.texts())[:3000].encode("utf-16", "replace").decode("utf-16", "replace")
            if not leads or dice.random() < 0.5:
                leads.append(self.stage.new_lead(FUZZED, lastName=text or "x"))
            else:
                lead = dice.choice(leads[-50:])
                self.stage.edit(FUZZED, "create", "note", leadId=lead, fields={"content": text or "x"})


def is_newer(raw: bytes) -> bool:
    """Whether bytes claim to be a word of a newer release: one byte of a good record is enough."""
    try:
        Message.from_bytes(raw)
        word = Message.model_validate(read(raw, most_depth=Message.deepest).value)
    except NewerMessage:
        return True
    except (InvalidMessage, UnreadableJson, ValidationError):
        return False
    return word.v > Message.version


def routes() -> list[tuple[str, str]]:
    """Every page, form and endpoint of the console: method and address."""
    oidc = '\n[console.oidc]\nissuer = "http://127.0.0.1:1"\nclient_id = "fuzz"\n'
    settings = settings_of(oidc)
    console = ConsoleServer(settings, FakeAppender, lambda: 0)  # type: ignore[arg-type]  # a fake, of which nothing is asked
    app = web.Application()
    console.mount(app)
    found = set()
    for route in app.router.routes():
        if route.resource is not None and route.method != "HEAD":
            found.add((route.method, route.resource.canonical))
    for prefix, inner in (("/console", console.pages), ("/api/v1", console.api)):
        for route in inner.router.routes():
            if route.resource is not None and route.method in ("GET", "POST", "PUT", "DELETE"):
                path = route.resource.canonical
                found.add((route.method, path if path.startswith(prefix) else prefix + path))
    return sorted(found)


_FIELDS = (
    *(
        "name",
        "password",
        "go_on",
        "theme",
        "csrf",
        "text",
        "version",
        "connection",
        "mapping",
        "do",
        "leads",
        "answer",
    ),
    *(
        "ticket",
        "link",
        "id",
        "q",
        "kind",
        "who",
        "before",
        "offset",
        "limit",
        "stage",
        "reason",
        "entity",
        "dry",
        "topic",
    ),
    *("since", "until", "contact", "rate", "run", "saved", "cursor", "group", "status", "minutes"),
)


def _form(dice: random.Random) -> bytes:
    names = dice.sample(_FIELDS, dice.randrange(1, 12))
    found = []
    for name in names:
        value = _plausible(name, dice)
        text = value if isinstance(value, str) else json.dumps(value)
        found.append(f"{name}=".encode() + quote_from_bytes(text.encode("utf-8", "surrogatepass")).encode())
    if dice.random() < 0.05:
        found += [b"%ff=%fe", b"a=%ED%A0%BC", b"x" * 5000, b"=", b"&&&"]
    return b"&".join(found)


def _plausible(name: str, dice: random.Random) -> Any:
    """A value that fits a field of this name, or one that does not."""
    fits: dict[str, list[Any]] = {
        "connection": [FUZZED, WAITING, "nobody"],
        "name": ["edited", "fuzzed", "default", "ann"],
        "mapping": ["edited", "default", "fuzzed"],
        "text": list(corpus.mappings()),
        "expected_version": [0, 1, 2, 3],
        "version": ["0", "1", "2"],
        "to_version": [0, 1],
        "rate": [200.0, 0.1],
        "topic": ["snapshots", "parked", "receipts"],
        "since": ["2026-01-01", "1h"],
        "q": ["Good", "1", "a@example.com"],
        "who": ["1", "a@example.com"],
        "leads": [["1"], "1"],
        "limit": [10],
        "offset": [0],
        "do": ["preview", "check", "save"],
    }
    match dice.random():
        case low if low < 0.55 and name in fits:
            return dice.choice(fits[name])
        case low if low < 0.85:
            return dice.choice(corpus.texts())[:100_000]
    return dice.choice(corpus.values())


def _filled(path: str, dice: random.Random) -> bytes:
    """An address with something in its parts."""
    found = b""
    for number, part in enumerate(path.split("/")):
        if part.startswith("{"):
            name = part.strip("{}")
            value = _plausible(name, dice) if dice.random() < 0.6 else None
            if isinstance(value, str) and value:
                filled = quote_from_bytes(value[:3000].encode("utf-8", "surrogatepass"), safe="").encode()
            else:
                filled = dice.choice(corpus.paths()) if name != "vendor" else b"ghl"
            found += b"/" + filled
        else:
            found += (b"/" if number else b"") + part.encode()
    return found


def _spoilt(value: Any, dice: random.Random) -> Any:
    """A good message with a hostile value in one or two of its places."""
    for _ in range(dice.randrange(1, 3)):
        holder, name = value, None
        while isinstance(holder, dict | list) and holder:
            keys = [one for one in holder if one != "v"] if isinstance(holder, dict) else range(len(holder))
            if not keys:
                break
            name = dice.choice(list(keys))
            if not isinstance(holder[name], dict | list) or not holder[name] or dice.random() < 0.3:
                break
            holder = holder[name]
        if name is None or not isinstance(holder, dict | list):
            return dice.choice(corpus.values())
        holder[name] = dice.choice([dice.choice(corpus.values()), dice.choice(corpus.texts())])
    return value


def _clean(target: bytes) -> bytes:
    """Without spaces and line ends: those would be another request."""
    return target.replace(b" ", b"%20").replace(b"\r", b"%0d").replace(b"\n", b"%0a")


def _json(raw: bytes | None) -> Any:
    try:
        return json.loads(raw or b"")
    except ValueError:
        return None
