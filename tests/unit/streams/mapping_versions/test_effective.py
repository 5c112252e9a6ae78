"""Which version is in force: the newest that compiles here."""

from __future__ import annotations

import pytest

from streams.mapping_versions.effective import Edits, effective_mappings
from streams.mapping_versions.version_log import VersionLog
from tests.unit.streams.mapping_versions.stage import GOOD, WRONG, edit, settings


def ledger(*texts: str) -> VersionLog:
    """Edits of the mapping, one after another."""
    found = VersionLog()
    for number, text in enumerate(texts):
        assert found.add(edit(number, text=text))
    return found


def test_the_newest_version_is_in_force() -> None:
    """And nothing is said against it."""
    found = effective_mappings(settings(), Edits(ledger(GOOD, GOOD.replace("upper", "lower"))))
    assert (found.settings.mapping_version, found.newest, found.problems) == (2, 2, ())
    assert found.settings.mapping_trouble == ""


def test_a_version_that_does_not_compile_is_passed_over_and_told() -> None:
    """The last good one stays, whatever comes after it."""
    found = effective_mappings(settings(), Edits(ledger(GOOD, WRONG, WRONG)))
    assert (found.settings.mapping_version, found.newest, len(found.problems)) == (1, 3, 2)
    assert "version 3 of the mappings does not compile here, so version 1 is used" in found.settings.mapping_trouble
    assert "firstNam" in found.settings.mapping_trouble


def test_where_no_version_compiles_the_file_is_in_force() -> None:
    """It was good when the process began."""
    found = effective_mappings(settings(), Edits(ledger(WRONG)))
    assert (found.settings.mapping_version, found.newest) == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "[mappings.acme]\nextends = " + "[" * 2000,
        "[mappings.acme]\nextends = " + "[" * 2000 + "]" * 2000,
        "[mappings.acme]\nextends = " + "[" * 50 + "]" * 50,
        "[mappings.acme]\nextends = " + "{a=" * 2000,
        "[mappings.acme]\nextends = " + "{a=" * 300 + "1" + "}" * 300,
        "[mappings.acme" + ".a" * 5000 + "]\n",
        "[mappings.acme]\n" + "a." * 5000 + "b = 1\n",
        "[mappings.acme]\n" + "a." * 100 + "b = 1\n",
        "[mappings.acme]\n[mappings.acme.fields]\ncity = " + "9" * 5000 + "\n",
        "[mappings.acme]\n" + "".join(f"u{number} = 1\n" for number in range(20_000)),
        "".join(f"[other{number}]\n" for number in range(4000)),
        "[mappings.acme]\n[mappings.acme.fields]\ncity = '" + "(" * 990 + "'\n",
        "[mappings.acme]\n[mappings.acme.fields]\n" + "[[mappings.acme.users]]\n" * 2000,
        "[mappings.acme]\nextends = nan\n",
        "\x00",
        "x" * 1_000_000,
        "[mappings.acme]\n[mappings.acme.fields]\ncity = " + "'" * 3 + "\n" * 60_000 + "'" * 3,
    ],
    ids=range(17),
)
def test_no_text_on_the_topic_stops_anybody(text: str) -> None:
    """However deep, long or strange: the last good one stays in force, and a few problems say why."""
    found = effective_mappings(settings(), Edits(ledger(GOOD, text)))
    assert (found.settings.mapping_version, found.newest) == (1, 2)
    assert 0 < len(found.problems) < 50


def test_a_failure_of_our_own_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that meets a defect is reported as one that cannot be read."""

    def defect(*_: object, **__: object) -> None:
        raise KeyError("a defect")

    file = settings()
    monkeypatch.setattr("streams.settings.parse.compile_mapping", defect)
    found = effective_mappings(file, Edits(ledger(GOOD)))
    assert (found.settings.mapping_version, found.newest) == (0, 1)
    assert "KeyError" in found.problems[0].got


def test_a_version_that_mends_it_is_in_force_again() -> None:
    """Nobody needs to start anything."""
    found = effective_mappings(settings(), Edits(ledger(WRONG, GOOD)))
    assert (found.settings.mapping_version, found.settings.mapping_trouble) == (2, "")
