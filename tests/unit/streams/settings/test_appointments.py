"""`[connections.NAME.appointments]`, and what follows from it."""

from __future__ import annotations

import pytest

from streams.oauth.grants import wanted_scopes
from streams.settings import Connection, SettingsError, parse_settings

TEXT = """
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
[connections.acme.appointments]
"""


def parsed(more: str = "") -> Connection:
    return parse_settings(TEXT + more).connections["acme"]


def test_without_a_calendar_appointments_are_tasks_and_nothing_more_is_asked_for() -> None:
    """No scope of calendars in the link of consent."""
    assert parsed().appointments.calendar is None
    assert not [one for one in wanted_scopes(parsed()) if one.startswith("calendars")]


def test_a_calendar_needs_its_scopes() -> None:
    """To read its team, to look for one in doubt, and to write."""
    asked = set(wanted_scopes(parsed('calendar = "c1"'))) - set(wanted_scopes(parsed()))
    assert asked == {"calendars.readonly", "calendars/events.readonly", "calendars/events.write"}


def test_a_replay_after_the_calendar_was_configured_looks_at_everything_again() -> None:
    """Whether automations run changes no appointment that stands."""
    plain, with_one, another = parsed(), parsed('calendar = "c1"'), parsed('calendar = "c2"')
    assert len({one.mapping_fingerprint for one in (plain, with_one, another)}) == 3
    assert parsed("automations = true").mapping_fingerprint == plain.mapping_fingerprint


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("calendar = 7", "expected a text, got 7"),
        ('calendar = " "', "a text that is not empty"),
        ('calender = "c1"', "Did you mean 'calendar'?"),
        ('automations = "yes"', "true or false"),
    ],
)
def test_a_wrong_setting_is_told(more: str, said: str) -> None:
    """What was expected, what came, and where."""
    with pytest.raises(SettingsError) as caught:
        parsed(more)
    assert said in str(caught.value)
    assert "appointments" in str(caught.value)
