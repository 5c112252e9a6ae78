"""`lofty-ghl demo` as a user runs it: what it shows, and that a signal ends it with all of its processes."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import aiohttp
import pytest

from streams.demo.environment import PASSWORD_HASH, USER
from tests.integration.marked import marked, needs_proc

DEMO = ("streams.cli", "demo")
PLAY_SECONDS = 220.0


@needs_proc
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
async def test_a_signal_cuts_it_off_with_all_of_its_processes(how: signal.Signals, code: int, tmp_path: Path) -> None:
    """While its processes start: nothing was judged, so it does not end with 0."""
    async with marked(tmp_path, *DEMO) as on:
        await on.until_children(4)  # itself, the broker, and both sandboxes at least
        assert await on.end(how) == code, on.said
        assert on.processes() == {}
        assert "Traceback" not in on.said
        assert os.listdir(tmp_path) == []


@pytest.mark.thorough
@needs_proc
async def test_kept_it_shows_its_console_until_a_signal_ends_it(tmp_path: Path) -> None:
    """With the address, the user and the password that let somebody in; the end of a look around is no failure."""
    async with marked(tmp_path, *DEMO, "--keep") as on:
        await on.until_said("edit a lead", PLAY_SECONDS)
        found = re.search(r"console +(http://\S+/console) +user (\S+), password (\S+)", on.said)
        assert found, on.said
        url, user, password = found.groups()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            async with http.get(url) as page:
                csrf = re.search(r'name="csrf"[^>]*value="([^"]+)"', await page.text())
                assert csrf, page.url
            origin = url.removesuffix("/console")
            form = {"csrf": csrf[1], "name": user, "password": password}
            async with http.post(f"{origin}/console/sign-in", data=form, headers={"Origin": origin}) as page:
                assert (page.status, page.url.path) == (200, "/console/"), await page.text()
        assert len(on.processes()) >= 6
        # What GHL held when the play's time was up decides, not the signal.
        is_right = "nothing lost, nothing double, nothing different" in on.said
        assert await on.end(signal.SIGTERM) == (0 if is_right else 1), on.said
        assert on.processes() == {}
        assert "Traceback" not in on.said


def test_the_demo_of_compose_lets_in_the_same_user() -> None:
    """One name and one password to remember."""
    config = Path(__file__).resolve().parents[2] / "deploy/demo/lofty-ghl/lofty-ghl.toml"
    text = config.read_text()
    assert f'name = "{USER}"' in text
    assert f'password_hash = "{PASSWORD_HASH}"' in text
