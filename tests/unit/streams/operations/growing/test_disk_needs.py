"""Whether a copy fits on Kafka's disks."""

from __future__ import annotations

from streams.kafka.disk_room import BrokerDisk
from streams.operations.growing.plan import DiskNeed, disk_needs, in_bytes, no_room

GB = 10**9


def test_the_copy_is_spread_over_all_brokers_with_its_replicas() -> None:
    """However the topics of now lie."""
    needs = disk_needs([BrokerDisk(1, 50 * GB, 6 * GB), BrokerDisk(2, 50 * GB, 3 * GB), BrokerDisk(3, 50 * GB, 0)])
    assert needs == tuple(DiskNeed(broker, 3 * GB, 50 * GB) for broker in (1, 2, 3))
    assert no_room(needs) == ""


def test_one_broker_without_room_is_enough_to_refuse() -> None:
    """It says which, how much is needed, and how much is there."""
    needs = disk_needs([BrokerDisk(1, 50 * GB, 10 * GB), BrokerDisk(2, 11 * GB, 10 * GB)])
    says = no_room(needs)
    assert "takes about 10 GB" in says
    assert "broker 2 has 11 GB free" in says


def test_what_nobody_says_is_no_reason_to_refuse() -> None:
    assert disk_needs([]) == ()
    assert no_room(()) == ""


def test_sizes_are_for_people() -> None:
    assert [in_bytes(one) for one in (0, 999, 1_500, 25_400_000, 3_000_000_000_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "25 MB",
        "3000 TB",
    ]
