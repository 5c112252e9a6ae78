"""A preview on the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.cli.mapping_output import print_preview
from tests.unit.streams.operations.mapping_preview.test_preview import STATE, shown, snapshot


def test_hostile_values_steer_no_terminal_and_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values are written by others."""
    state = {**STATE, "firstName": "\x1b[31mEve[/] [red]", "phones": ["\x1b]0;x\x07"], "tags": [{"tagName": "\x1b[2J"}]}
    print_preview(shown(snapshot=snapshot(state)))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]" in out or "[RED]" in out


def test_a_lead_with_nothing_to_show_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Such as a deleted one."""
    print_preview(replace(shown(), rows=(), flags=(), would="tag", because="the lead is deleted in Lofty"))
    assert "would tag (the lead is deleted in Lofty)" in capsys.readouterr().out
