"""A stuck test and a test that ends its process fail by name, and alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.planted import Run, run

WORKERS = ("-n", "2", "--dist", "loadfile")
NEIGHBOURS = "\n\ndef test_{}() -> None:\n    pass\n"


def run_among_neighbours(folder: Path, plants: dict[str, str], *arguments: str) -> Run:
    """Run each plant, a test `test_it`, in a file of its own between two tests that pass."""
    head = "import asyncio, ctypes, itertools, os, pytest, signal, threading, time\n\nnever = threading.Event()\n"
    files = {
        f"test_{name}.py": f"{head}{NEIGHBOURS.format('before')}\n\n{text}\n{NEIGHBOURS.format('later')}"
        for name, text in plants.items()
    }
    return run(folder, files, *arguments)


def judge(found: Run, plants: dict[str, str]) -> None:
    """Each plant failed, and all neighbours passed."""
    failed = found.names("FAILED") | found.names("ERROR")
    assert failed == {f"test_{name}.py::test_it" for name in plants}, found.text
    neighbours = {f"test_{name}.py::test_{which}" for name in plants for which in ("before", "later")}
    assert neighbours <= found.names("PASSED"), found.text
    assert found.code == pytest.ExitCode.TESTS_FAILED, found.text


def test_an_endless_test_and_one_that_ends_its_process_fail_by_name_and_alone(tmp_path: Path) -> None:
    """What everybody has seen once."""
    plants = {
        "endless": "def test_it():\n    while True: pass",
        "exit": "def test_it():\n    os._exit(3)",
    }
    found = run_among_neighbours(tmp_path, plants, *WORKERS)
    judge(found, plants)
    assert "test_endless.py::test_it was stuck: over its limit of 2 s" in found.text
    assert (
        "ended with exit code 3 while it ran test_exit.py::test_it (before it: test_exit.py::test_before)" in found.text
    )


INTERRUPTED = {
    "lock": "def test_it():\n    lock = threading.Lock()\n    with lock:\n        lock.acquire()",
    "sleep": "def test_it():\n    with threading.Lock():\n        time.sleep(3600)",
    "thread": "def test_it():\n    one = threading.Thread(target=never.wait, daemon=True, name='plant')\n    one.start()\n    one.join()",
    "event": "async def test_it():\n    await asyncio.Event().wait()",
    "task": "async def test_it():\n    async def spin():\n        while True: pass\n"
    "    spinning = asyncio.create_task(spin())\n    await asyncio.Event().wait()",
    "obstinate": "async def test_it():\n    async def stay():\n        while True:\n            try:\n"
    "                await asyncio.sleep(3600)\n            except asyncio.CancelledError: pass\n"
    "    staying = asyncio.create_task(stay())\n    await asyncio.Event().wait()",
    "set_up": "@pytest.fixture\ndef plant():\n    never.wait()\n\ndef test_it(plant): pass",
    "session_set_up": "@pytest.fixture(scope='session')\ndef plant():\n    never.wait()\n\ndef test_it(plant): pass",
    "tear_down": "@pytest.fixture\ndef plant():\n    yield\n    never.wait()\n\ndef test_it(plant): pass",
    "failed_tear_down": "@pytest.fixture\ndef plant():\n    yield\n    never.wait()\n\ndef test_it(plant): assert False",
    "system_exit": "def test_it():\n    raise SystemExit(0)",
}
"""Stuck where a signal's handler can run, or out of order in another way that leaves the process alive."""

ENDED = {
    "killed": "def test_it():\n    os.kill(os.getpid(), signal.SIGKILL)",
    "crash": "def test_it():\n    ctypes.string_at(0)",
    "in_c": "def test_it():\n    sum(itertools.repeat(0))",
    "set_up_exit": "@pytest.fixture\ndef plant():\n    os._exit(0)\n\ndef test_it(plant): pass",
    "tear_down_in_c": "@pytest.fixture\ndef plant():\n    yield\n    sum(itertools.repeat(0))\n\ndef test_it(plant): pass",
}
"""What ends its process, or has it ended."""


@pytest.mark.thorough
def test_whatever_a_signal_interrupts_fails_by_name_and_alone(tmp_path: Path) -> None:
    """The process lives on, so a session's fixtures are kept."""
    found = run_among_neighbours(tmp_path, INTERRUPTED, *WORKERS)
    judge(found, INTERRUPTED)
    assert "node down" not in found.text


@pytest.mark.thorough
def test_whatever_ends_its_process_fails_by_name_and_alone(tmp_path: Path) -> None:
    """More of them than there are workers, and each only once."""
    found = run_among_neighbours(tmp_path, ENDED, *WORKERS)
    judge(found, ENDED)
    assert found.text.count("replacing crashed worker") == len(ENDED), found.text
    assert "was killed by SIGKILL while it ran test_killed.py::test_it" in found.text
    assert "in test_it" in found.text  # faulthandler's stack of what C code held


@pytest.mark.thorough
def test_an_interrupt_ends_the_run_and_names_the_test_and_those_that_did_not_run(tmp_path: Path) -> None:
    """As Ctrl-C does, but nobody pressed it."""
    found = run_among_neighbours(tmp_path, {"interrupt": "def test_it():\n    raise KeyboardInterrupt"}, *WORKERS)
    assert "got a KeyboardInterrupt while it ran test_interrupt.py::test_it" in found.text
    assert "1 tests did not run:\ntest_interrupt.py::test_later" in found.text
    assert found.code == pytest.ExitCode.INTERRUPTED


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        ("never.wait()", "was stuck: over its limit of 2 s"),
        ("sum(itertools.repeat(0))", "ended with exit code 1 while it collected test_plant.py"),
        ("os._exit(3)", "ended with exit code 3 while it collected test_plant.py"),
    ],
)
def test_a_module_that_is_stuck_in_its_import_fails_the_run_by_name(tmp_path: Path, plant: str, reason: str) -> None:
    """Who can be collected nowhere is not collected again and again."""
    found = run_among_neighbours(tmp_path, {"plant": plant}, *WORKERS)
    assert found.names("ERROR") == {"test_plant.py"}, found.text
    assert reason in found.text
    assert "replacing" not in found.text
    assert found.code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


@pytest.mark.thorough
def test_without_workers_a_stuck_test_fails_by_name_as_well(tmp_path: Path) -> None:
    """Somebody runs one file; C code that never returns ends the run, with its stack."""
    plants = {name: INTERRUPTED[name] for name in ("lock", "event")}
    judge(run_among_neighbours(tmp_path, plants), plants)
    found = run(tmp_path, {"test_in_c.py": f"import itertools\n\n{ENDED['in_c']}\n"}, "-k", "test_in_c")
    assert found.code == 1
    assert 'test_in_c.py", line 4 in test_it' in found.text
