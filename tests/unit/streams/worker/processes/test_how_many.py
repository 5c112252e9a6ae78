"""`--processes N|auto` in numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.worker.processes.how_many import InvalidProcesses, cores_of, number_of_processes, usable_cores


@pytest.mark.parametrize(
    ("text", "partitions", "cores", "number"),
    [("1", 8, 4, 1), ("3", 8, 2, 3), ("8", 8, 2, 8), ("auto", 8, 2, 2), ("auto", 8, 64, 8), ("auto", 8, 0, 1)],
)
def test_a_number_is_taken_as_it_is_and_auto_is_the_cores_up_to_the_partitions(
    text: str, partitions: int, cores: int, number: int
) -> None:
    """Who asks for more processes than cores gets them."""
    assert number_of_processes(text, partitions, cores) == number


@pytest.mark.parametrize("text", ["0", "-1", "abc", "", "1.5", "2 ", "\u0662", "Auto"])
def test_what_is_no_number_of_processes_is_refused(text: str) -> None:
    """With what was expected, and what came."""
    with pytest.raises(InvalidProcesses) as refused:
        number_of_processes(text, 8, 2)
    expected = "--processes: expected a whole number from 1 to 8 (kafka.partitions), or auto"
    assert str(refused.value) == f"{expected}; got {text!r}"


def test_more_processes_than_partitions_are_refused() -> None:
    """They would have nothing to do, and never be ready."""
    with pytest.raises(InvalidProcesses, match=r"from 1 to 8.*got 9. A partition has one owner"):
        number_of_processes("9", 8, 16)


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"),
    [
        (8, "max 100000", 8),
        (8, "200000 100000\n", 2),
        (8, "150000 100000", 2),
        (8, "140000 100000", 1),
        (8, "10000 100000", 1),
        (2, "400000 100000", 2),
        (4, "", 4),
        (4, "-1 100000", 4),
        (4, "100000 0", 4),
        (0, "", 1),
    ],
)
def test_cores_are_those_of_the_affinity_and_of_the_cgroup(affinity: int, quota: str, cores: int) -> None:
    """Half a core is one; whatever the limit, one is there."""
    assert cores_of(affinity, quota) == cores


def test_the_limit_is_read_of_either_version_of_cgroups(tmp_path: Path) -> None:
    """Version 2 has a file, version 1 has two; without any the affinity decides."""
    bare, second, first = (tmp_path / name for name in ("bare", "second", "first"))
    for folder in (bare, second, first / "cpu"):
        folder.mkdir(parents=True)
    (second / "cpu.max").write_text("100000 100000\n")
    (first / "cpu" / "cpu.cfs_quota_us").write_text("50000\n")
    (first / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(second) == 1
    assert usable_cores(first) == 1
    assert usable_cores(bare) >= 1
