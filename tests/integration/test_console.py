"""What stands behind the console, on the whole pipeline: search, stories, parked work, backfills, the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.sandbox.ghl.seeds import seed
from connectors.sandbox.shared.faults import parse_fault
from streams.console.server import ConsoleServer
from streams.gateway.server import GatewayServer
from tests.integration.console import Caller, caller, console_on_stage, until_indexed
from tests.integration.stage import LOCATION, Stage
from tests.kafka.broker import Broker


async def story(on: Stage, who: Caller, lead: str, words: str) -> dict[str, Any]:
    """A contact's story, once it contains these words."""
    found: dict[str, Any] = {}

    async def has_it() -> bool:
        nonlocal found
        status, found = await who.ask("GET", f"/contacts/acme/{lead}")
        return status == 200 and words in str(found)

    await on.until(has_it)
    return found


async def test_a_lead_is_found_and_its_story_told(broker: Broker, tmp_path: Path) -> None:
    """By name, e-mail, phone and both ids; with what was sent, by value, and with what was not let through."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        lead = on.new_lead(
            firstName="Zoë", lastName="Storyteller", emails=["zoe@example.com"], phones=["(213) 555-0142"]
        )
        on.edit("create", "note", leadId=lead, fields={"content": "Met at the open house."})
        await on.until_quiet()
        on.edit("update", "lead", id=int(lead), fields={"firstName": "Zora"})
        await on.until_quiet()
        contact = on.contacts()[lead]["id"]
        await until_indexed(on, who)
        for text in ("zora", "STORYTELLER zora", "zoe@example.com", "555-0142", lead, contact):
            found = await who.get("/contacts", q=text)
            assert [one["lead"] for one in found["found"]] == [lead], text
        told = await story(on, who, lead, "did update contact")
        assert (told["name"], told["ghl_id"], told["source"]) == ("Zora Storyteller", contact, "index")
        assert told["answer"]["level"] == "ok"
        writes = [one for one in told["events"] if one["stage"] == "write" and one["outcome"] == "applied"]
        created = next(one for one in writes if one["step"] == "create contact")
        sent = {one["field"]: one["value"] for one in created["sent"]}
        assert sent["firstName"] == "Zoë"
        assert sent["email"] == "zoe@example.com"
        updated = next(one for one in writes if one["step"] == "update contact")
        assert [(one["field"], one["value"]) for one in updated["sent"]] == [("firstName", "Zora")]
        assert any(one["field"] == "body" and "open house" in one["value"] for w in writes for one in w["sent"])


async def test_the_index_and_the_scan_tell_the_same(broker: Broker, tmp_path: Path) -> None:
    """Two ways to the same records."""
    from streams.operations.history.from_index import IndexedFinder
    from streams.operations.history.from_topics import TopicFinder

    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-note", "status": 422, "times": 1}))
        leads = [on.new_lead() for _ in range(3)]
        for lead in leads:
            on.edit("create", "note", leadId=lead, fields={"content": "A note."})
        await on.until_quiet()
        await until_indexed(on, who)
        reader, now_ms = on.gateway.console._reader, on.worker._deps.now_ms()  # type: ignore[union-attr]  # it has a console
        assert reader is not None
        for lead in leads:
            scanned = await TopicFinder(on.settings, now_ms).explain(f"acme:{lead}")
            indexed = await IndexedFinder(on.settings, reader, now_ms).explain(f"acme:{lead}")
            assert indexed.events == scanned.events
            assert (indexed.standing, indexed.pending, indexed.ghl_id) == (
                scanned.standing,
                scanned.pending,
                scanned.ghl_id,
            )


async def test_parked_work_is_mended_retried_and_written(broker: Broker, tmp_path: Path) -> None:
    """Grouped by cause; the retry is in the audit before and after; the record is gone from the list at once."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
        lead = on.new_lead()
        await on.until_quiet()
        await until_indexed(on, who)

        async def is_listed() -> bool:  # what is open is looked up every two seconds at most
            return bool((await who.get("/parked", connection="acme"))["groups"])

        await on.until(is_listed)
        (group,) = (await who.get("/parked", connection="acme"))["groups"]
        assert (group["stage"], group["count"]) == ("deliver", 1)
        page = await who.get("/parked/records", stage="deliver")
        (row,) = page["rows"]
        record = await who.get(f"/parked/records/{row['id']}")
        assert (record["is_open"], record["status"], record["same_cause"]) == (True, 422, 1)
        told = await story(on, who, lead, "a person")
        assert told["answer"]["level"] == "bad"
        assert told["parked_ids"] == [row["id"]]
        status, done = await who.ask("POST", "/parked/retry", {"id": row["id"]})
        retry = done.pop("retry")
        assert (status, done) == (200, {"count": 1, "left": []})
        await on.until(lambda: lead in on.contacts())
        await until_indexed(on, who)

        async def is_closed() -> bool:
            return bool((await who.get("/parked"))["total"] == 0)

        await on.until(is_closed)
        assert not (await who.get(f"/parked/records/{row['id']}"))["is_open"]

        async def is_settled() -> bool:
            outcome = await who.get(f"/parked/retries/{retry}")
            return bool((outcome["total"], outcome["settled"], outcome["again"]) == (1, 1, 0))

        await on.until(is_settled)
        assert (await who.ask("GET", "/parked/retries/unknown"))[0] == 404

        async def is_in_the_audit() -> bool:
            return "1 retried" in str(await who.get("/audit"))

        await on.until(is_in_the_audit)
        (act,) = [one for one in (await who.get("/audit"))["acts"] if one["action"] == "parked retry"]
        assert (act["who"], act["via"], act["outcome"], act["detail"]) == ("robot", "token", "done", "1 retried")
        assert act["about"]["id"] == row["id"]


async def test_what_fails_again_after_a_retry_is_told_as_such(broker: Broker, tmp_path: Path) -> None:
    """No success is announced for what GHL refuses once more."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422}))
        for _ in range(3):
            on.new_lead()

        async def are_listed() -> bool:
            return bool((await who.get("/parked"))["total"] == 3)

        await on.until(are_listed)
        _, done = await who.ask("POST", "/parked/retry", {"reason": "refused"})
        assert done["count"] == 3

        async def failed_again() -> bool:
            outcome = await who.get(f"/parked/retries/{done['retry']}")
            return bool((outcome["settled"], outcome["waiting"], outcome["again"]) == (0, 0, 3))

        await on.until(failed_again)


async def test_wrong_requests_are_told_what_is_wrong(broker: Broker, tmp_path: Path) -> None:
    """In plain words, as problems by the document."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        await until_indexed(on, who)
        assert (await who.ask("GET", "/contacts/acme/4711"))[0] == 404
        assert (await who.ask("GET", "/contacts/nobody/4711"))[0] == 404
        assert (await who.ask("GET", "/contacts", query={"q": "ann", "limit": 0}))[0] == 422
        status, body = await who.ask("GET", "/contacts", query={"q": "ann", "bogus": 1})
        assert status == 422
        assert body["faults"][0]["where"] == "query.bogus"
        assert (await who.ask("POST", "/parked/retry", {}))[0] == 422
        assert (await who.ask("POST", "/parked/discard", {"everything": True}))[0] == 422
        assert (await who.ask("GET", "/parked/records/nonsense"))[0] == 404
        assert (await who.ask("GET", "/parked/records/0@999999"))[0] == 404
        assert (await who.ask("POST", "/backfills/nobody"))[0] == 404
        assert (await who.ask("POST", "/connections/acme/ghl/link"))[0] == 422
        assert (await caller(on, token="").ask("GET", "/overview"))[0] == 401


async def test_a_backfill_is_ordered_once_and_watched(broker: Broker, tmp_path: Path) -> None:
    """The workers do it; a second order meanwhile is refused."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        for _ in range(3):
            on.edit_silently("create", "lead", fields={"firstName": "Silent", "emails": [f"s{_}@example.com"]})
        status, ordered = await who.ask("POST", "/backfills/acme")
        assert (status, ordered["is_ordered"]) == (200, True)

        async def is_done() -> bool:
            (state,) = await who.get("/backfills")
            return not state["is_ordered"] and state["leads"] >= 3

        await on.until(is_done)
        await on.until(lambda: len(on.contacts()) == 3)
        await until_indexed(on, who)  # until there is an index, the audit cannot be asked

        async def is_in_the_audit() -> bool:
            acts = (await who.get("/audit"))["acts"]
            return [(one["action"], one["outcome"]) for one in acts] == [("backfill", "done")]

        await on.until(is_in_the_audit)


async def test_a_location_is_read_again_on_request(broker: Broker, tmp_path: Path) -> None:
    """By the worker, at once; who asked is in the audit."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        place = on.ghl.location(LOCATION)
        assert (await who.ask("POST", "/connections/nobody/refresh"))[0] == 404
        status, found = await who.ask("POST", "/connections/acme/refresh")
        assert (status, found["users"], found["remade_fields"]) == (200, 0, [])
        assert found["custom_fields"] == len(place.custom_fields)
        seed(on.ghl, {"location": LOCATION, "users": [{"name": "Ann", "email": "ann@example.com"}]})
        assert (await who.ask("POST", "/connections/acme/refresh"))[1]["users"] == 1
        await until_indexed(on, who)

        async def are_in_the_audit() -> bool:
            return [one["action"] for one in (await who.get("/audit"))["acts"]] == ["refresh", "refresh"]

        await on.until(are_in_the_audit)


async def test_several_gateways_are_one_console(broker: Broker, tmp_path: Path) -> None:
    """Each with an index of its own; a session of one is good at the other, and so is what somebody did there."""
    async with console_on_stage(broker, tmp_path) as on:
        more = on.settings.model_copy(
            update={"console": on.settings.console.model_copy(update={"data_dir": str(tmp_path / "other")})}
        )
        async with GatewayServer(more, console=ConsoleServer) as other:
            here, there = caller(on), caller(on, url=other.url)
            on.ghl.faults.add(parse_fault({"kind": "status", "operation": "create-contact", "status": 422, "times": 1}))
            lead = on.new_lead()
            await on.until_quiet()
            await until_indexed(on, here)
            await until_indexed(on, there)
            for who in (here, there):
                assert (await who.get("/parked"))["total"] == 1
                assert (await who.get("/contacts", q=lead))["found"][0]["parked"] == 1
            assert (await there.ask("POST", "/parked/retry", {"entity": lead}))[1]["count"] == 1
            await on.until(lambda: lead in on.contacts())

            async def is_closed_here() -> bool:
                return bool((await here.get("/parked"))["total"] == 0)

            await on.until(is_closed_here)

            async def knows_of_it_here() -> bool:
                return any(one["action"] == "parked retry" for one in (await here.get("/audit"))["acts"])

            await on.until(knows_of_it_here)


async def test_the_index_goes_on_where_it_was_and_can_be_thrown_away(broker: Broker, tmp_path: Path) -> None:
    """After a restart of the gateway, after SIGKILL of its process, and after its files were removed."""
    async with console_on_stage(broker, tmp_path) as on:
        who = caller(on)
        first = on.new_lead(firstName="First")
        await on.until_quiet()
        await until_indexed(on, who)
        console = on.gateway.console
        assert console is not None
        assert console._index is not None
        pid = console._index.pid
        assert pid is not None
        import os
        import signal

        os.kill(pid, signal.SIGKILL)
        second = on.new_lead(firstName="Second")
        await on.until_quiet()

        async def finds(lead: str) -> bool:
            status, found = await who.ask("GET", "/contacts", query={"q": lead})
            return status == 200 and [one["lead"] for one in found["found"]] == [lead]

        await on.until(lambda: finds(second))
        assert await finds(first)
        await console._index.stop()
        for file in (tmp_path / "console").glob("history.sqlite3*"):
            file.unlink()
        assert (await who.ask("GET", "/contacts", query={"q": first}))[0] == 503
        await console._index.start()
        await on.until(lambda: finds(first))
        assert await finds(second)
