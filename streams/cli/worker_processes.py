"""`lofty-ghl worker --processes N`: the supervisor of N worker processes, each of which is this command again with `--process`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.shared import refuse, refuse_machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.settings import Settings
    from streams.worker.processes.child_process import ChildProcess


def count_or_refuse(processes: str, settings: Settings) -> int:
    """The number of processes that the option means; ends the command where it means none."""
    from streams.worker.processes.how_many import InvalidProcesses, number_of_processes, usable_cores

    try:
        return number_of_processes(processes, settings.kafka.partitions, usable_cores())
    except InvalidProcesses as error:
        refuse(str(error))


def run_processes(
    settings: Settings, count: int, arguments: Sequence[str], *, module: Sequence[str] = ("streams.cli", "worker")
) -> int:
    """Keep `count` processes running with these arguments until SIGTERM or Ctrl-C; returns the exit code.

    A second signal ends them at once. `module` is what each process runs.
    """
    import asyncio
    from tempfile import TemporaryDirectory

    try:
        # A Unix socket's path may have 107 bytes, which a folder for data may exceed.
        with TemporaryDirectory(prefix="lofty-ghl-") as sockets:
            command = [sys.executable, "-m", *module, *arguments]
            return asyncio.run(_supervise(settings, count, command, Path(sockets)))
    except OSError as error:
        refuse_machine(error)


async def _supervise(settings: Settings, count: int, command: list[str], sockets: Path) -> int:
    import asyncio
    import signal
    from contextlib import suppress

    from streams.settings.data_parts import part_of
    from streams.telemetry.endpoints import listen
    from streams.telemetry.metrics import Metrics
    from streams.worker.processes.child_process import ChildProcess
    from streams.worker.processes.endpoints import endpoints_of
    from streams.worker.processes.process_group import ProcessGroup

    async def start(number: int) -> ChildProcess:
        socket = sockets / str(number)
        socket.unlink(missing_ok=True)
        place = ["--process", f"{number}/{count}", "--socket", str(socket)]
        environ = {**os.environ, "LOFTY_GHL_DATA_DIR": part_of(settings.worker.data_dir, number)}
        return await ChildProcess.start([*command, *place], environ, str(socket))

    stop, metrics = asyncio.Event(), Metrics("supervisor")
    group = ProcessGroup(count, start, metrics)

    def ask() -> None:
        if stop.is_set():
            group.kill()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, ask)
    runner, _ = await listen(endpoints_of(group, metrics), "0.0.0.0", settings.worker.port)
    try:
        return await group.run(stop)
    finally:
        await runner.cleanup()
