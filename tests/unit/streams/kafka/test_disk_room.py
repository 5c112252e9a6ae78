"""What a broker says of its disks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.disk_room import BrokerDisk, disk_of


def answer(*folders: Any, error: int = 0) -> Any:
    """A broker's answer."""
    return SimpleNamespace(error_code=error, log_dirs=list(folders))


def folder(total: int, usable: int, *sizes: int, error: int = 0) -> Any:
    """A folder on a disk, with a topic whose partitions have these sizes."""
    partitions: list[Any] = [(number, size, 0, False, {}) for number, size in enumerate(sizes)]
    return (error, "/var/kafka", [("a.topic", partitions, {})], total, usable, {})


def test_two_disks_of_a_broker_are_added() -> None:
    assert disk_of(1, answer(folder(100, 40, 3, 4), folder(200, 50, 5))) == BrokerDisk(1, 90, 12)


def test_two_folders_of_one_disk_count_once() -> None:
    """Otherwise there would seem to be twice the room."""
    assert disk_of(1, answer(folder(100, 40, 3), folder(100, 40, 4))) == BrokerDisk(1, 40, 7)


@pytest.mark.parametrize(
    "said", [answer(), answer(folder(-1, -1, 3)), answer(folder(9, 9), error=31), answer(folder(9, 9, error=56))]
)
def test_a_broker_that_does_not_say_it_is_not_guessed(said: Any) -> None:
    """Nothing, an unknown size, a missing right, a disk that has failed."""
    assert disk_of(1, said) is None
