"""The guard, asked over HTTP: nothing without a role, nothing from foreign pages, no forged session, no guessing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from streams.console.auth.login_throttle import FREE_OF_ADDRESS
from streams.console.auth.sessions import Seal, Session, write_session
from streams.settings import parse_settings
from tests.unit.streams.console.stage import (
    CONFIG,
    KEY,
    PASSWORDS,
    TOKENS,
    ConsoleStage,
    cheap_hash,
    console_stage,
    settings_of,
)


@pytest.fixture
async def on() -> AsyncIterator[ConsoleStage]:
    """A console that listens."""
    async with console_stage() as made:
        yield made


LOOK, ACT = "/api/v1/look", "/api/v1/act"


async def test_without_a_session_nothing_is_shown_and_nothing_is_done(on: ConsoleStage) -> None:
    """Every endpoint but the sign-in itself and the description."""
    browser = on.browser()
    open_paths = {"/session", "/openapi.json"}
    seen = 0
    for app, prefix in ((on.console.api, "/api/v1"), (on.console.pages, "/console")):
        for route in app.router.routes():
            path = route.resource.canonical if route.resource else ""
            if on.console.guard.routes.required(route) == "anyone":
                assert prefix == "/console" or path.removeprefix(prefix) in open_paths
                continue
            status, _, _ = await browser.ask(route.method, re.sub(r"\{\w+\}", "x", path))
            assert status in (401, 303), (route.method, path, status)
            seen += 1
    assert seen >= 2


async def test_a_viewer_looks_and_does_not_act(on: ConsoleStage) -> None:
    browser = on.browser()
    assert await browser.sign_in("vera") == 200
    status, body, _ = await browser.ask("POST", ACT, body={})
    assert (status, body["type"]) == (403, "urn:lofty-ghl:problem:not-allowed")
    assert on.acts()[-1].action == "sign in"


async def test_no_operation_that_changes_something_is_for_viewers(on: ConsoleStage) -> None:
    """By the table of routes, so that a new one is held to it, too."""
    for app in (on.console.api, on.console.pages):
        for route in app.router.routes():
            path = route.resource.canonical if route.resource else ""
            if route.method not in ("GET", "HEAD") and not path.endswith(NOT_ACTS):
                assert on.console.guard.routes.required(route) in ("operator", "settings", "admin"), path


NOT_ACTS = (
    "/session",
    "/sign-in",
    "/sign-out",
    "/theme",
    "/account/password",
    "/account/sign-out",
    "/welcome",
    "/mappings/check",
    "/mappings/preview",
    "/replays/dry-run",
    "/check",
    "/preview",
    "/dry-run",
)


async def test_a_route_that_was_not_added_through_the_guard_takes_nobody() -> None:
    """Fail closed."""
    settings = settings_of()
    async with console_stage(settings, forgotten="/forgotten") as on:
        browser = on.browser()
        await browser.sign_in("ann")
        status, body, _ = await browser.ask("GET", "/api/v1/forgotten")
        assert (status, body["type"]) == (403, "urn:lofty-ghl:problem:not-allowed")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-CSRF-Token": ""}, "another"),
        ({"X-CSRF-Token": "made-up"}, "another"),
        ({"Origin": "https://evil.example.com"}, "evil.example.com"),
        ({"Origin": "null", "Sec-Fetch-Site": ""}, "null"),
        ({"Sec-Fetch-Site": "cross-site"}, "another site"),
        ({"Sec-Fetch-Site": "same-site"}, "another site"),
        ({"Sec-Fetch-Site": "", "Origin": ""}, "neither"),
    ],
)
async def test_a_request_from_elsewhere_is_not_taken(on: ConsoleStage, headers: dict[str, str], why: str) -> None:
    """With a good session, but without its token or not from our pages."""
    browser = on.browser()
    await browser.sign_in("ann")
    status, body, _ = await browser.ask("POST", ACT, body={}, headers=headers)
    assert (status, body["type"]) == (403, "urn:lofty-ghl:problem:forged")
    assert why in body["detail"]


async def test_the_token_of_another_session_is_not_taken(on: ConsoleStage) -> None:
    """Nor is a guest's, after the sign-in."""
    ann, vera, guest = on.browser(), on.browser(), on.browser()
    await ann.sign_in("ann")
    await vera.sign_in("vera")
    _, me, _ = await guest.ask("GET", "/api/v1/session")
    for foreign in (vera.csrf, me["csrf"]):
        status, _, _ = await ann.ask("POST", ACT, body={}, headers={"X-CSRF-Token": foreign})
        assert status == 403


async def test_a_sign_in_cannot_be_forged_either(on: ConsoleStage) -> None:
    """Or somebody works in the session of somebody else without noticing."""
    browser = on.browser()
    body = {"name": "ann", "password": PASSWORDS["ann"]}
    assert (await browser.ask("POST", "/api/v1/session", body=body))[0] == 403
    foreign = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}
    _, me, _ = await browser.ask("GET", "/api/v1/session")
    browser.csrf = me["csrf"]
    assert (await browser.ask("POST", "/api/v1/session", body=body, headers=foreign))[0] == 403


async def test_a_session_is_another_after_each_sign_in(on: ConsoleStage) -> None:
    """No cookie that somebody planted before becomes a session."""
    browser = on.browser()
    await browser.sign_in("ann")
    first = {one.key: one.value for one in browser.http.cookie_jar}
    await browser.sign_in("ann")
    second = {one.key: one.value for one in browser.http.cookie_jar}
    assert first["lofty_ghl_session"] != second["lofty_ghl_session"]


async def test_a_session_ends(on: ConsoleStage) -> None:
    """After its hours."""
    browser = on.browser()
    await browser.sign_in("ann")
    assert (await browser.ask("GET", "/api/v1/session"))[1]["name"] == "ann"
    on.clock_ms[0] += int(12.1 * 3_600_000)
    assert (await browser.ask("GET", "/api/v1/session"))[1]["name"] == ""


async def test_a_forged_session_is_none(on: ConsoleStage) -> None:
    """Signed with another key."""
    browser = on.browser()
    forged = Session("x", "ann", "operator", "oidc", on.clock_ms[0], on.clock_ms[0] + 10_000, "")
    cookie = write_session(Seal(["another-key-another-key-another-key"]), forged)
    status, me, _ = await browser.ask("GET", "/api/v1/session", headers={"Cookie": f"lofty_ghl_session={cookie}"})
    assert (status, me["name"]) == (200, "")


@pytest.mark.parametrize(
    ("changed", "role"),
    [
        (CONFIG.replace(cheap_hash(PASSWORDS["ann"]), cheap_hash("another password")), None),
        (CONFIG.replace('name = "ann"', 'name = "anna"'), None),
        (CONFIG.replace('name = "ann"\nrole = "operator"', 'name = "ann"\nrole = "viewer"'), "viewer"),
    ],
)
async def test_a_session_follows_the_configuration(changed: str, role: str | None) -> None:
    """A new password or a removed name end it, another role counts at once; another gateway takes it as well."""
    async with console_stage() as first, console_stage(parse_settings(changed, {"LOFTY_GHL_CONSOLE_KEY": KEY})) as then:
        browser = first.browser()
        await browser.sign_in("ann")
        cookie = next(one.value for one in browser.http.cookie_jar if one.key == "lofty_ghl_session")
        there = then.browser()
        _, me, _ = await there.ask("GET", "/api/v1/session", headers={"Cookie": f"lofty_ghl_session={cookie}"})
        assert me["role"] == role


async def test_signing_out_takes_the_session_from_the_browser(on: ConsoleStage) -> None:
    browser = on.browser()
    await browser.sign_in("ann")
    assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 200
    assert (await browser.ask("GET", "/api/v1/session"))[1]["role"] is None


async def test_signing_out_ends_every_copy_of_the_cookie(on: ConsoleStage) -> None:
    """At this gateway at once; on pages and API; another session of the same person goes on."""
    browser, copy, other = on.browser(), on.browser(), on.browser()
    await browser.sign_in("ann")
    await other.sign_in("ann")
    copy.http.cookie_jar.update_cookies({one.key: one.value for one in browser.http.cookie_jar})
    assert (await copy.ask("GET", LOOK))[0] == 200
    assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 200
    assert (await copy.ask("GET", LOOK))[0] == 401
    assert (await copy.ask("GET", "/console/"))[0] == 303
    assert (await other.ask("GET", LOOK))[0] == 200


async def test_signing_out_ends_the_session_at_other_gateways_too(on: ConsoleStage) -> None:
    """They read the audit; what is no line of it ends nothing, and nobody's session but that one ends."""
    async with console_stage() as second:
        browser, copy, other = on.browser(), second.browser(), second.browser()
        await browser.sign_in("ann")
        await other.sign_in("vera")
        copy.http.cookie_jar.update_cookies({one.key: one.value for one in browser.http.cookie_jar})
        assert (await copy.ask("GET", LOOK))[0] == 200
        assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 200
        for garbage in (None, b"", b"\xff", b"[[[", b'{"action": "sign out"}', b"{" * 10_000):
            second.console.ended._take([garbage])
        assert (await copy.ask("GET", LOOK))[0] == 200
        for record in on.batching_producer.records:
            second.console.ended._take([record.value])
        assert (await copy.ask("GET", LOOK))[0] == 401
        assert (await other.ask("GET", LOOK))[0] == 200


async def test_signing_out_works_without_kafka(on: ConsoleStage) -> None:
    """Where the line cannot be written, the log says so, and this gateway knows."""
    browser, copy = on.browser(), on.browser()
    await browser.sign_in("ann")
    copy.http.cookie_jar.update_cookies({one.key: one.value for one in browser.http.cookie_jar})
    on.batching_producer.is_broken = True
    assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 200
    assert (await copy.ask("GET", LOOK))[0] == 401


async def test_wrong_tokens_keep_nobody_out(on: ConsoleStage) -> None:
    """Neither the right tokens of the same address, nor the people behind it; the wrong ones must wait."""
    browser = on.browser()
    wrong = [
        (await browser.ask("GET", LOOK, headers={"Authorization": f"Bearer lgt_wrong-{number}"}))[0]
        for number in range(FREE_OF_ADDRESS + 5)
    ]
    assert (wrong[0], wrong[-1]) == (401, 429)
    right = {"Authorization": f"Bearer {TOKENS['looker']}"}
    assert (await browser.ask("GET", LOOK, headers=right))[0] == 200
    assert await on.browser().sign_in("ann") == 200


async def test_guessing_is_slowed_down(on: ConsoleStage) -> None:
    """Also when many tries come at once; the right password does not help while the address waits."""
    browser = on.browser()
    statuses = [await browser.sign_in("ann", f"guess {number}") for number in range(FREE_OF_ADDRESS)]
    assert statuses == [401] * FREE_OF_ADDRESS
    at_once = await asyncio.gather(*[browser.sign_in("ann", "guess") for _ in range(20)])
    assert at_once == [429] * 20
    assert await browser.sign_in("ann") == 429
    assert await browser.sign_in("vera") == 429
    _, body, headers = await browser.ask("POST", "/api/v1/session", body={"name": "ann", "password": "x"})
    assert int(headers["Retry-After"]) >= 1
    assert "wait" in body["detail"]


async def test_tokens_cannot_be_guessed_either(on: ConsoleStage) -> None:
    browser = on.browser()
    for number in range(FREE_OF_ADDRESS):
        status, _, _ = await browser.ask("GET", LOOK, headers={"Authorization": f"Bearer lgt_{number}"})
        assert status == 401
    status, _, _ = await browser.ask("GET", LOOK, headers={"Authorization": "Bearer lgt_another"})
    assert status == 429


async def test_wrong_name_and_wrong_password_look_the_same(on: ConsoleStage) -> None:
    """Nobody learns which names there are; a password typed into the name's field is in no audit."""
    browser = on.browser()
    answers = []
    for name in ("ann", "nobody-of-that-name"):
        _, me, _ = await browser.ask("GET", "/api/v1/session")
        browser.csrf = me["csrf"]
        answers.append((await browser.ask("POST", "/api/v1/session", body={"name": name, "password": "wrong"}))[:2])
    assert answers[0] == answers[1]
    assert "nobody-of-that-name" not in repr(on.acts())


async def test_a_token_acts_in_its_role_without_csrf_and_only_in_the_api(on: ConsoleStage) -> None:
    """A browser never sends it by itself."""
    browser = on.browser()
    for name, status in (("robot", "operator"), ("looker", "viewer")):
        headers = {"Authorization": f"Bearer {TOKENS[name]}", "Origin": "", "Sec-Fetch-Site": ""}
        _, me, _ = await browser.ask("GET", "/api/v1/session", headers=headers)
        assert (me["name"], me["role"]) == (name, status)
    headers = {"Authorization": f"Bearer {TOKENS['looker']}", "Origin": "", "Sec-Fetch-Site": ""}
    assert (await browser.ask("POST", ACT, body={}, headers=headers))[0] == 403


async def test_sign_ins_are_in_the_audit(on: ConsoleStage) -> None:
    """Good and bad, with the address."""
    browser = on.browser()
    await browser.sign_in("ann", "wrong")
    await browser.sign_in("ann")
    assert [(one.who, one.action, one.outcome, one.address) for one in on.acts()] == [
        ("ann", "sign in", "refused", "127.0.0.1"),
        ("ann", "sign in", "done", "127.0.0.1"),
    ]


async def test_an_act_that_cannot_be_in_the_audit_does_not_happen(on: ConsoleStage) -> None:
    """Kafka does not take the line: 503, and nothing was done."""
    browser = on.browser()
    await browser.sign_in("ann")
    on.batching_producer.is_broken = True
    status, body, _ = await browser.ask("POST", "/api/v1/backfill/acme", body={})
    assert (status, body["type"]) in ((503, "urn:lofty-ghl:problem:not-now"), (404, "urn:lofty-ghl:problem:not-found"))
    assert on.acts()[-1].action == "sign in"


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/nothing", "/console/nothing", "/api/v1/openapi.json"])
async def test_every_answer_has_the_headers(on: ConsoleStage, path: str) -> None:
    """Refusals, too."""
    _, _, headers = await on.browser().ask("GET", path)
    csp = headers["Content-Security-Policy"]
    assert "unsafe" not in csp
    assert "default-src 'none'" in csp
    assert "frame-ancestors 'none'" in csp
    assert "base-uri 'none'" in csp
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


async def test_cookies_are_for_our_pages_only() -> None:
    """No script reads them, no other site sends them; under https no neighbour can set them, and they never leave it."""
    settings = settings_of('[gateway]\npublic_url = "https://console.example.com"\n')
    async with console_stage(settings) as on:
        browser = on.browser()
        host = {"Host": "console.example.com", "Origin": "https://console.example.com"}
        _, me, headers = await browser.ask("GET", "/api/v1/session", headers=host)
        guest = headers["Set-Cookie"]
        assert guest.startswith("__Host-lofty_ghl_guest=")
        body = {"name": "ann", "password": PASSWORDS["ann"]}
        given = {**host, "X-CSRF-Token": me["csrf"], "Cookie": guest.partition(";")[0]}
        status, _, headers = await browser.ask("POST", "/api/v1/session", body=body, headers=given)
        cookie = headers["Set-Cookie"]
        assert status == 200
        assert cookie.startswith("__Host-lofty_ghl_session=")
        for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie


async def test_errors_of_our_own_tell_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A stack trace is for the log."""

    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("secret-of-the-inside")

    async with console_stage(settings_of(), broken=broken) as made:
        browser = made.browser()
        await browser.sign_in("ann")
        status, body, _ = await browser.ask("GET", "/api/v1/broken")
    assert status == 500
    assert "secret-of-the-inside" not in str(body)
    assert "secret-of-the-inside" in caplog.text
