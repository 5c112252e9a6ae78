"""The README's walk, as a new user takes it: an empty folder, its commands as processes, both sandboxes, a real Kafka.

init → connect at both vendors → subscriptions apply → backfill → edits flow both ways.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.deadlines import within
from tests.kafka.broker import Broker

SECRETS = {
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "sixteen-characters-or-more",
    "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET": "ghl-secret",
    "LOFTY_GHL_OAUTH_LOFTY_CLIENT_SECRET": "lofty-secret",
    "LOFTY_GHL_TOKEN_KEYS": "202601:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
Answer = tuple[int, str, str]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Walker:
    """A new user in an empty folder. The README's ports are replaced by free ones."""

    def __init__(self, folder: Path, broker: Broker, http: aiohttp.ClientSession) -> None:
        self.folder, self.http = folder, http
        self.gateway, self.ghl, self.lofty, worker = (f"http://localhost:{port}" for port in free_ports(4))
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LOFTY_GHL_")},
            **SECRETS,
            "LOFTY_GHL_KAFKA": broker.bootstrap,
            "LOFTY_GHL_TOPIC_PREFIX": f"walk-{uuid.uuid4().hex[:8]}.",
            "LOFTY_GHL_WORKER_PORT": worker.rpartition(":")[2],
        }

    def move_ports(self) -> None:
        """In the configuration that `init` wrote."""
        path = self.folder / "lofty-ghl.toml"
        text = path.read_text()
        for usual, ours in ((8080, self.gateway), (9101, self.ghl), (9102, self.lofty)):
            text = text.replace(str(usual), ours.rpartition(":")[2])
        path.write_text(text)

    async def start(self, line: str, **pipes: Any) -> asyncio.subprocess.Process:
        """A command as a process in the folder."""
        words = line.split()
        assert words[0] == "lofty-ghl"
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", *words[1:]), cwd=self.folder, env=self.environ, **pipes
        )

    async def run(self, line: str) -> Answer:
        """A command to its end: exit code, output, complaints."""
        process = await self.start(line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, complaint = await process.communicate()
        return process.returncode or 0, out.decode(), complaint.decode()

    @asynccontextmanager
    async def running(self, line: str, address: str) -> AsyncIterator[None]:
        """A command that goes on, once its address answers."""
        with (self.folder / f"{line.split()[1]}-{uuid.uuid4().hex[:4]}.log").open("wb") as log:
            process = await self.start(line, stdout=log, stderr=log)
            try:
                await self.until(lambda: self.answers(address), line)
                yield
            finally:
                process.terminate()
                await process.wait()

    async def answers(self, address: str) -> bool:
        try:
            async with self.http.get(address) as answer:
                return answer.status < 500
        except aiohttp.ClientError:
            return False

    async def until(self, claim: Callable[[], Awaitable[bool]], what: str, seconds: float = 45.0) -> None:
        """Wait for what must come."""
        try:
            async with asyncio.timeout(within(seconds)):
                while not await claim():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            logs = "\n".join(f"{one.name}: {one.read_text()[-1500:]}" for one in self.folder.glob("*.log"))
            raise AssertionError(f"not in {seconds:.0f} s: {what}\n{logs}") from None

    async def post(self, url: str, body: Any) -> Any:
        async with self.http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def get(self, url: str) -> Any:
        async with self.http.get(url) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def consent(self, link: str, *, follow: bool) -> str:
        """A person opens the link and presses Approve; returns the address that the browser ends at."""
        async with self.http.get(link) as answer:
            page = await answer.text()
            assert answer.status == 200, page
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
        choices = [unescape(one) for one in re.findall(r'name="choice" value="([^"]*)"', page)]
        form = {unescape(name): unescape(value) for name, value in hidden}
        form |= {"decision": "approve", "choice": next(one for one in choices if one in ("rehearsal", "123456"))}
        async with self.http.post(link.partition("?")[0], data=form, allow_redirects=follow) as answer:
            if follow:
                assert answer.status == 200, await answer.text()
                return str(answer.url)
            return answer.headers["Location"]

    async def contacts(self) -> list[dict[str, Any]]:
        """What GHL holds."""
        found: list[dict[str, Any]] = (await self.get(f"{self.ghl}/_sandbox/contacts?location=rehearsal"))["contacts"]
        return found

    async def make_in_lofty(self, kind: str, **fields: Any) -> str:
        """An agent makes a lead or an appointment; returns its id."""
        made = await self.post(f"{self.lofty}/_sandbox/{kind}", fields)
        return str(made.get("leadId") if kind == "leads" else made["id"])

    async def lofty_holds(self, text: str) -> bool:
        """Whether a lead, or what hangs on one, has this text in Lofty."""
        return text in str(await self.get(f"{self.lofty}/_sandbox/leads"))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def connect_ghl(user: Walker) -> Answer:
    """The command waits while the person gives consent."""
    process = await user.start(
        "lofty-ghl connect ghl --wait 1", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    link = ""
    while "http" not in link:
        line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        link = line.decode().strip()
    end = await user.consent(link, follow=True)
    assert urlsplit(end).path == "/oauth/ghl/callback"
    out, complaint = await process.communicate()
    return process.returncode or 0, out.decode(), complaint.decode()


async def connect_lofty(user: Walker) -> Answer:
    """The person pastes what the browser shows, though nothing listens there."""
    process = await user.start(
        "lofty-ghl connect lofty",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    link = (await process.stdout.readline()).decode().strip()
    pasted = await user.consent(link, follow=False)
    out, complaint = await process.communicate(f"{pasted}\n".encode())
    return process.returncode or 0, out.decode(), complaint.decode()


async def test_a_new_user_goes_from_nothing_to_edits_that_flow_both_ways(
    real_kafka: Broker, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Each command says what it did; what is tried too early says what is missing."""
    user = Walker(tmp_path, real_kafka, http)
    assert (await user.run("lofty-ghl init --rehearsal"))[0] == 0
    assert (await user.run("lofty-ghl init --rehearsal"))[0] == 2
    user.move_ports()
    lofty = (
        f"lofty-ghl sandbox lofty --team 123456=unused --client lofty-rehearsal=lofty-secret --port {port_of(user.lofty)}"
        f" --redirect-uri {user.gateway}/oauth/lofty/callback"
    )
    ghl = (
        f"lofty-ghl sandbox ghl --location rehearsal=unused --client app1-rehearsal=ghl-secret --port {port_of(user.ghl)}"
        f" --webhooks {user.gateway}/ghl/webhooks"
    )
    health = f"http://localhost:{user.environ['LOFTY_GHL_WORKER_PORT']}/readyz"
    async with user.running(lofty, f"{user.lofty}/_sandbox/stats"), user.running(ghl, f"{user.ghl}/_sandbox/stats"):
        await user.make_in_lofty("leads", **person("Ada"))
        too_early = await user.run("lofty-ghl backfill acme")
        assert too_early[0] != 0
        code, *said = await user.run("lofty-ghl topics create")
        assert code == 0, said
        async with (
            user.running("lofty-ghl gateway", f"{user.gateway}/healthz"),
            user.running("lofty-ghl worker", health),
        ):
            without_access = await user.run("lofty-ghl subscriptions apply")
            at_ghl, at_lofty = await connect_ghl(user), await connect_lofty(user)
            subscribed = await user.run("lofty-ghl subscriptions apply")
            shown = await user.run("lofty-ghl subscriptions show")
            filled = await user.run("lofty-ghl backfill acme")

            async def carried() -> bool:
                return [one["firstName"] for one in await user.contacts()] == ["Ada"]

            await user.until(carried, "the backfill's contact")
            after = await user.make_in_lofty("leads", **person("Bo"))
            await user.make_in_lofty("appointments", leadId=int(after), **APPOINTMENT)

            async def told() -> bool:
                found = [one for one in await user.contacts() if one["firstName"] == "Bo"]
                return bool(found and found[0]["appointments"])

            await user.until(told, "a lead that Lofty's webhook reported, with its appointment in the calendar")
            contact = next(one["id"] for one in await user.contacts() if one["firstName"] == "Ada")
            note = {"do": "create-note", "location": "rehearsal", "ids": {"contactId": contact}}
            await user.post(f"{user.ghl}/_sandbox/act", {**note, "body": {"body": "likes gardens"}})

            await user.until(lambda: user.lofty_holds("likes gardens"), "GHL's note in Lofty")
            explained = await user.run(f"lofty-ghl explain {after}")

    assert without_access[0] == 3
    assert "nobody has granted access yet. Run: lofty-ghl connect lofty" in without_access[2]
    assert (at_ghl[0], at_lofty[0]) == (0, 0), (at_ghl, at_lofty)
    assert "calendars/events.write" in at_ghl[1]
    assert (subscribed[0], shown[0], filled[0]) == (0, 0, 0), (subscribed, shown, filled)
    assert (explained[0], "create contact" in explained[1]) == (0, True)


APPOINTMENT = {"descr": "See the house", "deadline": 1_800_000_000_000}


def person(name: str) -> dict[str, Any]:
    return {"firstName": name, "lastName": "Example", "emails": [f"{name.lower()}@example.com"]}


def port_of(url: str) -> str:
    return url.rpartition(":")[2]
