"""How a deployment loses its memory by roads that the product supports, and how a connection gets another name."""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from streams.kafka.admin import create_missing
from streams.mapping.opt_outs import OPT_OUTS
from streams.messages.topics import LINKS_TABLE
from tests.chaos.commands import run_command
from tests.chaos.history import FORGOT, Deed
from tests.chaos.lost import SLOTS, Lost
from tests.chaos.stage import PAIRS, PINGS, Stage
from tests.chaos.supervisor import LOOK_SECONDS, Supervisor

END_SECONDS = 60.0
READY_SECONDS = 90.0
BACKFILL_SECONDS = 900.0
VERIFY_SECONDS = 900.0


@dataclass(slots=True)
class Forgetting:
    """Everything is done by the commands that an operator has."""

    stage: Stage
    supervisor: Supervisor
    random: Random
    meanwhile: Callable[[], object]
    """Called while no worker runs and memory is about to be lost."""
    asked: int = 0
    """The leads that no memory knew, and about which verify had Lofty asked."""
    wrong: list[str] = field(default_factory=list)
    """What verify found wrong after a loss of memory, other than what it is there to find."""

    async def another_prefix(self) -> Deed:
        """As after a wiped cluster: gateway and workers go on with topics that hold nothing, and everything is read once more."""
        began = time.time()
        await self._with_workers_down(self._take_another_prefix)
        told = self.stage.note(FORGOT, "another prefix")
        read = await self.backfill()
        told.until = time.time()
        return Deed("another prefix", began, time.time(), {"connections were read once more": read})

    async def wiped_links(self) -> Deed:
        """The changelog of `links` is deleted, and the local copies of all machines with it."""
        began = time.time()

        def wipe() -> None:
            self.meanwhile()
            for slot in SLOTS:
                for store in self.stage.stores(slot):
                    shutil.rmtree(store)

        lost = Lost(self.stage, self.supervisor, self.random)
        seen = await lost.delete_a_changelog(LINKS_TABLE, wipe)
        self.stage.note(FORGOT, "wiped links").until = time.time()
        read = await self.backfill()
        return Deed("wiped links", began, time.time(), {**seen, "connections were read once more": read})

    async def rename(self, number: int) -> Deed:
        """A connection gets another name in the file, by the command; gateway and workers start again."""
        began, old = time.time(), self.stage.label(number)
        new = f"{old}-{uuid.uuid4().hex[:4]}"

        async def renamed() -> None:
            config = self.stage.folder / "renamed.toml"
            config.write_text(self.stage.configuration)
            code, out = await run_command(
                ("connections", "rename", old, new, "--config", str(config)), self.stage.environ, END_SECONDS
            )
            assert code == 0, out
            before, now = (f"_{name.upper().replace('-', '_')}_" for name in (old, new))
            self.stage.configure(
                config.read_text(), {name.replace(before, now): one for name, one in self.stage.environ.items()}
            )
            await self.stage.restart_gateway()

        await self._with_workers_down(renamed)
        seen = {"it has another name": int(self.stage.label(number) == new)}
        return Deed("a connection is renamed", began, time.time(), seen)

    async def backfill(self) -> int:
        """Read all leads of all connections, as an operator orders it. Returns how many ended well."""
        done = 0
        for number in range(PAIRS):
            config = self.stage.folder / "backfill.toml"
            config.write_text(self.stage.configuration)
            code, out = await run_command(
                ("backfill", self.stage.label(number), "--config", str(config)), self.stage.environ, BACKFILL_SECONDS
            )
            done += code == 0
            if code != 0:
                print(f"backfill: exit code {code}: {out[-400:]}", flush=True)
        return done

    async def compare(self) -> None:
        """`verify --repair` of all connections: it asks Lofty about contacts with an id that no memory names, and repairs nothing else.

        But for a channel that one lead of a shared contact has closed there: the next search for opt-outs closes it for the other.
        """
        config, report = self.stage.folder / "compared.toml", self.stage.folder / "compared.json"
        config.write_text(self.stage.configuration)
        code, out = await run_command(
            ("verify", "--repair", "--json", "--config", str(config)), self.stage.environ, VERIFY_SECONDS, report
        )
        if code not in (0, 4):
            self.wrong.append(f"exit code {code}: {out[-400:]}")
        for name, found in orjson.loads(report.read_bytes() or b"{}").get("connections", {}).items():
            for one in found["mended"]:
                self.asked += (is_asked := one["repair"] == ["ask"])
                if not is_asked and not _closes_a_channel(one):
                    self.wrong.append(f"{name}: {one}")

    async def _take_another_prefix(self) -> None:
        self.meanwhile()
        await asyncio.sleep(PINGS.delay_seconds)  # some of what is announced is lost with the topics, some is not
        old = self.stage.names.of("")
        text = self.stage.configuration.replace(f'"{old}"', f'"chaos-{uuid.uuid4().hex[:6]}."')
        self.stage.edited = ""
        self.stage.configure(text, self.stage.environ)
        await create_missing(self.stage.settings)
        await self.stage.restart_gateway()

    async def _with_workers_down(self, work: Callable[[], Awaitable[None]]) -> None:
        """No worker runs meanwhile; afterwards one is ready again."""
        self.supervisor.held |= set(SLOTS)
        try:
            self.supervisor.kill(*self.stage.alive())
            while self.stage.alive():
                await asyncio.sleep(LOOK_SECONDS)
            await work()
        finally:
            self.supervisor.held -= set(SLOTS)
        await self.stage.until(lambda: bool(self.supervisor.ready()), READY_SECONDS, "a worker is ready")


def _closes_a_channel(finding: Mapping[str, Any]) -> bool:
    """Whether a contact has closed more channels than its lead, and is right otherwise."""
    differences = finding["differences"]
    return bool(differences) and all(
        one["field"] == OPT_OUTS and {*one["wanted"]} < {*one["found"]} for one in differences
    )
