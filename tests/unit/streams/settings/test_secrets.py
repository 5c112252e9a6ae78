"""Credentials come from the environment, and never show."""

from __future__ import annotations

import pytest

from streams.settings import SettingsError, parse_settings, require_secrets, variable

CONNECTION = '[connections.acme-1]\nlofty = {team_id = "1"}\nghl = {location_id = "L"}\n'
PLANTED = "pit-0badcafe-0000-planted"
FILES = {"/run/ghl": f" {PLANTED}\n", "/run/empty": "\n", "/run/two": "a b"}


def read_file(path: str) -> str:
    """Files as the test has them."""
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def refusal(text: str, environ: dict[str, str] | None = None) -> str:
    """The error's own words."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, environ, read_file=read_file)
    return str(caught.value)


def test_each_connection_has_its_variables() -> None:
    """Its name in upper case, dashes as underscores."""
    environ = {"LOFTY_GHL_ACME_1_GHL_TOKEN": PLANTED, "LOFTY_GHL_ACME_1_WEBHOOK_SECRET": "0123456789abcdef"}
    secrets = parse_settings(CONNECTION, environ).connections["acme-1"].secrets
    assert variable("acme-1", "ghl_token") == "LOFTY_GHL_ACME_1_GHL_TOKEN"
    assert secrets.ghl_token is not None
    assert secrets.ghl_token.get_secret_value() == PLANTED
    assert secrets.lofty_api_key is None


def test_a_secret_may_stand_in_a_file() -> None:
    """Blanks and line ends around it do not count."""
    settings = parse_settings(CONNECTION, {"LOFTY_GHL_ACME_1_GHL_TOKEN_FILE": "/run/ghl"}, read_file=read_file)
    token = settings.connections["acme-1"].secrets.ghl_token
    assert token is not None
    assert token.get_secret_value() == PLANTED


def test_no_repr_and_no_dump_shows_a_secret() -> None:
    """Neither of the settings nor of the connection."""
    environ = {"LOFTY_GHL_ACME_1_GHL_TOKEN": PLANTED, "LOFTY_GHL_KAFKA_PASSWORD": PLANTED}
    settings = parse_settings(CONNECTION, environ)
    assert PLANTED not in repr(settings) + str(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"LOFTY_GHL_ACME_1_GHL_TOKEN_FILE": "/nowhere"}, "a readable file at /nowhere, got No such file"),
        ({"LOFTY_GHL_ACME_1_GHL_TOKEN_FILE": "/run/empty"}, "expected one credential, got an empty text"),
        ({"LOFTY_GHL_ACME_1_GHL_TOKEN_FILE": "/run/two"}, "expected one credential, got blanks"),
        ({"LOFTY_GHL_ACME_1_GHL_TOKEN": ""}, "expected one credential, got an empty text"),
        ({"LOFTY_GHL_ACME_1_GHL_TOKEN": "a\nb: c"}, "expected one credential, got blanks"),
        (
            {"LOFTY_GHL_ACME_1_GHL_TOKEN": "x", "LOFTY_GHL_ACME_1_GHL_TOKEN_FILE": "/run/ghl"},
            "expected either LOFTY_GHL_ACME_1_GHL_TOKEN or LOFTY_GHL_ACME_1_GHL_TOKEN_FILE, got both",
        ),
        ({"LOFTY_GHL_ACME_1_WEBHOOK_SECRET": "short"}, "at least 16 letters"),
        ({"LOFTY_GHL_ACME_1_WEBHOOK_SECRET": "with/a/slash-and-more"}, "at least 16 letters"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_of_its_variable(environ: dict[str, str], words: str) -> None:
    """Before anything starts."""
    assert words in refusal(CONNECTION, environ)


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        (f'[connections.acme-1.ghl]\nlocation_id = "L"\ntoken = "{PLANTED}"', 3, "LOFTY_GHL_ACME_1_GHL_TOKEN"),
        (f'[connections.acme-1.lofty]\nteam_id = "1"\napiKey = "{PLANTED}"', 3, "LOFTY_GHL_ACME_1_LOFTY_API_KEY"),
        (f'[connections.acme-1]\nwebhook_secret = "{PLANTED}"', 2, "LOFTY_GHL_ACME_1_WEBHOOK_SECRET"),
        (f'[connections.acme-1.ghl]\nlocation_id = "{PLANTED}"', 2, "LOFTY_GHL_ACME_1_GHL_TOKEN"),
        (f'[kafka]\nsasl_password = "{PLANTED}"', 2, "LOFTY_GHL_KAFKA_PASSWORD"),
        (f'[worker]\nsecrets = ["{PLANTED}"]', 2, "an unknown key"),
        (f'[connections.acme-1.lofty]\nteam_id = {{ token = "{PLANTED}" }}', 2, "LOFTY_GHL_ACME_1_LOFTY_API_KEY"),
        (f'[connections.acme-1.lofty]\nbase_url = "https://u:{PLANTED}@api.lofty.com"', 2, "environment"),
        (f'[connections.acme-1.lofty]\nbase_url = "https://me:hunter2-{PLANTED[4:]}@lofty"', 2, "not shown"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(text: str, line: int, name: str) -> None:
    """With the variable where it belongs."""
    words = refusal(text)
    assert f"line {line}, " in words
    assert name in words
    assert PLANTED not in words
    assert PLANTED[4:] not in words


def test_a_connection_may_be_called_token() -> None:
    """Names of connections, and fields of mappings, are not keys."""
    text = CONNECTION.replace("acme-1", "token") + "[mappings.m.fields]\n'custom:API token' = 'stage'\n"
    assert list(parse_settings(text).connections) == ["token"]


def test_a_command_asks_for_the_secrets_that_it_needs() -> None:
    """All missing ones at once, by the names of their variables."""
    settings = parse_settings(CONNECTION, {"LOFTY_GHL_ACME_1_GHL_TOKEN": PLANTED})
    require_secrets(settings, "ghl_token")
    with pytest.raises(SettingsError) as caught:
        require_secrets(settings)
    assert [one.where for one in caught.value.problems] == [
        "LOFTY_GHL_ACME_1_LOFTY_API_KEY",
        "LOFTY_GHL_ACME_1_WEBHOOK_SECRET",
    ]
