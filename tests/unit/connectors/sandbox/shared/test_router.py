"""Which operation a request is."""

from __future__ import annotations

import pytest

from connectors.http.operation import Operation
from connectors.sandbox.shared.router import OperationRouter

ROUTER = OperationRouter(
    Operation(name, method, path, (), "", "safe")
    for name, method, path in (
        ("one", "GET", "/things/{thingId}"),
        ("search", "GET", "/things/search"),
        ("list", "GET", "/things/"),
        ("part", "GET", "/things/{thingId}/parts/{partId}"),
        ("drop", "DELETE", "/things/{thingId}"),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "name", "ids"),
    [
        ("GET", "/things/7", "one", {"thingId": "7"}),
        ("GET", "/things/search", "search", {}),
        ("GET", "/things/", "list", {}),
        ("DELETE", "/things/a%2Fb", "drop", {"thingId": "a/b"}),
        ("GET", "/things/7/parts/8", "part", {"thingId": "7", "partId": "8"}),
    ],
)
def test_literal_segments_come_before_ids(method: str, path: str, name: str, ids: dict[str, str]) -> None:
    """And ids are unquoted."""
    found = ROUTER.route(method, path)
    assert found is not None
    assert (found[0].name, found[1]) == (name, ids)


@pytest.mark.parametrize(("method", "path"), [("POST", "/things/7"), ("GET", "/things"), ("GET", "/things//parts/8")])
def test_what_is_no_path_of_the_catalogue_is_none(method: str, path: str) -> None:
    """An empty id is no id."""
    assert ROUTER.route(method, path) is None
