"""Who is limited to some connections, asked over HTTP: every route says what it concerns, and one that forgets is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from streams.console.auth.route_table import RouteTable
from streams.console.auth.scope import EVERYTHING, NOTHING, Scope, current_scope, is_visible, visible
from streams.settings import parse_settings
from streams.settings.password_hashes import token_hash
from streams.settings.problems import SettingsError
from tests.unit.streams.console.stage import CONFIG, KEY, TOKENS, ConsoleStage, console_stage, settings_of

SUES, ADAS = "lgt_the-token-of-sue", "lgt_the-token-of-ada"
LIMITED = f"""
[[console.tokens]]
name = "sue"
role = "operator"
connections = ["acme"]
hash = "{token_hash(SUES)}"
[[console.tokens]]
name = "ada"
role = "admin"
hash = "{token_hash(ADAS)}"
"""


async def _forgets(_: web.Request) -> web.Response:
    return web.json_response({"connections": ["acme", "beta"]})


async def _filters(_: web.Request) -> web.Response:
    return web.json_response({"connections": visible(("acme", "beta"), str)})


@pytest.fixture
async def on() -> AsyncIterator[ConsoleStage]:
    """A console with routes of every kind."""

    def more(console: Any) -> None:
        add, api = console.guard.add, console.api
        add(api, "GET", "/forgets", _forgets, role="viewer", concerns="filtered")
        add(api, "GET", "/filters", _filters, role="viewer", concerns="filtered")
        add(api, "POST", "/filters", _filters, role="operator", concerns="filtered")
        add(api, "GET", "/whole", _forgets, role="viewer", concerns="deployment")
        add(api, "GET", "/of/{connection}", _forgets, role="viewer")
        add(api, "POST", "/keys", _forgets, role="settings", concerns="person")
        add(api, "GET", "/people-only", _forgets, role="admin", concerns="person")

    async with console_stage(settings_of(LIMITED), routes=more) as made:
        yield made


async def ask(on: ConsoleStage, method: str, path: str, token: str = SUES, **options: Any) -> tuple[int, Any]:
    """Status and body, asked with a token."""
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    status, body, _ = await on.browser().ask(method, f"/api/v1{path}", headers=headers, **options)
    return status, body


async def test_a_list_holds_what_somebody_sees(on: ConsoleStage) -> None:
    assert await ask(on, "GET", "/filters") == (200, {"connections": ["acme"]})
    assert await ask(on, "GET", "/filters", TOKENS["robot"]) == (200, {"connections": ["acme", "beta"]})


async def test_a_route_that_forgets_to_filter_is_refused_and_in_the_log(
    on: ConsoleStage, caplog: pytest.LogCaptureFixture
) -> None:
    """Its answer is made, and not sent; those who see everything get it."""
    status, body = await ask(on, "GET", "/forgets")
    assert (status, "beta" in str(body)) == (403, False)
    assert "GET /api/v1/forgets is said to be filtered by connection, and is not" in caplog.text
    assert (await ask(on, "GET", "/forgets", TOKENS["robot"]))[0] == 200


async def test_what_is_of_the_whole_deployment_is_refused(on: ConsoleStage) -> None:
    assert (await ask(on, "GET", "/whole"))[0] == 403
    assert (await ask(on, "GET", "/whole", TOKENS["looker"]))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/of/beta", None),
        ("GET", "/filters?connection=beta", None),
        ("GET", "/filters?connection=acme&connection=beta", None),
        ("POST", "/filters", {"connection": "beta"}),
    ],
)
async def test_another_connection_is_not_there_wherever_it_is_named(
    on: ConsoleStage, method: str, path: str, body: Any
) -> None:
    """In the same words as for one that does not exist."""
    status, found = await ask(on, method, path, body=body)
    assert (status, found["detail"]) == (404, "There is no connection 'beta'.")


async def test_a_form_that_names_another_connection_is_refused(on: ConsoleStage) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await ask(on, "POST", "/filters", headers=headers, data=b"connection=beta"))[0] == 404
    assert (await ask(on, "POST", "/filters", headers=headers, data=b"connection=acme"))[0] == 200


async def test_ones_own_connection_is_there(on: ConsoleStage) -> None:
    assert (await ask(on, "GET", "/of/acme"))[0] == 200
    assert (await ask(on, "POST", "/filters", body={"connection": "acme"}))[0] == 200


async def test_only_admins_do_what_is_theirs(on: ConsoleStage) -> None:
    assert (await ask(on, "GET", "/people-only", ADAS))[0] == 200
    status, body = await ask(on, "GET", "/people-only", TOKENS["robot"])
    assert (status, body["detail"]) == (403, "robot has the role operator; this needs the role admin.")


@pytest.mark.parametrize(("edit", "status"), [("", 200), ("operators_edit_connections = false", 403)])
async def test_operators_edit_connections_unless_the_configuration_says_no(edit: str, status: int) -> None:
    """What operators could do before there were admins stays theirs."""
    text = CONFIG.replace("[console]\n", f"[console]\n{edit}\n") + LIMITED

    def more(console: Any) -> None:
        console.guard.add(console.api, "POST", "/keys", _forgets, role="settings", concerns="person")

    async with console_stage(parse_settings(text, {"LOFTY_GHL_CONSOLE_KEY": KEY}), routes=more) as on:
        assert (await ask(on, "POST", "/keys", TOKENS["robot"], body={}))[0] == status
        assert (await ask(on, "POST", "/keys", ADAS, body={}))[0] == 200
        assert (await ask(on, "POST", "/keys", TOKENS["looker"], body={}))[0] == 403


def test_a_route_that_does_not_say_what_it_concerns_is_not_added() -> None:
    """The gateway does not start with it."""
    routes, app = RouteTable(), web.Application()
    with pytest.raises(ValueError, match="GET /new: expected concerns= person, filtered or deployment"):
        routes.add(app, "GET", "/new", _filters, "viewer")
    with pytest.raises(ValueError, match=r"has no \{connection\}"):
        routes.add(app, "GET", "/new", _filters, "viewer", "connection")
    routes.add(app, "GET", "/of/{connection}", _filters, "viewer")
    assert [routes.concerns(one) for one in app.router.routes()] == ["connection", "connection"]


def test_beside_the_requests_everything_is_visible() -> None:
    """What runs in the background works for all connections."""
    assert current_scope() == EVERYTHING
    assert is_visible("whatever")


def test_a_list_of_connections_is_a_scope() -> None:
    """No list and `*` are all of them."""
    assert Scope.of(None) == Scope.of(["*", "acme"]) == EVERYTHING
    assert Scope.of(["acme"]).includes("acme")
    assert not Scope.of(["acme"]).includes("acme2")
    assert not NOTHING.includes("acme")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ('role = "admin"\nconnections = ["acme"]', "no connections beside the role admin"),
        ('role = "viewer"\nconnections = []', "at least one connection"),
        ('role = "boss"', "admin"),
    ],
)
def test_a_person_in_the_file_who_makes_no_sense_is_a_problem(facts: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        settings_of(f'[[console.tokens]]\nname = "x"\n{facts}\nhash = "{token_hash("x")}"\n')
