"""A gateway with a console, as a process that dies by SIGKILL at one step of adding, changing or removing a connection, or when a test kills it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.lofty.client import LoftyClient
from streams.console.server import ConsoleServer
from streams.console.services import connection_edits
from streams.gateway.server import GatewayServer
from streams.mapping_versions.store import MappingVersions
from streams.operations.connection_edits import follow_up
from streams.operations.connection_edits.editor import ConnectionEditor
from streams.settings import load_settings


@dataclass(frozen=True, slots=True)
class Step:
    """It dies at the call `number` of this function: before it, or when it has ended."""

    action: str
    owner: Any
    function: str
    number: int = 1
    after: bool = False


STEPS = {
    "before the edit of a new one": Step("add", ConnectionEditor, "_save"),
    "before the keys of a new one": Step("add", ConnectionEditor, "_paste"),
    "before the answer about a new one": Step("add", ConnectionEditor, "_paste", after=True),
    "before a new one is subscribed": Step("add", connection_edits, "subscribe"),
    "while a new one is subscribed": Step("add", LoftyClient, "create_subscription", 3, after=True),
    "before the edit of a change": Step("change", ConnectionEditor, "_save"),
    "before the answer about a change": Step("change", MappingVersions, "write", after=True),
    "before a removal": Step("remove", ConnectionEditor, "_save"),
    "before its subscriptions go": Step("remove", follow_up, "_remove_subscriptions"),
    "while its subscriptions go": Step("remove", LoftyClient, "delete_subscription", 3, after=True),
    "before its tokens go": Step("remove", follow_up, "_remove_tokens"),
    "before its keys go": Step("remove", ConnectionEditor, "end_removal"),
    "before its removal is noted": Step("remove", ConnectionEditor, "_save", 2),
    "when its removal is noted": Step("remove", ConnectionEditor, "end_removal", after=True),
}


def set_trap(step: Step) -> None:
    """Let this process die there."""
    real, calls = getattr(step.owner, step.function), 0

    async def trapped(*given: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        is_here = calls == step.number
        if is_here and not step.after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = await real(*given, **more)
        if is_here:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(step.owner, step.function, trapped)


async def run(config: Path, step: str, at: Path) -> None:
    """Serve, and write into the file `at` where. Without a step it lives until it is killed."""
    if step:
        set_trap(STEPS[step])
    settings = load_settings(config, os.environ)
    async with GatewayServer(settings, console=ConsoleServer) as gateway:
        at.with_suffix(".new").write_text(gateway.url)
        at.with_suffix(".new").rename(at)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
