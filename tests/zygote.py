"""Real processes at the price of a fork: a command of a test costs two seconds of imports no more.

`python -m tests.zygote` imports all of the product once, and stays single-threaded and without a Kafka client or an event loop.
For each command it forks: what comes out is a process with an id, signals, standard streams, environment and directory of its
own, which runs `python -m MODULE ARGUMENTS` from there and exits as that would. `run_module` here is used as
`asyncio.create_subprocess_exec` is. What starting an interpreter itself does is proved elsewhere: by `test_walk.py` with the
console script, by the contract of the commands, by the demo's processes.
"""

from __future__ import annotations

import array
import asyncio
import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
PIPE, DEVNULL = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
LONGEST = 1 << 20
"""Bytes of a request: arguments and environment."""


# -- in the test ----------------------------------------------------------------------------------------------------


class Process:
    """A process that runs, as `asyncio.subprocess.Process` shows one."""

    def __init__(self, pid: int, pidfd: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: int | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._pidfd = pidfd
        self._status = status
        self._pipes: list[asyncio.ReadTransport] = []
        self._ended = asyncio.Event()
        status.setblocking(False)
        asyncio.get_running_loop().add_reader(status, self._on_status)

    async def wait(self) -> int:
        """Its exit code, minus the signal that ended it."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it says, until it ends."""
        out, complaint = await asyncio.gather(_all_of(self.stdout), _all_of(self.stderr))
        await self.wait()
        return out, complaint

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def read_from(self, descriptor: int) -> asyncio.StreamReader:
        """A stream of what it writes there."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
        )
        self._pipes.append(transport)
        return reader

    def _on_status(self) -> None:
        told = self._status.recv(64)
        asyncio.get_running_loop().remove_reader(self._status)
        self._status.close()
        os.close(self._pidfd)
        self.returncode = int(told) if told else -signal.SIGKILL
        self._ended.set()


async def run_module(
    module: str,
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    first: str = "",
) -> Process:
    """Start `python -m module arguments`. Each stream is ours, a `PIPE` to read from, or `DEVNULL`, as `asyncio` has it.

    `first` is a module that the process imports before.
    """
    ours: dict[str, int] = {}
    given = []
    for number, (name, wanted) in enumerate({"stdin": stdin, "stdout": stdout, "stderr": stderr}.items()):
        if wanted == PIPE:
            assert name != "stdin", "nobody writes to a command yet"
            ours[name], theirs = os.pipe()
        elif wanted == DEVNULL:
            theirs = os.open(os.devnull, os.O_RDWR)
        else:
            theirs = os.dup(number if wanted is None else wanted)
        given.append(theirs)
    status, their_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    place = {"env": dict(env or os.environ), "cwd": str(cwd or Path.cwd())}
    request = {"module": module, "arguments": arguments, "first": first, **place}
    try:
        socket.send_fds(_zygote(), [json.dumps(request).encode()], [*given, their_status.fileno()])
    finally:
        their_status.close()
        for descriptor in given:
            os.close(descriptor)
    told, (pidfd,), _, _ = socket.recv_fds(status, 64, 1)
    process = Process(int(told), pidfd, status)
    for name, descriptor in ours.items():
        setattr(process, name, await process.read_from(descriptor))
    return process


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


_started: list[tuple[subprocess.Popen[bytes], socket.socket]] = []


def _zygote() -> socket.socket:
    """The way to this process' zygote. It ends with us, whatever ends us, and so does all that it has forked."""
    if not _started:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in (here, there):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LONGEST)
        with there:
            process = subprocess.Popen([sys.executable, "-m", "tests.zygote"], stdin=there, cwd=ROOT)
        _started.append((process, here))
        atexit.register(_end)
    return _started[0][1]


def _end() -> None:
    process, way = _started.pop()
    way.close()
    process.wait()


# -- in the zygote --------------------------------------------------------------------------------------------------


def _preload() -> None:
    """Everything that a command may import. Raises AssertionError when that has left something which no fork may inherit."""
    import streams

    for found in pkgutil.walk_packages(streams.__path__, "streams."):
        if not found.name.endswith(".__main__"):
            importlib.import_module(found.name)
    assert threading.active_count() == len(os.listdir("/proc/self/task")) == 1, "a thread: a fork would lack it"
    gc.collect()
    gc.freeze()


def _serve(way: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. Returns None at the end; and, in each forked process, what it is to run."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(way, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not way:
                    pid, status = running.pop(key.fd)
                    _, raw = os.waitpid(pid, 0)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    with status:
                        try:
                            status.send(str(os.waitstatus_to_exitcode(raw)).encode())
                        except OSError:  # nobody is left waiting for it
                            continue
                    continue
                told, descriptors, _, _ = socket.recv_fds(way, LONGEST, 4)
                if not told:
                    for pid, _status in running.values():
                        os.kill(pid, signal.SIGKILL)
                    return None
                request = json.loads(told)
                *streams_given, status_descriptor = descriptors
                status = socket.socket(fileno=status_descriptor)
                pid = os.fork()
                if not pid:
                    for number, descriptor in enumerate(streams_given):
                        os.dup2(descriptor, number)
                    os.closerange(3, max(descriptors + list(running) + [way.fileno(), selector.fileno()]) + 1)  # type: ignore[attr-defined]  # an epoll has one
                    for one in (way, status, *(other for _, other in running.values())):
                        one.detach()
                    return dict(request)
                for descriptor in streams_given:
                    os.close(descriptor)
                pidfd = os.pidfd_open(pid)
                status.sendmsg([str(pid).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pidfd]))])
                running[pidfd] = (pid, status)
                selector.register(pidfd, selectors.EVENT_READ)


def _run(request: dict[str, Any]) -> NoReturn:
    """Be the command, and end as an interpreter does, but for taking apart what was imported."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    sys.argv = [request["module"], *request["arguments"]]
    try:
        if request["first"]:
            importlib.import_module(request["first"])
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code: object = None
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        raise
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does
    atexit._run_exitfuncs()
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def main() -> None:
    """Preload, serve; in a forked process, run what it was asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end us
    way = socket.socket(fileno=os.dup(0))
    _preload()
    if request := _serve(way):
        _run(request)


if __name__ == "__main__":
    main()
