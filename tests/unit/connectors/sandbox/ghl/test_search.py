"""The sandbox's search: it lags behind, filters, sorts, and has two ways through its pages."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import VendorError
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage


async def found(stage: Stage, **search: Any) -> list[str]:
    """The ids that a search gives."""
    page = await stage.client().search_contacts({"locationId": HERE, "pageLimit": 100, **search})
    return [contact.id for contact in page.contacts]


def only(field: str, operator: str, value: Any = None) -> list[dict[str, Any]]:
    """A list of one filter."""
    return [{"field": field, "operator": operator} | ({} if value is None else {"value": value})]


async def test_a_new_contact_is_found_only_after_the_lag() -> None:
    """So absence counts only after it."""
    stage = Stage(search_lag_seconds=10)
    contact_id = stage.contact()
    early = await found(stage)
    stage.now += 9.9
    still_early = await found(stage)
    stage.now += 0.1
    assert (early, still_early, await found(stage)) == ([], [], [contact_id])


async def test_a_change_shows_the_old_then_nothing_then_the_new() -> None:
    """As measured on the real one: old for the first seconds, gone, new after about ten."""
    stage = Stage(search_lag_seconds=10)
    contact_id = stage.contact()
    stage.now += 10
    await stage.client().update_contact(contact_id, {"city": "Austin"})
    seen = []
    for seconds in (3.0, 3.0, 4.0):
        stage.now += seconds
        seen.append((await found(stage), await found(stage, filters=only("city", "eq", "austin"))))
    assert seen == [([contact_id], []), ([], []), ([contact_id], [contact_id])]


async def test_a_deleted_contact_is_found_for_a_while() -> None:
    """What search finds may be gone."""
    stage = Stage(search_lag_seconds=10)
    contact_id = stage.contact()
    stage.now += 10
    await stage.client().delete_contact(contact_id)
    at_once = await found(stage)
    stage.now += 10
    assert (at_once, await found(stage)) == ([contact_id], [])


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (only("email", "eq", "ANN@example.com"), 1),
        (only("email", "not_eq", "ann@example.com"), 1),
        (only("phone", "exists"), 1),
        (only("phone", "not_exists"), 1),
        (only("firstNameLowerCase", "contains", "n"), 1),
        (only("firstNameLowerCase", "not_contains", "o"), 1),
        (only("tags", "eq", "hot"), 1),
        (only("dateAdded", "range", {"gte": "2020-01-01T00:00:00Z", "lt": "2021-01-01T00:00:00Z"}), 0),
        (only("dateAdded", "range", {"gt": "2026-01-01T00:00:00Z"}), 2),
        ([{"group": "OR", "filters": [*only("city", "eq", "x"), *only("email", "eq", "bo@example.com")]}], 1),
        ([{"group": "AND", "filters": [*only("phone", "exists"), *only("email", "eq", "bo@example.com")]}], 0),
        ([*only("phone", "exists"), *only("tags", "exists")], 1),
    ],
)
async def test_filters_narrow_what_is_found(filters: list[dict[str, Any]], count: int) -> None:
    """Every operator; texts in any case; groups nest."""
    stage = Stage()
    stage.seed(contacts=[{"firstName": "Ann", "email": "ann@example.com", "phone": "+12025550123", "tags": ["hot"]}])
    stage.seed(contacts=[{"firstName": "Bo", "email": "bo@example.com"}])
    assert len(await found(stage, filters=filters)) == count


async def test_contacts_are_found_by_custom_field_and_by_ids() -> None:
    """The way to look for our own marker, and to read many at once."""
    stage = Stage()
    (field,) = stage.seed(customFields=[{"name": "Lofty id", "dataType": "TEXT"}])["customFields"]
    one = stage.contact(customFields=[{"id": field, "field_value": "L-1"}])
    two = stage.contact(email="bo@example.com", phone=None)
    assert await found(stage, filters=only(f"customFields.{field}", "eq", "L-1")) == [one]
    assert set(await found(stage, filters=only("id", "eq", [one, two, "unknown"]))) == {one, two}
    assert await found(stage, query="bo@") == [two]


async def test_both_ways_through_the_pages_give_every_contact_once() -> None:
    """By page, and by the cursor of the last contact."""
    stage = Stage()
    ids = []
    for number in range(7):
        stage.now += 1
        ids.append(stage.contact(email=f"a{number}@example.com", phone=None))
    sort = [{"field": "dateUpdated", "direction": "asc"}]
    client = stage.client()
    by_page, by_cursor, cursor = [], [], None
    for page in range(1, 5):
        by_page += await found(stage, pageLimit=2, page=page, sort=sort)
    while True:
        more: dict[str, Any] = {"searchAfter": list(cursor)} if cursor else {}
        part = await client.search_contacts({"locationId": HERE, "pageLimit": 2, "sort": sort, **more})
        by_cursor += [contact.id for contact in part.contacts]
        cursor = part.search_after
        if cursor is None:
            break
    assert (by_page, by_cursor, await found(stage)) == (ids, ids, ids[::-1])


@pytest.mark.parametrize(
    ("search", "status", "message"),
    [
        ({"filters": only("contact_name", "eq", "x")}, 400, "Invalid field contact_name"),
        ({"filters": only("email", "gte", "x")}, 422, "Invalid Operator"),
        ({"pageLimit": 501}, 422, "pageLimit must not be greater than 500"),
        ({"pageLimit": 100, "page": 101}, 400, "10000"),
        ({"sort": [{"field": "email"}] * 3}, 422, "no more than 2"),
    ],
)
async def test_a_wrong_search_is_refused(search: dict[str, Any], status: int, message: str) -> None:
    """In GHL's words where they are known."""
    stage = Stage()
    stage.contact()
    with pytest.raises(VendorError) as caught:
        await found(stage, **search)
    assert caught.value.status == status
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({"filters": only("contact_name", "eq", "x")}, "Invalid field contact_name"),
        ({"filters": only("email", "gte", "x")}, "Invalid Operator"),
        (
            {"filters": [{"group": "OR", "filters": [*only("id", "not_exists"), *only("nope", "exists")]}]},
            "Invalid field nope",
        ),
        ({"sort": [{"field": "nope", "direction": "asc"}]}, "Invalid field nope"),
        ({"query": "x" * 76}, "query must be shorter than or equal to 75 characters"),
        ({"filters": only("email", "eq", "x" * 76)}, "value must be shorter than or equal to 75 characters"),
    ],
)
async def test_what_cannot_be_asked_is_refused_where_nobody_is_too(search: dict[str, Any], words: str) -> None:
    """An empty location hides no mistake."""
    with pytest.raises(VendorError) as caught:
        await found(Stage(), **search)
    assert caught.value.messages == (words,)
