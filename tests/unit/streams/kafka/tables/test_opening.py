"""A store whose opening never ends: its process ends, and the next one reads it again from Kafka.

RocksDB does that with a real log that is overwritten in its middle (its issue 13333). The last three of these do;
a release of it without that fault opens the store, or says that it is damaged, which is as well.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from streams.kafka.tables import RocksStore
from streams.kafka.tables.opening import guarded, never_ended
from tests.chaos.storage import DAMAGES
from tests.deadlines import within

WRITE = """
import os, sys
from pathlib import Path
from streams.kafka.tables import RocksStore
store = RocksStore(Path(sys.argv[1]))
for part in range(8):
    rows = [(str(row).encode(), bytes([row % 256]) * 900) for row in range(100 * part, 100 * part + 100)]
    store.write(0, b"links", rows, part)
os._exit(0)  # as one that is killed: the log is not yet a file of rows
"""
OPEN = """
import sys
from functools import partial
from pathlib import Path
from streams.kafka.tables import RocksStore
from streams.kafka.tables.opening import guarded
store = RocksStore(Path(sys.argv[1]), opening=partial(guarded, seconds={seconds}))
print(store.position(0, b"links"), len(list(store.scan(0, b"links"))))
"""
OVERWRITE_LOG = DAMAGES[5]


def run(code: str, folder: Path) -> tuple[int, str]:
    """Exit code and output of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=within(120), check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("seed", [1, 2, 10, 20, 26])
def test_a_store_with_a_spoilt_log_is_open_at_the_second_start_at_the_latest(seed: int, tmp_path: Path) -> None:
    """What its position says was read is in it."""
    assert run(WRITE, tmp_path) == (0, "")
    OVERWRITE_LOG(tmp_path / "partition-0000", Random(seed))
    code, found = run(OPEN.format(seconds=within(5)), tmp_path)
    if code:  # the first opening never ended
        assert never_ended(tmp_path / "partition-0000.is-opening")
        code, found = run(OPEN.format(seconds=within(60)), tmp_path)
        assert RocksStore(tmp_path).set_aside()
        assert found == "None 0\n"
    assert code == 0
    position, rows = found.split()
    assert int(rows) == (0 if position == "None" else 100 * (int(position) + 1))
    assert not (tmp_path / "partition-0000.is-opening").exists()


def test_a_process_that_was_killed_while_it_opened_a_store_says_nothing_of_it(tmp_path: Path) -> None:
    """Its mark is empty."""
    store = RocksStore(tmp_path, opening=guarded)
    store.write(0, b"links", [(b"key", b"value")], 7)
    store.close()
    (tmp_path / "partition-0000.is-opening").touch()
    again = RocksStore(tmp_path, opening=guarded)
    assert (again.position(0, b"links"), again.set_aside()) == (7, ())
    again.close()
