"""The pages that everybody has, on a console that listens: signing in and out, colours, assets, refusals."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from tests.unit.streams.console.stage import PASSWORDS, Browser, console_stage


async def post(browser: Browser, path: str, **form: str) -> tuple[int, str, str]:
    """Send a form as a browser does; status, text and where it leads."""
    given = {
        "Origin": browser.url,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with browser.http.post(
        browser.url + path, data=urlencode(form), headers=given, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


async def csrf(browser: Browser, path: str = "/console/sign-in") -> str:
    """The token in a page's form."""
    _, text, _ = await browser.ask("GET", path)
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def sign_in(browser: Browser, name: str, go_on: str = "") -> tuple[int, str, str]:
    """By the page's form."""
    token = await csrf(browser)
    return await post(
        browser, "/console/sign-in", csrf=token, name=name, password=PASSWORDS.get(name, "?"), go_on=go_on
    )


async def test_signing_in_leads_to_where_one_wanted_to_go() -> None:
    async with console_stage() as on:
        browser = on.browser()
        status, _, location = await sign_in(browser, "ann", "/console/parked?reason=refused")
        assert (status, location) == (303, "/console/parked?reason=refused")


async def test_nobody_is_sent_to_another_site() -> None:
    async with console_stage() as on:
        for wanted in ("https://evil.example/", "//evil.example", "/console/../x", "/console//evil.example"):
            _, _, location = await sign_in(on.browser(), "ann", wanted)
            assert location == "/console/"


async def test_a_wrong_password_is_told_without_saying_which_part_was_wrong() -> None:
    async with console_stage() as on:
        browser = on.browser()
        token = await csrf(browser)
        for name in ("ann", "nobody"):
            status, text, _ = await post(browser, "/console/sign-in", csrf=token, name=name, password="wrong")
            assert status == 401
            assert "The name or the password is wrong." in text
            assert f'value="{name}"' in text


async def test_a_form_without_its_token_is_refused_with_a_page() -> None:
    async with console_stage() as on:
        browser = on.browser()
        await csrf(browser)
        status, text, _ = await post(browser, "/console/sign-in", csrf="wrong", name="ann", password=PASSWORDS["ann"])
        assert status == 403
        assert "<h1>The request was refused</h1>" in text


async def test_signing_out_ends_the_session() -> None:
    async with console_stage() as on:
        browser = on.browser()
        await sign_in(browser, "ann")
        _, me, _ = await browser.ask("GET", "/api/v1/session")
        status, _, location = await post(browser, "/console/sign-out", csrf=me["csrf"])
        assert (status, location) == (303, "/console/sign-in")
        _, me, _ = await browser.ask("GET", "/api/v1/session")
        assert me.get("name", "") == ""


async def test_colours_are_remembered_without_a_script() -> None:
    async with console_stage() as on:
        browser = on.browser()
        token = await csrf(browser)
        status, _, _ = await post(browser, "/console/theme", csrf=token, theme="dark", go_on="/console/sign-in")
        assert status == 303
        _, text, _ = await browser.ask("GET", "/console/sign-in")
        assert 'data-theme="dark"' in text


async def test_an_address_that_is_none_has_a_friendly_page() -> None:
    async with console_stage() as on:
        for path in ("/console/no-such-page", "/console/assets/no-such-file"):
            status, text, headers = await on.browser().ask("GET", path)
            assert status == 404
            assert "Go to the overview" in text
            assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_assets_are_kept_by_browsers_and_pages_are_not() -> None:
    async with console_stage() as on:
        browser = on.browser()
        _, _, page = await browser.ask("GET", "/console/sign-in")
        _, _, sheet = await browser.ask("GET", "/console/assets/console.css")
        assert page["Cache-Control"] == "no-store"
        assert "immutable" in sheet["Cache-Control"]
