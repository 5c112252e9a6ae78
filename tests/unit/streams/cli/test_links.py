"""The file of `links export`: it is there once it is whole, and only its owner may read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli.links import _whole_file


def test_a_whole_file_is_its_owners(tmp_path: Path) -> None:
    """It may hold e-mail addresses: a create in doubt is remembered with them."""
    path = tmp_path / "links.jsonl"
    with _whole_file(path) as file:
        file.write(b"one\n")
        assert not path.exists()
    [found] = tmp_path.iterdir()
    assert (found.name, found.read_bytes(), found.stat().st_mode & 0o077) == ("links.jsonl", b"one\n", 0)


def test_half_a_file_is_none(tmp_path: Path) -> None:
    """What is missing in it would be taken for never written."""

    def breaks() -> None:
        with _whole_file(tmp_path / "links.jsonl") as file:
            file.write(b"one\n")
            raise ConnectionError("Kafka is gone")

    with pytest.raises(ConnectionError):
        breaks()
    assert list(tmp_path.iterdir()) == []
