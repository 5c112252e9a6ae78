"""Workers that share a volume each have a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streams.cli.slots import SLOT, Slot, take_slot

HOLDER = """\
import sys
from streams.cli.slots import take_slot
slot = take_slot(sys.argv[1])
print(slot.folder, flush=True)
sys.stdin.read()
"""


def release(slot: Slot) -> None:
    """As the end of the process does."""
    assert slot.lock is not None
    slot.lock.close()


def test_a_folder_without_a_slot_is_taken_as_it_is(tmp_path: Path) -> None:
    """Nothing is made and nothing is locked."""
    assert take_slot(str(tmp_path / "tables")) == Slot(str(tmp_path / "tables"))
    assert list(tmp_path.iterdir()) == []


def test_each_takes_the_first_that_is_free(tmp_path: Path) -> None:
    """Whoever ends makes room, and nothing piles up."""
    data_dir = str(tmp_path / SLOT)
    slots = [take_slot(data_dir) for _ in range(3)]
    assert [Path(one.folder).name for one in slots] == ["slot-1", "slot-2", "slot-3"]
    release(slots[1])
    again = take_slot(data_dir)
    assert Path(again.folder).name == "slot-2"
    for one in (slots[0], again, slots[2]):
        release(one)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["slot-1", "slot-2", "slot-3"]


def test_a_process_that_is_killed_lets_go_of_its_slot(tmp_path: Path) -> None:
    """The system sees to it."""
    data_dir = str(tmp_path / SLOT)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip().endswith("slot-1")
        mine = take_slot(data_dir)
        other.kill()
    assert Path(mine.folder).name == "slot-2"
    release(mine)
    later = take_slot(data_dir)
    assert Path(later.folder).name == "slot-1"
    release(later)
