"""A damaged store is set aside and made again, a disk that refuses ends the process: on real RocksDB, with real damage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.core.rows import SeenRow
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.tables import RocksStore, StoreFailed, Table
from streams.telemetry.process import EXIT_CODE
from tests.deadlines import within
from tests.unit.streams.worker.dispatch.stage import Log

LINKS = b"links"
NAME = "partition-0001"


def rows(number: int = 2000) -> list[tuple[bytes, bytes | None]]:
    """Rows that do not compress, so that there are many blocks."""
    return [(f"key-{one:05}".encode(), os.urandom(200)) for one in range(number)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a partition in several files, as a worker leaves it."""
    store = RocksStore(tmp_path)
    for at in range(3):
        store.write(1, LINKS, rows(), at)
        store._database(1).flush()
    store.write(1, LINKS, [(b"last", b"row")], 9)
    store.close()
    return tmp_path


def spoil(pattern: str, change: Callable[[bytearray], bytes]) -> Callable[[Path], None]:
    """Damage all files of a kind."""

    def at(database: Path) -> None:
        files = list(database.glob(pattern))
        assert files
        for file in files:
            file.write_bytes(change(bytearray(file.read_bytes())))

    return at


def lose(pattern: str) -> Callable[[Path], None]:
    """Delete all files of a kind."""
    return lambda database: [file.unlink() for file in database.glob(pattern)] and None


def flip(at: float) -> Callable[[bytearray], bytes]:
    """Turn some bits, at a part of the file."""

    def change(content: bytearray) -> bytes:
        place = int(at * len(content))
        content[place : place + 2] = bytes(255 - one for one in content[place : place + 2])
        return content

    return change


def as_file(database: Path) -> None:
    """A file where the database was."""
    shutil.rmtree(database)
    database.write_bytes(b"not a folder")


def as_folder_in_it(database: Path) -> None:
    """A folder where a file was."""
    (database / "CURRENT").unlink()
    (database / "CURRENT").mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage in CURRENT": spoil("CURRENT", lambda _: os.urandom(40)),
    "an empty CURRENT": spoil("CURRENT", lambda _: b""),
    "no CURRENT": lose("CURRENT"),
    "a folder as CURRENT": as_folder_in_it,
    "a garbage MANIFEST": spoil("MANIFEST*", lambda _: os.urandom(400)),
    "a MANIFEST with turned bits": spoil("MANIFEST*", flip(0.5)),
    "no MANIFEST": lose("MANIFEST*"),
    "truncated tables": spoil("*.sst", lambda content: content[:100]),
    "garbage tables": spoil("*.sst", lambda content: os.urandom(len(content))),
    "empty tables": spoil("*.sst", lambda _: b""),
    "no tables": lose("*.sst"),
    "turned bits where the positions are": spoil("*.sst", flip(0.001)),
    "a file instead of a folder": as_file,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_database_is_set_aside_and_begins_anew(folder: Path, damage: Callable[[Path], None]) -> None:
    """Its positions are those of an empty one, so recovery reads all of it; what was damaged is kept to be looked at."""
    damage(folder / NAME)
    ended: list[str] = []
    store = RocksStore(folder, ended.append)
    assert store.position(1, LINKS) is None
    assert list(store.scan(1, LINKS)) == []
    store.write(1, LINKS, [(b"a", b"1")], 0)
    store.close()
    (kept,) = store.set_aside()
    assert kept.startswith(f"damaged-{NAME}-")
    assert (folder / kept).exists()
    assert ended == []
    again = RocksStore(folder)
    assert again.position(1, LINKS) == 0
    assert again.set_aside() == (kept,)
    again.close()


def test_only_the_newest_damaged_database_of_a_partition_is_kept(folder: Path) -> None:
    """Else a failing disk would fill itself; other partitions are not touched."""
    for _ in range(3):
        store = RocksStore(folder)
        store.write(1, LINKS, rows(10), 5)
        store.write(2, LINKS, rows(10), 5)
        store.close()
        (folder / NAME / "CURRENT").write_bytes(b"garbage")
        shutil.rmtree(folder / "damaged-partition-0001-20200101T000000Z", ignore_errors=True)
        for older in folder.glob("damaged-*"):
            older.rename(folder / "damaged-partition-0001-20200101T000000Z")
    store = RocksStore(folder)
    assert store.position(1, LINKS) is None
    assert store.position(2, LINKS) == 5
    store.close()
    assert len(store.set_aside()) == 1
    assert "20200101T000000Z" not in store.set_aside()[0]


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_damage_that_shows_while_rows_are_read_ends_the_process_and_the_next_start_sets_it_aside(
    folder: Path, at: float
) -> None:
    """RocksDB's iterator ends in front of a damaged block without a word: rows that wait would not be offered, and be lost."""
    spoil("*.sst", lambda content: flip(at)(content) if len(content) > 100_000 else content)(folder / NAME)
    ended: list[str] = []
    store = RocksStore(folder, ended.append)
    assert store.position(1, LINKS) == 9
    with pytest.raises(StoreFailed):
        list(store.scan(1, LINKS))
    with pytest.raises(StoreFailed):
        list(store.keys(1, LINKS))
    with pytest.raises(StoreFailed):
        [store.read(1, LINKS, key) for key, _ in rows()]
    store.close()
    assert len(ended) == 3
    assert all("is damaged: Corruption" in one and "The next start sets it aside" in one for one in ended)
    again = RocksStore(folder)
    assert again.position(1, LINKS) is None
    again.write(1, LINKS, rows(5), 4)
    again.close()
    third = RocksStore(folder)
    assert third.position(1, LINKS) == 4, "it was set aside once"
    third.close()
    assert len(third.set_aside()) == 1


def test_rows_that_end_with_the_database_are_no_damage(folder: Path) -> None:
    """An empty table, one at the end, and one in the middle."""
    store = RocksStore(folder)
    store.write(1, b"zebra", [(b"a", b"1")])
    assert list(store.scan(1, b"zebra")) == [(b"a", b"1")]
    assert list(store.keys(1, b"zz")) == []
    assert len(list(store.keys(1, LINKS))) == 2001
    assert list(store.scan(7, LINKS)) == []
    store.close()


# -- what refuses ------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from streams.kafka.tables import RocksStore
store = RocksStore(Path(sys.argv[1]))
store.position(1, b"links")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_database_that_another_process_holds_is_refused_and_not_touched(folder: Path) -> None:
    """Two workers with one data_dir: the second says so, and the first's rows stay where they are."""
    ended: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreFailed, match=r"Another process holds it: each worker needs a worker\.data_dir"):
            RocksStore(folder, ended.append).position(1, LINKS)
        other.communicate("")
    assert len(ended) == 1
    store = RocksStore(folder)
    assert store.position(1, LINKS) == 9
    assert store.set_aside() == ()
    store.close()


READ = """
import os, pickle, sys  # rocksdict imports pickle late, when this user may no longer read it
from pathlib import Path
from streams.kafka.tables import RocksStore, StoreFailed
if os.getuid() == 0:
    os.setuid(65534)
try:
    RocksStore(Path(sys.argv[1]), lambda why: print(why)).position(1, b"links")
except StoreFailed:
    print("failed")
"""


@pytest.mark.parametrize("what", ["the folder", "a file in it"])
def test_a_database_without_the_right_to_it_is_refused_and_not_touched(folder: Path, what: str) -> None:
    """Nothing is damaged: a person started it as somebody else."""
    for above in (folder, *folder.parents[:3]):
        if os.getuid() == 0:
            above.chmod(0o755)
    closed = folder / NAME if what == "the folder" else folder / NAME / "CURRENT"
    closed.chmod(0o000)
    told = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=True).stdout
    closed.chmod(0o700)
    assert "Permission denied" in told
    assert "Let this user write to it (chown)" in told
    assert told.endswith("failed\n")
    store = RocksStore(folder)
    assert store.position(1, LINKS) == 9
    assert store.set_aside() == ()
    store.close()


FILL = """
import asyncio, logging, os, resource, sys
from pathlib import Path
from streams.core.rows import SeenRow
from streams.telemetry.process import end_process
from streams.kafka.batching_producer import BatchingProducer
from streams.kafka.tables import RocksStore, Table
from tests.unit.streams.worker.dispatch.stage import Log
logging.basicConfig(level="ERROR")
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

async def main():
    table = Table("seen", SeenRow, "seen", RocksStore(Path(sys.argv[1]), end_process), BatchingProducer(Log()))
    for number in range(200_000):
        # By a callback of what is acknowledged, as in the worker: nobody awaits that.
        table.put(1, f"{number}-{os.urandom(150).hex()}", SeenRow(update_time_ms=number, operation="updated"))
        if number % 100 == 0:
            await table.flush()
asyncio.run(main())
"""


def fill(folder: Path, limit: int = 0) -> subprocess.CompletedProcess[str]:
    """Put rows until the disk refuses, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", FILL, str(folder), str(limit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=within(120),
    )


def test_a_write_that_is_refused_ends_the_process_with_a_clear_line(tmp_path: Path) -> None:
    """Not an exception in a callback that nobody sees, after which the worker goes on with a store that has holes."""
    done = fill(tmp_path, 300_000)
    assert done.returncode == EXIT_CODE, done.stderr[-2000:]
    assert "refuses: IO error: " in done.stderr
    assert "Raise the limit on file sizes, then start again. Nothing is lost" in done.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a disk of its own cannot be mounted (is this root, with CAP_SYS_ADMIN?): {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_the_process_and_with_room_again_the_store_goes_on(tiny_disk: Path) -> None:
    """What RocksDB had taken in hand is there or not, with its position; nothing is set aside."""
    done = fill(tiny_disk)
    assert done.returncode == EXIT_CODE, done.stderr[-2000:]
    assert "No space left on device" in done.stderr
    assert "Make room on that disk, then start again. Nothing is lost" in done.stderr
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    store = RocksStore(tiny_disk)
    position = store.position(1, b"seen")
    assert position is not None
    assert len(list(store.scan(1, b"seen"))) >= position
    store.write(1, b"seen", [(b"a", b"1")], position + 1)
    assert store.set_aside() == ()
    store.close()


async def test_whoever_flushes_hears_of_a_store_that_refused(tmp_path: Path) -> None:
    """When the process could not be ended at once, nothing that hangs on the row is acknowledged."""
    (tmp_path / "group").write_bytes(b"a file where the folder should be")
    table = Table("seen", SeenRow, "seen", RocksStore(tmp_path / "group"), BatchingProducer(Log()))
    table._pending[1] = {}
    table._write(1, b"a", SeenRow(update_time_ms=1, operation="updated").to_bytes())
    with pytest.raises(StoreFailed):
        await table.flush()
