"""Being notified: access that is revoked and comes back, a gateway that is killed in between, a mail server that is frozen.

`test_gateways_that_are_killed...` kills gateways as processes on a real Kafka: what was not sent is sent by the next one, what was
sent is not sent again, and what was being sent comes twice at most, under one id.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox.shared.faults import parse_fault
from streams.console.server import ConsoleServer
from streams.core.scheduling import pauses
from streams.gateway.server import GatewayServer
from tests.deadlines import within
from tests.integration.command import config_of
from tests.integration.console import CONSOLE_ENVIRON, Caller, caller, console_on_stage
from tests.integration.mailbox import RECIPIENTS, Mailbox, hook, mailbox
from tests.integration.stage import ENVIRON, SECRET, TEAM, Stage, stage
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import CONFIG
from tests.zygote import DEVNULL, PIPE, Process, run_module

QUICK = f"""
[notifications]
after_seconds = 2
group_seconds = 1
{RECIPIENTS}connections = ["acme"]
"""


@pytest.mark.in_make_test
async def test_revoked_access_is_reported_and_its_end_too(
    embedded_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By e-mail and webhook, once each; a second gateway says nothing, and takes over without repeating anything."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    async with mailbox() as box, hook() as chat:
        environ = {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": chat.url}
        async with console_on_stage(embedded_kafka, tmp_path, more=QUICK.format(port=box.port), environ=environ) as on:
            console = on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})
            settings = on.settings.model_copy(update={"console": console})
            async with GatewayServer(settings, console=ConsoleServer) as other:
                who = caller(on, url=other.url)
                fault = parse_fault({"kind": "revoke"})
                on.lofty.faults.add(fault)
                on.new_lead()
                await on.until(lambda: box.letters and chat.texts)
                await on.gateway.__aexit__(None, None, None)

                async def has_taken_over() -> bool:
                    return bool((await who.get("/notifications"))["sends_here"])

                await on.until(has_taken_over, 90)
                on.lofty.faults.clear()
                await on.until(lambda: len(box.letters) > 1 and len(chat.texts) > 1)
                await on.until_quiet()
                found = await who.get("/notifications")
                await on.gateway.__aenter__()
        assert box.subjects == ["acme: Lofty refuses our access", "Solved: acme: Access to Lofty is back"]
        assert [text.partition("\n")[0] for text in chat.texts] == [f"*{subject}*" for subject in box.subjects]
        first = box.letters[0]
        assert str(first["To"]) == "ann@example.com, bob@example.com"
        assert "What to do: Connect Lofty again" in first.get_content()
        ops = next(one for one in found["recipients"] if one["name"] == "ops")
        assert [one["subject"] for one in ops["sent"]] == list(reversed(box.subjects))
        assert ops["open_problems"] == 0


@dataclass(slots=True)
class KilledGateway:
    """A gateway as a process."""

    process: Process
    url: str
    who: Caller

    async def sends(self) -> bool:
        """Whether it is the one that sends."""
        return bool((await self.who.get("/notifications"))["sends_here"])


@asynccontextmanager
async def gateway_process(on: Stage, config: Path, environ: dict[str, str]) -> AsyncIterator[KilledGateway]:
    """One that listens; it is killed at the end, unless it was before."""
    process = await run_module(
        *("streams.cli", "gateway", "--config", str(config)),
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, **ENVIRON, **CONSOLE_ENVIRON, **environ},
    )
    try:
        assert process.stderr is not None
        url = ""
        async with asyncio.timeout(within(60)):
            while "listening at " not in url:
                line = await process.stderr.readline()
                assert line, "it has ended"
                url = line.decode()
        url = url.partition("listening at ")[2].strip()
        yield KilledGateway(process, url, caller(on, url=url))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def ids_about(box: Mailbox, words: str) -> Counter[str]:
    """How often each message with these words came, by its id."""
    return Counter(str(letter["Message-ID"]) for letter in box.letters if words in letter.get_content())


async def test_gateways_that_are_killed_forget_no_message_and_send_none_again(
    real_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is killed while it sends, the next one while all is sent; each message comes, and what was delivered before never again."""
    monkeypatch.setattr(pauses, "PAUSE_SECONDS", 0.5)
    async with mailbox() as box, hook() as chat:
        environ = {"LOFTY_GHL_NOTIFICATIONS_CHAT_WEBHOOK_URL": chat.url}
        more = CONFIG + QUICK.format(port=box.port).replace("group_seconds", "most_per_hour = 60\ngroup_seconds")
        async with stage(real_kafka, tmp_path, more=more, environ={**CONSOLE_ENVIRON, **environ}) as on:
            config = config_of(on, tmp_path)
            async with gateway_process(on, config, environ) as first, gateway_process(on, config, environ) as second:
                await on.gateway.__aexit__(None, None, None)
                await on.until(first.sends, 90)

                box.is_frozen = True
                on.lofty.faults.add(parse_fault({"kind": "revoke"}))
                lead = {"leadId": int(on.new_lead()), "updateTime": "2026-01-01T00:00:00Z"}
                ping = {"teamId": TEAM, "listId": 2, "updatedLead": [lead]}
                async with on.http.post(f"{first.url}/lofty/{SECRET}", json=ping) as answer:
                    assert answer.status == 200
                await on.until(lambda: box.attempts and chat.texts)
                first.process.kill()  # in the middle of a delivery
                await first.process.wait()
                box.is_frozen = False
                await on.until(lambda: ids_about(box, "Lofty refuses our access, since"), 90)
                await on.until(second.sends)
                await on.gateway.__aenter__()
                third = caller(on)

                async def is_recorded() -> bool:
                    """In Kafka, as one that does not send reads it."""
                    found = (await third.get("/notifications"))["recipients"]
                    return all(one["waiting"] is None and one["sent"] for one in found)

                async def has_taken_over() -> bool:
                    return bool((await third.get("/notifications"))["sends_here"])

                await on.until(is_recorded)
                second.process.kill()  # nothing is on its way
                await second.process.wait()
                await on.until(has_taken_over, 90)
                on.lofty.faults.clear()
                back = "Access to Lofty is back"
                await on.until(lambda: ids_about(box, back) and any(back in text for text in chat.texts), 90)
    broken, solved = ids_about(box, "Lofty refuses our access, since"), ids_about(box, back)
    assert len(broken) == 1, "one message, whichever gateway sent it"
    assert broken.most_common(1)[0][1] <= 2, "the one that was being sent may come twice, with its id"
    assert list(solved.values()) == [1]
    said = [text for text in chat.texts if "Lofty refuses our access, since" in text]
    assert len(said) == 1, "it had arrived before the first gateway was killed"
    assert sum(back in text for text in chat.texts) == 1
