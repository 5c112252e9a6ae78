"""Who may come in, what is too much, what is refused, and what the ledger says of it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import VendorError
from connectors.ghl.rate import read_rate
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.shared.faults import SandboxFault, parse_fault
from tests.unit.connectors.ghl.calls import CASES, Case
from tests.unit.connectors.sandbox.ghl.stage import ANN, HERE, THERE, Stage


async def refusal(stage: Stage, token: str = "pit-here", location: str = HERE) -> VendorError:
    """What an upsert is refused with."""
    with pytest.raises(VendorError) as caught:
        await stage.client(token).upsert_contact({"locationId": location, **ANN})
    return caught.value


@pytest.mark.parametrize(
    ("token", "message", "disposition"),
    [
        ("pit-unknown", "Invalid Private Integration token", Disposition.PAUSE),
        ("eyJ.a.b", "Invalid JWT", Disposition.REFRESH),
    ],
)
async def test_an_unknown_token_is_refused(token: str, message: str, disposition: Disposition) -> None:
    """Its text says whether a refresh can help."""
    error = await refusal(Stage(), token)
    assert (error.status, error.message, classify(error).disposition) == (401, message, disposition)


async def test_a_token_may_do_what_its_scopes_say() -> None:
    """Reading is not writing."""
    stage = Stage(locations=(LocationSettings(HERE, ("pit-here",), scopes=("contacts.readonly",)),))
    error = await refusal(stage)
    assert (error.status, error.message) == (401, "The token is not authorized for this scope.")
    assert (await stage.client().search_contacts({"locationId": HERE, "pageLimit": 1})).contacts == ()


async def test_a_token_reaches_its_own_location_only() -> None:
    """Named in the body, in the path, in the query, or by a contact's id."""
    stage = Stage()
    (theirs,) = stage.seed(THERE, contacts=[ANN])["contacts"]
    client = stage.client()
    for call in (
        client.upsert_contact({"locationId": THERE, **ANN}),
        client.list_custom_fields(THERE),
        client.search_duplicate(THERE, email="ann@example.com"),
        client.get_contact(theirs),
    ):
        with pytest.raises(VendorError, match="does not have access to this location") as caught:
            await call
        assert caught.value.status == 403


@pytest.mark.parametrize(
    ("version", "status", "message"),
    [
        ("", 401, "version header was not found."),
        ("2021-04-15", 401, "version header is invalid"),
        ("v9", 400, "Invalid API version segment 'v9' at position 0"),
    ],
)
async def test_the_version_is_demanded(version: str, status: int, message: str) -> None:
    """Contacts and calendars have different ones."""
    answer = await Stage().ask("GET", "/contacts/x", version=version)
    assert (answer.status, message.encode() in answer.body) == (status, True)


@pytest.mark.parametrize("case", [case for case in CASES if case.body is not None], ids=lambda case: case.operation)
async def test_an_unknown_property_is_refused_everywhere(case: Case) -> None:
    """422, in the words of GHL's validator, with a list."""
    method, target = case.sent.split(" ")
    version = "2021-04-15" if target.startswith("/calendars") else "2021-07-28"
    answer = await Stage().ask(method, target.replace("loc1", HERE), b'{"nonsense": 1}', version=version)
    assert (answer.status, b'"property nonsense should not exist"' in answer.body) == (422, True)


@pytest.mark.parametrize(
    ("target", "body", "problem"),
    [
        ("/contacts/upsert", b'{"locationId": "here", "email": "nobody"}', b"email must be an email"),
        ("/contacts/upsert", b'{"locationId": "here", "firstName": 7}', b"firstName must be a string"),
        ("/contacts/upsert", b'{"locationId": "here", "customFields": {}}', b"customFields must be an array"),
        ("/contacts/upsert", b"{}", b"locationId should not be empty"),
        ("/contacts/x/tasks", b'{"title": "a", "dueDate": "soon", "completed": false}', b"dueDate must be a valid ISO"),
        ("/contacts/x/notes", b"{}", b"body should not be empty"),
        ("/contacts/x/tags", b'{"tags": "a"}', b"tags must be an array"),
    ],
)
async def test_a_wrong_body_is_refused(target: str, body: bytes, problem: bytes) -> None:
    """422 that names the field."""
    answer = await Stage().ask("POST", target, body)
    assert (answer.status, problem in answer.body) == (422, True)


async def test_what_is_no_json_and_what_is_no_path() -> None:
    """400 and 404."""
    stage = Stage()
    assert (await stage.ask("POST", "/contacts/upsert", b"{")).status == 400
    assert (await stage.ask("GET", "/nowhere")).status == 404


async def test_the_window_is_counted_and_starts_anew() -> None:
    """One request too many is a 429; refused ones are not counted; another location has a window of its own."""
    stage = Stage(window_limit=3, window_seconds=10.0)
    client = stage.client()
    for _ in range(3):
        stage.now += 1
        await client.search_duplicate(HERE, email="x@example.com")
    error = await refusal(stage)
    await stage.client("pit-there").search_duplicate(THERE, email="x@example.com")
    stage.now += 8
    await client.search_duplicate(HERE, email="x@example.com")
    assert (error.status, classify(error).disposition) == (429, Disposition.THROTTLED)
    assert [entry.status for entry in stage.ledger] == [200, 200, 200, 429, 200, 200]


async def test_the_day_is_counted_too() -> None:
    """Its end is reported in milliseconds."""
    stage = Stage(daily_limit=1, day_seconds=1000.0)
    await stage.client().search_duplicate(HERE, email="x@example.com")
    stage.now += 400
    error = await refusal(stage)
    assert error.status == 429
    assert error.rate is not None
    assert (error.rate.daily_limit, error.rate.daily_remaining, error.rate.daily_reset_seconds) == (1, 0, 600.0)


@pytest.mark.parametrize(
    ("token", "target", "status"),
    [("pit-here", f"/users/?locationId={HERE}", 200), ("pit-here", "/contacts/x", 400), ("x", "/contacts/x", 401),
     ("pit-here", "/nowhere", 404)],
)  # fmt: skip
async def test_every_response_has_the_rate_headers(token: str, target: str, status: int) -> None:
    """Refusals too."""
    answer = await Stage(window_limit=100, window_seconds=10.0).ask("GET", target, token=token)
    rate = read_rate(answer.headers)
    assert rate is not None
    assert (answer.status, rate.limit, rate.window_seconds, rate.daily_limit) == (status, 100, 10.0, 200_000)


async def test_retry_after_comes_only_when_asked_for() -> None:
    """Nobody knows whether GHL sends it."""
    for sends, expected in ((False, None), (True, 10.0)):
        stage = Stage(window_limit=1, sends_retry_after=sends)
        await stage.client().search_duplicate(HERE, email="x@example.com")
        error = await refusal(stage)
        assert error.rate is not None
        assert error.rate.retry_after_seconds == expected


async def test_the_ledger_tells_what_was_asked_and_what_it_changed() -> None:
    """A create names what it made; a refusal changed nothing."""
    stage = Stage()
    client = stage.client()
    contact = (await client.upsert_contact({"locationId": HERE, **ANN})).contact
    stage.now += 1
    note = await client.create_note(contact.id, {"body": "Hello"})
    with pytest.raises(VendorError):
        await client.delete_note(contact.id, "gone")
    made, noted, refused = stage.ledger
    assert (made.seq, made.operation, made.budget, made.status, made.applied, made.entity, made.body) == (
        1, "upsert-contact", HERE, 200, True, contact.id, {"locationId": HERE, **ANN},
    )  # fmt: skip
    assert (noted.at - made.at, noted.method, noted.path) == (1.0, "POST", f"/contacts/{contact.id}/notes")
    assert (noted.status, noted.entity, noted.parent, noted.ended) == (201, note.id, contact.id, noted.at)
    assert (refused.status, refused.applied, refused.entity) == (400, False, "gone")


async def test_a_status_may_be_ordered_for_the_next_requests() -> None:
    """By operation and location, so often; the work is done only when asked for."""
    stage = Stage()
    stage.sandbox.faults.add(SandboxFault("status", "upsert-*", HERE, times=1, status=503))
    stage.sandbox.faults.add(SandboxFault("status", "upsert-*", HERE, times=1, status=500, applies=True))
    first, second = await refusal(stage), await refusal(stage)
    third = await stage.client().upsert_contact({"locationId": HERE, **ANN})
    assert (first.status, second.status, third.is_new) == (503, 500, False)
    assert [(entry.fault, entry.applied) for entry in stage.ledger] == [
        ("status", False),
        ("status", True),
        (None, True),
    ]


async def test_a_token_may_be_revoked_until_the_fault_is_cleared() -> None:
    """For one location only."""
    stage = Stage()
    stage.sandbox.faults.add(SandboxFault("revoke", budget=HERE))
    error = await refusal(stage)
    await stage.client("pit-there").upsert_contact({"locationId": THERE, **ANN})
    stage.sandbox.faults.clear()
    assert classify(error).disposition is Disposition.PAUSE
    assert (await stage.client().upsert_contact({"locationId": HERE, **ANN})).is_new


async def test_the_same_seed_gives_the_same_ids_and_faults() -> None:
    """So that a run can be repeated."""

    async def play() -> list[Any]:
        stage = Stage(seed=7)
        stage.sandbox.faults.add(SandboxFault("status", probability=0.5))
        for number in range(20):
            await stage.ask("POST", "/contacts/upsert", b'{"locationId": "here", "email": "a%d@example.com"}' % number)
        return [(entry.status, entry.entity) for entry in stage.ledger]

    first = await play()
    assert first == await play()
    assert {status for status, _ in first} == {200, 500}


@pytest.mark.parametrize("applies", [False, True])
async def test_a_fault_may_be_a_firewalls_page_with_a_200(applies: bool) -> None:
    """Whether the work was done behind it, the page does not say."""
    stage = Stage()
    stage.sandbox.faults.add(parse_fault({"kind": "status", "status": 200, "text": "<html>", "applies": applies}))
    answer = await stage.ask("POST", "/contacts/", b'{"locationId": "here", "firstName": "Ann"}')
    assert (answer.status, answer.body) == (200, b"<html>")
    assert len(stage.sandbox.location(HERE).contacts) == applies
