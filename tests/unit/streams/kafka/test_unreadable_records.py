"""What is left out is reported: by the command at its end, by a process in its log."""

from __future__ import annotations

import logging

import pytest

from streams.kafka.unreadable_records import collecting, skip_unreadable


def test_a_command_collects_and_says_one_sentence_a_topic(caplog: pytest.LogCaptureFixture) -> None:
    """With the number, and where and why the first; nothing is logged meanwhile."""
    caplog.set_level(logging.WARNING)
    with collecting() as found:
        skip_unreadable("parked.resolved", 1, 17, ValueError("no word"))
        skip_unreadable("parked.resolved", 2, 3, ValueError("another"))
        skip_unreadable("tokens", 0, 0, ValueError("x" * 5000))
    first, second = found.lines()
    assert first == "left out: 2 records of parked.resolved that cannot be read (the first at 1@17: no word)"
    assert second.startswith("left out: 1 record of tokens that cannot be read (the first at 0@0: xxx")
    assert len(second) < 400
    assert caplog.text == ""


def test_a_process_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    """With its place."""
    skip_unreadable("mappings", 1, 17, ValueError("no word"))
    assert "the record 1@17 of mappings cannot be read: no word" in caplog.text
