"""Where a request that changes something may come from."""

from __future__ import annotations

import pytest

from streams.console.auth.origins import is_secure, origin_problem, safe_path

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


@pytest.mark.parametrize("path", ["/console/", "/console/contacts?q=ada%40example.com", "/console/parked/3@17"])
def test_our_pages_are_taken(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/console//evil.example",
        "/consolex",
        "/console/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/console/../lofty/secret",
        "/console/..",
        "/console/" + "a" * 3000,
    ],
)
def test_everything_else_is_the_first_page(path: str) -> None:
    """No other site, no other part of the gateway."""
    assert safe_path(path) == "/console/"
