"""Where a request that changes something may come from."""

from __future__ import annotations

import pytest

from streams.console.auth.origins import is_secure, origin_problem

HOST, PUBLIC = "gateway:8080", "https://console.example.com"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://gateway:8080"},
        {"Origin": "https://console.example.com", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_our_own_pages_are_taken(headers: dict[str, str]) -> None:
    """By the address that was asked, or the public one."""
    assert origin_problem(headers, HOST, PUBLIC) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "file://"},
        {"Origin": "https://console.example.com.evil.example"},
        {"Origin": "http://console.example.com"},
        {"Origin": "https://console.example.com:444"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example.com"},
    ],
)
def test_others_are_not(headers: dict[str, str]) -> None:
    """Nor is a request that does not say where it comes from."""
    assert origin_problem(headers, HOST, PUBLIC) != ""


def test_https_is_known_by_tls_by_a_trusted_proxy_and_by_the_public_address() -> None:
    """What decides on `Secure` cookies."""
    assert is_secure("https", HOST, None, None)
    assert is_secure("http", HOST, "https", None)
    assert is_secure("http", "console.example.com", None, PUBLIC)
    assert not is_secure("http", HOST, None, PUBLIC)
    assert not is_secure("http", HOST, "https, http", None)
