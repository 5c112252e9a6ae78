"""Directories: an answer that comes after the directory was asked for again changes nothing, whatever it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import orjson
import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import ConnectorError, Unanswered, VendorError
from connectors.ghl.client import GhlClient
from connectors.http.request import Response
from streams.core.rows import LinkRow
from streams.core.scheduling.dispatcher import BudgetPolicy, Item
from streams.core.to_ghl.planning import Rules
from streams.core.to_lofty.rows import BacklinkRow, looked_through, own_contact
from streams.mapping import LEAD_ID_FIELD, compile_mapping
from streams.messages import Entity
from streams.worker.dispatch.directories import Directories
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, DispatchWork, RequestSlot, WorkResult
from streams.worker.dispatch.own_contacts import PAGE, OwnContacts
from tests.unit.streams.worker.dispatch.stage import PARTITION, Scripted, Stage, TakenSlot, Vendor, answer

FIELDS = answer(200, {"customFields": [{"id": "f0", "name": "Other", "fieldKey": "contact.other", "dataType": "TEXT"}]})
SETTINGS = answer(200, {"location": {"id": "loc", "settings": {"allowDuplicateContact": False}}})
USERS = answer(200, {"users": []})


async def nothing(_item: Item, _slot: RequestSlot) -> WorkResult:
    """The loop is not run: the test calls the directory itself."""
    return DONE


class Desk(Stage):
    """One location whose mapping needs custom fields, and a loop that holds its connection back.

    It was looked through for own contacts before, unless `is_new`.
    """

    def __init__(self, *, is_new: bool = False) -> None:
        super().__init__()
        self.ghl = Vendor()
        location = Location(
            connection="acme",
            location_id="loc",
            budget="loc",
            partition=PARTITION,
            client=GhlClient(self.ghl, StaticAuth("Bearer", "k"), base_url="https://x.test"),
            rules=Rules(compile_mapping(), "US"),
            window_seconds=10.0,
        )
        self.loop = DispatchLoop("write", DispatchWork(nothing), time.monotonic)
        self.loop.acquire("loc", BudgetPolicy(100, 10.0, 4))
        self.changed: list[str] = []
        if not is_new:
            self.backlinks.put(PARTITION, looked_through("acme"), BacklinkRow(entity="acme"))
        own = OwnContacts(self.links, self.backlinks, lambda: self.now_ms)
        self.directories = Directories(self.loop, {"acme": location}, own, self.changed.append)
        self.directories.load("acme")

    async def turn(self) -> WorkResult:
        """One request, answered by the next line of the script."""
        return await self.directories(Item("@directory:acme", "@directory:acme", "loc", "@directory"), TakenSlot())

    async def until_complete(self) -> int:
        """Work on until the directory is complete; returns the number of requests."""
        before = len(self.ghl.asked)
        while await self.turn() != DONE:
            pass
        return len(self.ghl.asked) - before

    def makes(self, number: int) -> Response:
        """A custom field is made, as GHL answers it."""
        return answer(201, {"customField": {"id": f"f{number}", "name": self.ghl.body()["name"], "dataType": "TEXT"}})


LATE: dict[str, Callable[[Desk], Response | ConnectorError]] = {
    "made": lambda desk: desk.makes(1),
    "refused for good": lambda desk: answer(422, {"message": "no more fields"}),
    "refused access": lambda desk: answer(401, {"message": "Invalid JWT"}),
    "unanswered": lambda desk: Unanswered("POST", "https://x.test", "dropped"),
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("turns_before", [0, 1, 2, 3])
async def test_an_answer_of_an_earlier_load_changes_nothing(late: str, turns_before: int) -> None:
    """The location is read again from its first request on, its fields are known, and no work is given up."""
    desk = Desk()
    before: list[Scripted] = [FIELDS, SETTINGS, USERS]
    desk.ghl.script = before[:turns_before]
    for _ in range(turns_before):
        assert await desk.turn() == AGAIN

    def answers_after_another_load() -> Response:
        desk.directories.load("acme")
        answered = (FIELDS, SETTINGS, USERS)[turns_before] if late == "made" and turns_before < 3 else LATE[late](desk)
        if isinstance(answered, ConnectorError):
            raise answered
        return answered

    desk.ghl.script = [answers_after_another_load]
    assert await desk.turn() == AGAIN

    assert desk.directories.get("acme").custom_fields == {}, "what was read before is not taken for what is"
    desk.ghl.script = [FIELDS, SETTINGS, USERS, lambda: desk.makes(1)]
    assert await desk.until_complete() == 4
    known = desk.directories.get("acme").custom_fields
    assert set(known.values()) == {"f0", "f1"}, "the field for the Lofty id is made, it was not given up"


def location_with(**ids: str) -> Response:
    """A list of custom fields: those that the mapping names, one of them with another id if wanted."""
    names = [*compile_mapping().custom_fields, *(name for name in ids if name not in compile_mapping().custom_fields)]
    fields = [{"id": ids.get(name, f"f-{name}"), "name": name, "dataType": "TEXT"} for name in names]
    return answer(200, {"customFields": fields})


async def test_a_change_is_reported_once_and_a_field_with_another_id_was_made_again() -> None:
    """The first read is a change, too: nothing is known of the time before."""
    desk = Desk()
    for script, changes in (
        ([location_with(), SETTINGS, USERS], 1),
        ([location_with(), SETTINGS, USERS], 1),
        ([location_with(**{"Lofty stage": "new"}), SETTINGS, USERS], 2),
    ):
        desk.ghl.script = list(script)
        await desk.until_complete()
        assert len(desk.changed) == changes
        desk.directories.load("acme")
    assert desk.directories.remade("acme") == {"lofty stage": "f-Lofty stage"}
    known = desk.directories.complete("acme")
    assert known is not None
    assert known.custom_field_id("Lofty stage") == "new"


async def test_options_are_known_of_selects_that_take_nothing_else() -> None:
    """What GHL does not show, and what takes any value, is not judged."""
    desk = Desk()
    select = {"dataType": "SINGLE_OPTIONS", "picklistOptions": ["Hot"]}
    more = [
        {"id": "s1", "name": "One", **select},
        {"id": "s2", "name": "Two", **select, "isAllowedCustomOption": True},
        {"id": "s3", "name": "Three", "dataType": "SINGLE_OPTIONS"},
        {"id": "s4", "name": "Four", "dataType": "TEXT", "picklistOptions": ["Hot"]},
    ]
    listed = orjson.loads(location_with().body)["customFields"]
    desk.ghl.script = [answer(200, {"customFields": [*listed, *more]}), SETTINGS, USERS]
    await desk.until_complete()
    assert desk.directories.get("acme").options == {"s1": ("Hot",)}


@pytest.mark.usefixtures("virtual_time")
async def test_a_suspicion_reads_the_location_again_and_ever_more_seldom_while_nothing_changes() -> None:
    """Several values that GHL drops at once are one suspicion; after a change, the next is believed at once again."""
    desk = Desk()
    clock = asyncio.get_running_loop().time
    waits = []
    for ids in ({}, {}, {}, {"Lofty stage": "new"}, {"Lofty stage": "new"}):
        desk.ghl.script = [location_with(**ids), SETTINGS, USERS]
        await desk.until_complete()
        began = clock()
        for _ in range(3):
            desk.directories.suspect("acme")
        while desk.directories.get("acme").custom_fields:
            await asyncio.sleep(0.1)
        waits.append(round(clock() - began))
    assert waits == [2, 4, 8, 2, 4]


@pytest.mark.parametrize(
    ("says", "takes_duplicates"),
    [
        (SETTINGS, False),
        (answer(200, {"location": {"settings": {"allowDuplicateContact": True}}}), True),
        (answer(200, {"location": {}}), True),
        (answer(200, {}), True),
        (answer(401, {"message": "The token is not authorized for this scope."}), True),
        (answer(422, {"message": "no"}), True),
    ],
)
async def test_a_location_of_which_nobody_says_that_it_refuses_duplicates_is_looked_into_first(
    says: Response, takes_duplicates: bool
) -> None:
    """Also without the scope `locations.readonly`; nothing else of the directory suffers."""
    desk = Desk()
    desk.ghl.script = [location_with(), says, USERS]
    await desk.until_complete()
    assert desk.directories.get("acme").takes_duplicates is takes_duplicates
    assert desk.directories.get("acme").custom_fields


# -- created when they are needed -----------------------------------------------------------------------------


REFUSED = answer(422, {"message": "no more fields"})


def with_lead_id(*others: str) -> Response:
    """The location's fields once it has that for the Lofty id, and some that somebody else has created."""
    names = {"f0": "Other", "f1": LEAD_ID_FIELD, **{f"by-{name}": name for name in others}}
    return answer(200, {"customFields": [{"id": id, "name": name, "dataType": "TEXT"} for id, name in names.items()]})


async def begun(desk: Desk) -> None:
    """The location is read, and has the field for the Lofty id."""
    desk.ghl.script = [FIELDS, SETTINGS, USERS, lambda: desk.makes(1)]
    assert desk.loop.core.is_held("loc", "acme")
    assert await desk.until_complete() == 4
    assert desk.ghl.body()["name"] == LEAD_ID_FIELD
    assert not desk.loop.core.is_held("loc", "acme")


async def test_a_location_gets_the_field_for_the_lofty_id_first_and_the_others_when_a_contact_needs_them() -> None:
    """Until they are there, nothing of the connection is written. They are made as the mapping says, not as the value looks."""
    desk = Desk(is_new=True)
    await begun(desk)
    assert desk.directories.lacks("acme", {"Lofty price max": "TEXT", "Lofty stage": "TEXT"})
    assert desk.loop.core.is_held("loc", "acme")
    desk.ghl.script = [with_lead_id(), lambda: desk.makes(2), lambda: desk.makes(3)]
    assert [await desk.turn() for _ in range(2)] == [AGAIN, AGAIN]
    assert desk.loop.core.is_held("loc", "acme"), "the second is still to be made"
    assert await desk.turn() == DONE
    assert not desk.loop.core.is_held("loc", "acme")
    assert desk.changed == ["acme", "acme"], "contacts that were written without them are looked for"
    made = {body["name"]: body["dataType"] for body in (desk.ghl.body(-2), desk.ghl.body(-1))}
    assert made == {"Lofty stage": "TEXT", "Lofty price max": compile_mapping().custom_fields["Lofty price max"].type}


async def test_what_a_contact_needed_is_made_again_by_the_next_load_and_nothing_else() -> None:
    """Somebody may delete a field in GHL; a refusal may be over."""
    desk = Desk()
    await begun(desk)
    assert desk.directories.lacks("acme", {"Lofty stage": "TEXT"})
    desk.ghl.script = [with_lead_id(), REFUSED, with_lead_id()]
    assert await desk.until_complete() == 3
    assert not desk.directories.lacks("acme", {"Lofty stage": "TEXT"}), "GHL has refused it"
    desk.directories.load("acme")
    desk.ghl.script = [FIELDS, SETTINGS, USERS, lambda: desk.makes(1), lambda: desk.makes(2)]
    assert await desk.until_complete() == 5
    assert {desk.ghl.body(-2)["name"], desk.ghl.body(-1)["name"]} == {LEAD_ID_FIELD, "Lofty stage"}


async def test_a_field_that_somebody_else_creates_meanwhile_is_used() -> None:
    """A person, or another connection of the location: before we create one, and in the moment in which we do."""
    desk = Desk()
    await begun(desk)
    assert desk.directories.lacks("acme", {"Lofty stage": "TEXT"})
    desk.ghl.script = [with_lead_id("Lofty stage")]
    assert await desk.until_complete() == 1
    assert desk.directories.lacks("acme", {"Lofty agent": "TEXT"})
    desk.ghl.script = [with_lead_id("Lofty stage"), REFUSED, with_lead_id("Lofty stage", "Lofty agent")]
    assert await desk.until_complete() == 3
    known = desk.directories.get("acme")
    assert [known.custom_field_id(one) for one in ("Lofty stage", "Lofty agent")] == [
        "by-Lofty stage",
        "by-Lofty agent",
    ]


async def test_a_refusal_counts_for_the_field_that_was_asked_for() -> None:
    """While a request for one is under way, another contact needs one that comes before it in the mapping."""
    desk = Desk()
    await begun(desk)
    assert desk.directories.lacks("acme", {"Lofty score": "TEXT"})

    def refused_meanwhile() -> Response:
        assert desk.directories.lacks("acme", {"Lofty stage": "TEXT"})
        return REFUSED

    desk.ghl.script = [with_lead_id(), refused_meanwhile, with_lead_id(), lambda: desk.makes(2)]
    assert await desk.until_complete() == 4
    assert desk.directories.get("acme").custom_field_id("Lofty stage") == "f2"
    assert not desk.directories.lacks("acme", {"Lofty score": "TEXT"})


async def test_what_a_location_answers_shows_that_its_access_is_whole() -> None:
    """A contact that is refused three times meanwhile is parked alone: nothing pauses."""
    desk = Desk()
    refused = VendorError(vendor="ghl", operation="update-contact", status=403, messages=("no",))
    assert [desk.loop.failures.failed("loc", "update", "1", refused, 10.0) for _ in range(2)] == ["try again"] * 2
    await begun(desk)
    assert desk.loop.failures.failed("loc", "update", "1", refused, 10.0) == "park"


async def test_fields_without_which_contacts_were_written_are_tried_once_after_a_start() -> None:
    """Their links name them. What is there already, and what is no field, costs no request and holds nobody."""
    desk = Desk()
    await begun(desk)
    lacks = {"field:lofty stage", "field:lofty lead id", "field:unknown", "user:ann@example.com"}
    desk.directories.try_lacking("acme", lacks - {"field:lofty stage"})
    assert not desk.loop.core.is_held("loc", "acme")
    desk.directories.try_lacking("acme", lacks)
    assert desk.loop.core.is_held("loc", "acme")
    desk.ghl.script = [with_lead_id(), REFUSED, with_lead_id()]
    assert await desk.until_complete() == 3
    desk.directories.try_lacking("acme", lacks)
    assert not desk.loop.core.is_held("loc", "acme"), "GHL has refused it again"


# -- looked through for own contacts --------------------------------------------------------------------------

ONE, TWO = Entity.contact("acme", "1"), Entity.contact("acme", "2")


def page_of(*found: tuple[str, object], count: int = 0) -> Response:
    """A page of a search: contacts with their Lofty ids, and as many without one as `count` needs."""
    none = [(f"c-none-{n}", None) for n in range(count - len(found))]
    contacts = [
        {"id": one, "customFields": [{"id": f"f-{LEAD_ID_FIELD}", "value": lead}], "searchAfter": [7, one]}
        for one, lead in (*found, *none)
    ]
    return answer(200, {"contacts": contacts, "total": len(contacts)})


async def test_a_location_is_looked_through_once_a_lag_after_a_worker_without_links_began() -> None:
    """Page by page; of two contacts with one Lofty id the older one counts, and what can be no id counts nothing."""
    desk = Desk(is_new=True)
    pages = [page_of(("c1", "1"), ("c2", 2), count=PAGE), page_of(("c3", "1"), ("c4", "a b"))]
    desk.ghl.script = [location_with(), SETTINGS, USERS]
    for _ in range(3):
        assert await desk.turn() == AGAIN
    assert await desk.turn() == WorkResult.retry(60.0)
    desk.now_ms += 60_000
    desk.ghl.script = [*pages]
    assert await desk.until_complete() == 2
    first, second = desk.ghl.body(-2), desk.ghl.body(-1)
    assert first["filters"] == [{"field": f"customFields.f-{LEAD_ID_FIELD}", "operator": "exists"}]
    assert ("searchAfter" in first, second["searchAfter"]) == (False, [7, f"c-none-{PAGE - 3}"])
    rows = [desk.backlinks.get(PARTITION, own_contact(one)) for one in (ONE, TWO)]
    assert [one.contact_id for one in rows if one is not None] == ["c1", "c2"]
    desk.directories.load("acme")
    desk.ghl.script = [location_with(), SETTINGS, USERS]
    assert await desk.until_complete() == 3


async def test_no_lag_is_waited_where_links_are_known_and_who_has_one_is_left_alone() -> None:
    """As after an upgrade, or where links were imported: the connection is not kept waiting."""
    desk = Desk(is_new=True)
    desk.links.put(PARTITION, ONE.key, LinkRow(ghl_id="c1"))
    desk.ghl.script = [location_with(), SETTINGS, USERS, page_of(("c1", "1"), ("c2", "2"))]
    await desk.until_complete()
    rows = [desk.backlinks.get(PARTITION, own_contact(one)) for one in (ONE, TWO)]
    assert [one and one.contact_id for one in rows] == [None, "c2"]


async def test_a_location_whose_field_for_the_lofty_id_was_just_made_is_not_searched() -> None:
    """No contact can have a value there."""
    desk = Desk(is_new=True)
    desk.ghl.script = [FIELDS, SETTINGS, USERS, lambda: desk.makes(1)]
    await desk.until_complete()
    assert not any(line.endswith("/contacts/search") for line in desk.ghl.lines)
    assert desk.backlinks.get(PARTITION, looked_through("acme")) is not None


@pytest.mark.parametrize("fields", [location_with(), answer(422, {"message": "no"})], ids=["search", "fields"])
async def test_a_search_that_is_refused_stops_nothing_and_is_tried_again_by_the_next_load(fields: Response) -> None:
    """Also where the fields cannot be read: nobody knows by which to search."""
    desk = Desk(is_new=True)
    desk.links.put(PARTITION, ONE.key, LinkRow(ghl_id="c1"))
    refused = [answer(422, {"message": "no such filter"})] if fields.status == 200 else []
    desk.ghl.script = [fields, SETTINGS, USERS, *refused]
    await desk.until_complete()
    assert desk.backlinks.get(PARTITION, looked_through("acme")) is None
    desk.directories.load("acme")
    desk.ghl.script = [location_with(), SETTINGS, USERS, page_of()]
    assert await desk.until_complete() == 4
    assert desk.backlinks.get(PARTITION, looked_through("acme")) is not None
