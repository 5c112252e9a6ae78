"""Access to GoHighLevel is given by somebody without an account here, with a link that was sent to them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from connectors.errors import CallbackRefused
from streams.oauth.consent_link import SENT_MINUTES, connection_of
from streams.oauth.grants import Grants
from tests.integration.console import caller, console_on_stage, until_indexed
from tests.integration.stage import LOCATION
from tests.integration.test_connection_edits import Visitor
from tests.integration.test_oauth import APPS, GHL_CLIENTS, LOFTY_CLIENTS, SECRETS, consent
from tests.kafka.broker import Broker


async def test_the_owner_gives_access_with_a_link_that_was_sent(embedded_kafka: Broker, tmp_path: Path) -> None:
    """The page says for whom it is; it works for days and not longer; who made it is in the audit, and the step is done."""
    more = {"ghl": {"clients": GHL_CLIENTS}, "lofty": {"clients": LOFTY_CLIENTS}, "environ": SECRETS}
    apps = APPS.replace("{server}", "help_centre")
    async with console_on_stage(embedded_kafka, tmp_path, ghl_auth="oauth", more=apps, **more) as on:
        grants, who = Grants.of(on.settings), caller(on)
        assert grants is not None
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = Visitor(http, on.gateway.url)
            await person.sign_in()
            before = await person.read("/connections/acme/steps")
            status, page, _ = await person.send("/connections/acme/steps/invite")
            of_api = await who.ask("POST", "/connections/acme/consent-invitation")
            elsewhere = await who.ask("POST", "/connections/nobody/consent-invitation")
            found = re.search(r'<textarea id="invitation"[^>]*>([^<]+)</textarea>', page)
            assert found is not None, page
            link = unescape(found[1])
            # From here on somebody else, who is not signed in: these requests carry no cookie of the console.
            answer = await consent(on, link, LOCATION)
            async with on.http.get(f"{on.gateway.url}/oauth/ghl/callback", params=answer) as connected:
                said = await connected.text()
            after = await person.read("/connections/acme/steps")

        await until_indexed(on, who)

        async def is_audited() -> bool:  # the page reads the acts by the index
            acts = (await who.get("/audit"))["acts"]
            return any(one["action"] == "connect" and "to send" in one["detail"] for one in acts)

        await on.until(is_audited)
        state = dict(parse_qsl(urlsplit(link).query))
        made_ms, day_ms = of_api[1]["until_ms"] - SENT_MINUTES * 60_000, 86_400_000
        assert ("Make a link to send" in before[1], "Make a link to send" in after[1]) == (True, False)
        assert (status, f"owner of GoHighLevel location {LOCATION}" in page) == (200, True)
        assert (of_api[0], of_api[1]["account"], elsewhere[0]) == (200, LOCATION, 404)
        assert ("Connected" in said, "Access is there" in after[1]) == (True, True)
        assert connection_of(grants, state, made_ms + 2 * day_ms).name == "acme"
        with pytest.raises(CallbackRefused, match="no longer valid"):
            connection_of(grants, state, made_ms + 3 * day_ms + 60_000)
