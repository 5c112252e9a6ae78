"""A forked command is a process like any other: its id, its streams, its directory, its environment, its end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.deadlines import within
from tests.zygote import PIPE, Process, run_module

PROBE = """
import os, sys, threading, time
print(os.getpid(), os.getcwd(), os.environ.get("OF_THE_TEST"), *sys.argv[1:], __name__, threading.active_count(), flush=True)
print("a complaint", file=sys.stderr)
match sys.argv[1]:
    case "code": sys.exit(7)
    case "words": sys.exit("words")
    case "raise": raise ValueError("raised")
    case "wait": time.sleep(600)
    case "thread": threading.Thread(target=lambda: (time.sleep(0.05), print("the thread"))).start()
"""


async def probe(folder: Path, how: str) -> Process:
    """A process that prints what it is and ends in one way."""
    module = folder / "probe_of_a_test.py"
    if not module.exists():  # one that begins may be reading it
        module.write_text(PROBE)
    env = {**os.environ, "OF_THE_TEST": "yes"}
    return await run_module("probe_of_a_test", how, stdout=PIPE, stderr=PIPE, env=env, cwd=folder)


@pytest.mark.parametrize(
    ("how", "code", "complaint"),
    [
        ("nothing", 0, "a complaint\n"),
        ("code", 7, "a complaint\n"),
        ("words", 1, "a complaint\nwords\n"),
        ("raise", 1, "ValueError: raised\n"),
    ],
)
async def test_its_words_and_its_code_are_its_own(tmp_path: Path, how: str, code: int, complaint: str) -> None:
    """And its directory, its environment, its process id; it has one thread."""
    process = await probe(tmp_path, how)
    out, said = await asyncio.wait_for(process.communicate(), within(60))
    assert out.decode().split() == [str(process.pid), str(tmp_path), "yes", how, "__main__", "1"]
    assert said.decode().endswith(complaint), said
    assert process.returncode == code
    with pytest.raises(ProcessLookupError):
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    """Each of those that the tests send; the next command starts all the same."""
    process = await probe(tmp_path, "wait")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), within(60))
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), within(60)) == -number
    following = await probe(tmp_path, "code")
    assert await asyncio.wait_for(following.wait(), within(60)) == 7


async def test_its_threads_come_to_their_end(tmp_path: Path) -> None:
    """As an interpreter waits for them."""
    process = await probe(tmp_path, "thread")
    out, _ = await asyncio.wait_for(process.communicate(), within(60))
    assert out.decode().splitlines()[1:] == ["the thread"]


async def test_many_run_at_a_time(tmp_path: Path) -> None:
    """Each ends with its own code, whichever ends first."""
    processes = [await probe(tmp_path, "wait" if number % 2 else "code") for number in range(8)]
    for one in processes[0::2]:
        assert await asyncio.wait_for(one.wait(), within(60)) == 7
    for one in processes[1::2]:
        one.kill()
    assert [await asyncio.wait_for(one.wait(), within(60)) for one in processes[1::2]] == [-signal.SIGKILL] * 4
