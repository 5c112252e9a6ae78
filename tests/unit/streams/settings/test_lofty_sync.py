"""`[connections.NAME.back]` and OAuth: wrong settings are refused with what would be right."""

from __future__ import annotations

import pytest

from streams.settings import SettingsError, parse_settings, require_secrets

CONNECTION = """
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "loc"
"""
KEY = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[connections.acme.back.rules]]\nname = "x"\non = "tag aded"\nnote = "n"', "id you mean 'tag added'?"),
        ('[[connections.acme.back.rules]]\nname = "x"\non = "tag added"', "a task or a note in each rule"),
        ('[[connections.acme.back.rules]]\nname = "x"\non = "tag added"\nnote = "{{ contct.x }}"', "'contct'"),
        ('[[connections.acme.back.rules]]\nname = "x"\non = "tag added"\nnote = "{{ contact.x"', "closed braces"),
        ('[[connections.acme.back.rules]]\nname = "x"\non = "tag added"\nwhen = "tag =="\nnote = "n"', "JMESPath"),
        ('[connections.acme.back.fields]\nfirstname = "ghl"', "id you mean 'firstName'?"),
        ('[connections.acme.back.fields]\nphone = "nobody"', "newest"),
        ('[gateway]\ntrusted_proxies = ["10.0.0.0/99"]', "10.0.0.0/8"),
        ('[gateway.ghl]\npublic_keys = ["x"]', "PEM"),
    ],
)
def test_wrong_settings_are_told_with_a_hint(written: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"{CONNECTION}\n{written}")
    assert told in str(refused.value)


def test_two_rules_of_one_name_are_refused() -> None:
    rule = '[[connections.acme.back.rules]]\nname = "x"\non = "tag added"\nnote = "n"\n'
    with pytest.raises(SettingsError, match="is used twice"):
        parse_settings(f"{CONNECTION}\n{rule}{rule}")


def test_oauth_needs_its_app_and_its_secrets() -> None:
    by_oauth = CONNECTION + 'auth = "oauth"\n'
    with pytest.raises(SettingsError, match=r"\[oauth.ghl\]"):
        parse_settings(by_oauth)
    settings = parse_settings(by_oauth + '[oauth.ghl]\nclient_id = "app"\n')
    with pytest.raises(SettingsError) as refused:
        require_secrets(settings, "ghl_token")
    assert "LOFTY_GHL_TOKEN_KEYS" in str(refused.value)
    assert "LOFTY_GHL_OAUTH_GHL_CLIENT_SECRET" in str(refused.value)
    assert "ACME_GHL_TOKEN" not in str(refused.value)


@pytest.mark.parametrize("keys", ["x", "k1:short", f"{KEY},{KEY}"])
def test_broken_keys_are_refused_without_showing_them(keys: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(CONNECTION, {"LOFTY_GHL_TOKEN_KEYS": keys})
    assert "LOFTY_GHL_TOKEN_KEYS" in str(refused.value)
    assert "MDEyMzQ1" not in str(refused.value)


def test_keys_may_stand_on_lines_of_their_own() -> None:
    other = KEY.replace("k1", "k2").replace("MDEy", "MTEy")
    settings = parse_settings(CONNECTION, {"LOFTY_GHL_TOKEN_KEYS": f"{KEY}\n{other}\n"})
    assert settings.key_ring.current_id == "k1"
