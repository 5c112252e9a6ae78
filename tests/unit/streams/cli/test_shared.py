"""What commands share."""

from __future__ import annotations

import pytest

from streams.cli.mapping_output import print_preview
from streams.cli.shared import plain, say
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
