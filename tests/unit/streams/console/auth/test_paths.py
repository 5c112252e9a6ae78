"""Where a browser is sent after a sign-in."""

from __future__ import annotations

import pytest

from streams.console.auth.paths import safe_path


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
