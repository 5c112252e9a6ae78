"""An operator who asks for replays while everything breaks: the command itself, in a process that may be killed, too.

What is cut off stays cut off until the same selection is asked for again; then it is carried on, as the command does.
Two may go on at once, also with the same selection.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from streams.messages.topics import differing
from streams.operations.replay.errors import OtherMapping
from tests.chaos.stage import PAIRS, Stage
from tests.deadlines import within

MOST_AT_ONCE = 2
KILL_SECONDS = (3.0, 20.0)
"""When a command is killed that is to be: while it starts, reads, hands over or waits for the workers."""
CARRY_SECONDS = 180.0
"""What a replay of everything may take in peace, once all that was before it has come to rest."""
BREATH_SECONDS = 1.0
AWAY, REFUSED, NOT_FINISHED = 3, 2, 1
REFUSALS = {
    "another mapping in force": str(OtherMapping("")).partition(":")[2],  # a worker has not taken it over yet
    "the deployment has moved, or moves": "kafka.topic_prefix is",  # the configuration is that of before
    "a topic is missing": differing({}, [""], 1).partition("missing")[
        2
    ],  # its changelog was deleted, and none accepted it yet
}
"""What a command may refuse while everything breaks, and the words of the product that say so."""
SNAPSHOTS, CHANGES, PARKED = "lofty.snapshots", "lofty.changes", "parked"
EVERYTHING = (SNAPSHOTS,)

Words = tuple[str, ...]
"""What stands behind `lofty-ghl replay`: the topic, and which of it."""


@dataclass(slots=True)
class Operator:
    """`ends` counts the commands by how they ended; `failures` are what no command may do, whatever breaks."""

    stage: Stage
    random: Random
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _commands: set[asyncio.Task[int]] = field(default_factory=set)
    _everything: asyncio.Task[None] | None = None
    _begun: int = 0

    async def ask_for_a_replay(self) -> None:
        """Of one connection or of all, of snapshots, changes or parked records; nobody waits for its end. Half are killed."""
        if len(self._commands) >= MOST_AT_ONCE:
            return
        one = self.stage.label(self.random.randrange(PAIRS))
        choices: list[Words] = [(SNAPSHOTS, "--connection", one), EVERYTHING, (CHANGES, "--connection", one), (PARKED,)]
        words = self.random.choices(choices, (4, 1, 2, 1))[0]
        is_killed = self.random.random() < 0.5
        command = asyncio.create_task(self._command(words, self.random.uniform(*KILL_SECONDS) if is_killed else None))
        self._commands.add(command)
        command.add_done_callback(self._commands.discard)

    def begin_to_replay_everything(self) -> None:
        """Replay under a new mapping: all that the old one wrote is written again. It continues until it is done."""
        if self._everything is not None:
            self._everything.cancel()
        self._everything = asyncio.create_task(self._carry_through(), name="replay of everything")

    async def until_everything_is_replayed(self) -> str:
        """Wait for it in peace, without any other replay. Returns what is wrong when it does not come to its end."""
        await self._stop_commands()
        if self._everything is not None:
            await asyncio.wait([self._everything], timeout=within(CARRY_SECONDS))
            if not self._everything.done():
                return f"the replay of everything did not come to its end within {within(CARRY_SECONDS):.0f} s of peace"
            self._everything.result()
        return ""

    async def stop(self) -> None:
        """Kill what is under way."""
        await self._stop_commands()
        if self._everything is not None:
            self._everything.cancel()
            await asyncio.wait([self._everything])
            self._everything = None

    async def _carry_through(self) -> None:
        """Again and again, whoever cuts it off. Ends when the command says that it is done."""
        kills = 2
        while await self._command(EVERYTHING, self.random.uniform(*KILL_SECONDS) if kills > 0 else None) != 0:
            kills -= 1
            await asyncio.sleep(BREATH_SECONDS)

    async def _stop_commands(self) -> None:
        for one in list(self._commands):
            one.cancel()
        while self._commands:
            await asyncio.sleep(0.05)

    async def _command(self, words: Words, kill_after: float | None) -> int:
        """The command's exit code, -9 when it was killed. It is killed with its task, too."""
        self._begun += 1
        rate = self.random.choice(("20", "200", "1000"))
        log = self.stage.folder / f"replay{self._begun}.log"
        config = self.stage.folder / f"replay{self._begun}.toml"
        config.write_text(self.stage.configuration)
        happened = self.stage.note("replay", " ".join(words), f"{log.name}, {rate} a second")
        with log.open("wb") as out:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "streams.cli", "replay", *words, "--yes", "--rate", rate),
                *("--config", str(config)),
                env={**os.environ, **self.stage.environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        try:
            await asyncio.wait_for(child.wait(), kill_after)
        except TimeoutError:
            with suppress(ProcessLookupError):  # it ends by itself at this moment
                child.kill()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                child.kill()
            raise
        finally:
            code = await child.wait()
            happened.until = time.time()
            self._tell_ended(words, code, log)
        return code

    def _tell_ended(self, words: Words, code: int, log: Path) -> None:
        says = log.read_text(errors="replace")
        known = {0: "done", -9: "killed", NOT_FINISHED: "cut off, or some left", AWAY: "Kafka or workers away"}
        if code == REFUSED and (why := refusal(says)):
            self.ends[f"refused: {why}"] += 1
            return
        self.ends[known.get(code, f"exit code {code}")] += 1
        if code not in known or "Traceback" in says:
            self.failures.append(f"replay {' '.join(words)} ended with {code}: {says[-600:]}")


def refusal(says: str) -> str:
    """Which refusal that is allowed a command's words are; empty when they are none."""
    return next((why for why, words in REFUSALS.items() if words in says), "")
