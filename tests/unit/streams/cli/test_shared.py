"""What commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli.mapping_output import print_preview
from streams.cli.shared import plain, say
from streams.cli.whole_file import whole_file
from tests.unit.streams.operations.mapping_preview.test_preview import STATE, shown, snapshot


@pytest.mark.parametrize("control", ["\n", "\r", "\t", "\x1b", "\x07", "\u2028"])
def test_what_others_wrote_stays_in_its_line(control: str) -> None:
    """Whoever writes a line break into a name must not write a line of our output."""
    assert plain(f"Ann{control}  all is well") == "Ann\ufffd  all is well"


def test_a_message_of_ours_may_have_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of a configuration are one in a line."""
    say("two errors\n\tfirst\x1b[2J")
    assert capsys.readouterr().err == "two errors\n\tfirst\ufffd[2J\n"


def test_a_line_break_in_a_value_is_none_in_a_preview(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line for each field."""
    print_preview(shown(snapshot=snapshot({**STATE, "lastName": "Eve\nDROPPED"})))
    assert not [line for line in capsys.readouterr().out.splitlines() if line.strip(" │").startswith("DROPPED")]


def test_a_new_file_is_there_once_it_is_whole_and_is_its_owners(tmp_path: Path) -> None:
    """The links that are exported may hold e-mail addresses: a create in doubt is remembered with them."""
    path = tmp_path / "links.jsonl"
    with whole_file(path) as file:
        file.write(b"one\n")
        assert not path.exists()
    [found] = tmp_path.iterdir()
    assert (found.name, found.read_bytes(), found.stat().st_mode & 0o077) == ("links.jsonl", b"one\n", 0)


@pytest.mark.parametrize("before", [None, "as it was\n"])
def test_half_a_file_changes_nothing(tmp_path: Path, before: str | None) -> None:
    """What is missing in it would be taken for never written."""
    path = tmp_path / "links.jsonl"
    if before is not None:
        path.write_text(before, encoding="utf-8")

    def breaks() -> None:
        with whole_file(path) as file:
            file.write(b"one\n")
            raise ConnectionError("Kafka is gone")

    with pytest.raises(ConnectionError):
        breaks()
    assert [one.read_text(encoding="utf-8") for one in tmp_path.iterdir()] == ([] if before is None else [before])


def test_a_file_that_is_replaced_keeps_its_mode_and_what_leads_to_it(tmp_path: Path) -> None:
    """A configuration that a group reads, behind a symbolic link."""
    path, link = tmp_path / "real.toml", tmp_path / "lofty-ghl.toml"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    with whole_file(link) as file:
        file.write(b"new")
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
