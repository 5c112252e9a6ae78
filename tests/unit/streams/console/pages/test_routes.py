"""The pages that everybody has, on a console that listens: signing in and out, colours, assets, refusals."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

from streams.console.errors import Unavailable, WrongInput
from streams.console.pages.render import page_mark
from tests.unit.streams.console.stage import PASSWORDS, Browser, ConsoleStage, console_stage


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


async def ended_session(
    on: ConsoleStage, form: dict[str, str], path: str = "/console/mapping/acme"
) -> tuple[Browser, int, str]:
    """Somebody sends a form after their session has ended: a browser, the status and the page."""
    browser = on.browser()
    await sign_in(browser, "ann")
    on.clock_ms[0] += 100 * 3_600_000
    status, text, _ = await post(browser, path, csrf="of the old session", **form)
    return browser, status, text


def hidden(text: str, name: str) -> str:
    """The value of a field of a page."""
    found = re.search(rf'name="{name}" (?:value="([^"]*)"|hidden>\n([^<]*)<)', text)
    assert found is not None, name
    return html.unescape(found[1] if found[1] is not None else found[2])


async def test_what_was_typed_survives_the_end_of_the_session() -> None:
    """It comes with the sign-in, a wrong password does not lose it, and then it is sent with the new session's token."""
    typed = 'extends = "default"\nname = "<b>Ann & \'Ben\'</b>"\n'
    async with console_stage() as on:
        browser, status, text = await ended_session(on, {"text": typed, "version": "3", "do": "preview"})
        assert status == 401
        assert "what you typed is kept" in text
        given = {"csrf": hidden(text, "csrf"), "name": "ann", "kept": hidden(text, "kept")}
        status, text, _ = await post(browser, "/console/sign-in", **given, password="wrong")
        assert status == 401
        given["csrf"], given["kept"] = hidden(text, "csrf"), hidden(text, "kept")
        status, text, _ = await post(browser, "/console/sign-in", **given, password=PASSWORDS["ann"])
        assert (status, '<form method="post" action="/console/mapping/acme"' in text) == (200, True)
        assert (hidden(text, "text"), hidden(text, "version"), hidden(text, "do")) == (typed, "3", "preview")
        _, me, _ = await browser.ask("GET", "/api/v1/session")
        assert hidden(text, "csrf") == me["csrf"]


async def test_a_form_of_another_site_is_not_kept_and_no_secret_is_written_into_a_page() -> None:
    async with console_stage() as on:
        _, _, text = await ended_session(
            on, {"lofty_api_key": "a-key-of-lofty", "name": "harbor"}, "/console/connections/new"
        )
        assert "a-key-of-lofty" not in text
        assert "harbor" in hidden(text, "kept")
        browser = on.browser()
        headers = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
        async with browser.http.post(
            f"{browser.url}/console/mapping/acme", data="text=planted", headers=headers
        ) as one:
            assert "planted" not in await one.text()
            assert one.status == 401


async def test_a_kept_form_leads_to_the_console_alone() -> None:
    async with console_stage() as on:
        for kept in ('{"action": "https://evil.example/", "fields": {"a": "b"}}', "no JSON", "[]", '{"action": 7}'):
            browser = on.browser()
            token = await csrf(browser)
            status, _, location = await post(
                browser, "/console/sign-in", csrf=token, name="ann", password=PASSWORDS["ann"], kept=kept
            )
            assert (status, location) == (303, "/console/")


async def test_a_page_is_compressed_and_is_not_sent_again_while_nothing_changed() -> None:
    """Only to a page that asks for itself once more; what time alone changes is sent after fifteen seconds."""
    async with console_stage() as on:
        browser, live = on.browser(), {"X-Console-Live": "1"}
        await sign_in(browser, "ann")
        path = "/console/no-such-page"
        _, _, page = await browser.ask("GET", path, headers=live)
        assert page["Content-Encoding"] in ("gzip", "deflate")
        path = "/console/sign-in"
        browser = on.browser()
        await browser.ask("GET", path)
        _, _, page = await browser.ask("GET", path, headers=live)
        known = {"If-None-Match": page["ETag"]}
        assert (await browser.ask("GET", path, headers=live | known))[:2] == (304, "")
        assert (await browser.ask("GET", path, headers=known))[0] == 200
        assert (await browser.ask("GET", path, headers=live | {"If-None-Match": '"another"'}))[0] == 200
        on.clock_ms[0] += 15_000
        assert (await browser.ask("GET", path, headers=live | known))[0] == 200


def test_the_mark_of_a_page_is_not_changed_by_passing_time_but_by_everything_else() -> None:
    text = '<p>12 leads, <time class="time" datetime="x">3 s ago</time></p>'
    assert page_mark(text, 1) == page_mark(text.replace("3 s ago", "4 s ago"), 2)
    assert page_mark(text, 1) != page_mark(text.replace("12", "13"), 1)


@pytest.mark.parametrize("error", [Unavailable("Lofty does not give the tokens: 503"), WrongInput("It has no code.")])
async def test_a_wrong_paste_of_lofty_s_answer_keeps_the_form(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, the link to Lofty and the ticket, so that the right one can be pasted."""

    async def refuse(*_: object) -> None:
        raise error

    async with console_stage() as on:
        browser = on.browser()
        await sign_in(browser, "ann")
        monkeypatch.setattr(on.console.services.connection_access, "connect_by_answer", refuse)
        _, me, _ = await browser.ask("GET", "/api/v1/session")
        given = {"answer": "https://x/?code=1", "ticket": "a-ticket", "link": "https://lofty.example/consent"}
        status, text, _ = await post(browser, "/console/connect/lofty/acme", csrf=me["csrf"], **given)
        assert status == 422
        assert str(error) in html.unescape(text)
        assert 'value="a-ticket"' in text
        assert 'href="https://lofty.example/consent"' in text


async def test_a_page_that_cannot_be_shown_now_can_be_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its whole address. What does not pass by itself has no such link."""

    async def fails(*_: object) -> None:
        raise Unavailable("Kafka is not reachable.")

    async with console_stage() as on:
        browser = on.browser()
        await sign_in(browser, "ann")
        monkeypatch.setattr(on.console.services.connections, "all", fails)
        status, text, _ = await browser.ask("GET", "/console/connections?name=har%22bor")
        assert (status, '<a class="button main" href="/console/connections?name=har%22bor">Try again</a>' in text) == (
            *(503, True),
        )
        status, text, _ = await browser.ask("GET", "/console/no-such-page")
        assert (status, "Try again" in text) == (404, False)
