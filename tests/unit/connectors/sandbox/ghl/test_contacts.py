"""How the sandbox treats contacts: duplicates, matching, merging, tags."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import VendorError
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import LocationSettings
from connectors.sandbox.ghl.people import act
from connectors.sandbox.ghl.seeds import seed
from tests.unit.connectors.sandbox.ghl.stage import ANN, HERE, Stage


def allowing(**more: Any) -> Stage:
    """A stage whose location has other rules."""
    return Stage(locations=(LocationSettings(HERE, ("pit-here",), **more),))


async def test_what_is_written_is_read_at_once() -> None:
    """A read by id knows no lag."""
    client = Stage(search_lag_seconds=10).client()
    made = await client.create_contact({"locationId": HERE, **ANN, "city": "Austin", "dateOfBirth": "09/25/1990"})
    read = await client.get_contact(made.id)
    assert (read.name, read.email, read.phone, read.city) == ("Ann Vale", "ann@example.com", "+12025550123", "Austin")
    assert (read.date_of_birth, read.location_id) == ("1990-09-25", HERE)


@pytest.mark.parametrize(
    ("given", "field"), [({"email": "ANN@example.com"}, "email"), ({"phone": "2025550123"}, "phone")]
)
async def test_a_second_contact_of_one_identifier_is_refused_with_the_first(given: dict[str, str], field: str) -> None:
    """400, not 409; e-mails in any case, phones in any notation."""
    stage = Stage()
    first = stage.contact()
    with pytest.raises(VendorError) as caught:
        await stage.client().create_contact({"locationId": HERE, "firstName": "Bo", **given})
    assert (caught.value.status, caught.value.messages) == (400, ("This location does not allow duplicated contacts.",))
    assert caught.value.meta == {"contactName": "Ann Vale", "contactId": first, "matchingField": field}
    assert classify(caught.value).disposition is Disposition.ADOPT


async def test_an_update_to_the_identifier_of_another_is_refused() -> None:
    """PUT too; one's own identifier is no duplicate."""
    stage = Stage()
    first = stage.contact()
    second = stage.contact(email="bo@example.com", phone=None)
    await stage.client().update_contact(first, {"email": "ann@example.com"})
    with pytest.raises(VendorError) as caught:
        await stage.client().update_contact(second, {"phone": "+12025550123"})
    assert caught.value.meta["contactId"] == first
    assert caught.value.meta["matchingField"] == "phone"


async def test_duplicates_are_made_where_the_location_allows_them() -> None:
    """It is a setting of the location."""
    stage = allowing(allow_duplicates=True)
    first = stage.contact()
    second = await stage.client().create_contact({"locationId": HERE, **ANN})
    assert second.id != first


async def test_an_upsert_updates_the_contact_that_exists_and_creates_one_otherwise() -> None:
    """The one write that is safe to repeat."""
    client = Stage().client()
    first = await client.upsert_contact({"locationId": HERE, **ANN})
    again = await client.upsert_contact({"locationId": HERE, **ANN, "city": "Austin"})
    assert (first.is_new, again.is_new, again.contact.id, again.contact.city) == (
        True,
        False,
        first.contact.id,
        "Austin",
    )


@pytest.mark.parametrize(("matching", "place"), [(("email", "phone"), 0), (("phone", "email"), 1)])
async def test_an_upsert_looks_in_the_locations_order_and_ignores_the_other_identifier(
    matching: tuple[str, ...], place: int
) -> None:
    """When e-mail and phone are two contacts', the second in order is dropped without a word."""
    stage = allowing(matching=matching)
    ids = [stage.contact(phone=None), stage.contact(email=None)]
    result = await stage.client().upsert_contact({"locationId": HERE, **ANN, "city": "Austin"})
    assert (result.contact.id, result.is_new) == (ids[place], False)
    assert (result.contact.email is None, result.contact.phone is None) == (place == 1, place == 0)


async def test_an_upsert_ignores_gender_on_a_contact_that_exists() -> None:
    """Accepted and dropped, as users of GHL report."""
    stage = Stage()
    contact_id = stage.contact()
    await stage.client().upsert_contact({"locationId": HERE, **ANN, "gender": "female"})
    assert "gender" not in stage.sandbox.locations[HERE].contacts[contact_id].fields


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_tags_in_a_put_or_upsert_replace_all(method: str) -> None:
    """Which is why our client withholds them."""
    stage = Stage()
    contact_id = stage.contact(tags=["Theirs", "theirs", "OURS"])
    body = {"tags": ["New One"]} | ({} if method == "PUT" else {"locationId": HERE, **ANN})
    target = f"/contacts/{contact_id}" if method == "PUT" else "/contacts/upsert"
    await stage.ask(method, target, json.dumps(body).encode())
    assert stage.sandbox.locations[HERE].contacts[contact_id].tags == ["new one"]


async def test_tags_are_added_and_removed_one_by_one_in_lower_case() -> None:
    """Those of others stay, and none is there twice."""
    stage = Stage()
    client, contact_id = stage.client(), stage.contact(tags=["theirs"])
    added = await client.add_tags(contact_id, ("Hot", "hot", "Lofty"))
    left = await client.remove_tags(contact_id, ("LOFTY", "unknown"))
    assert (added, left) == (("theirs", "hot", "lofty"), ("theirs", "hot"))
    assert {tag.name for tag in await client.list_location_tags(HERE)} == {"theirs", "hot", "lofty"}


async def test_custom_fields_merge_by_id() -> None:
    """Those not named stay; empty clears; entries by key and unknown ids are ignored in silence."""
    stage = Stage()
    names = ["One", "Two", "Three"]
    one, two, three = stage.seed(customFields=[{"name": name, "dataType": "TEXT"} for name in names])["customFields"]
    contact_id = stage.contact(customFields=[{"id": one, "field_value": "a"}, {"id": two, "field_value": "b"}])
    fields = [
        {"id": two, "field_value": ""},
        {"id": three, "field_value": 7},
        {"key": "contact.one", "field_value": "x"},
        {"id": "unknown", "field_value": "x"},
    ]
    await stage.ask("PUT", f"/contacts/{contact_id}", json.dumps({"customFields": fields}).encode())
    read = await stage.client().get_contact(contact_id)
    assert {value.id: value.value for value in read.custom_fields} == {one: "a", three: 7}


async def test_a_date_field_loses_its_time() -> None:
    """Silently, as measured."""
    stage = Stage()
    (field,) = stage.seed(customFields=[{"name": "Closed", "dataType": "DATE"}])["customFields"]
    contact_id = stage.contact()
    value = {"id": field, "field_value": "2026-01-02T03:04:05Z"}
    await stage.client().update_contact(contact_id, {"customFields": [value]})
    assert (await stage.client().get_contact(contact_id)).custom(field) == "2026-01-02"


@pytest.mark.parametrize(
    ("phone", "message"),
    [
        ("+1202555012345678901", "The string supplied is too long to be a phone number"),
        ("+9992025550123", "Invalid country calling code"),
        ("+91-9876543210", "The string supplied did not seem to be a phone number"),
        ("call me", "The string supplied did not seem to be a phone number"),
    ],
)
async def test_a_phone_that_cannot_be_read_refuses_the_contact(phone: str, message: str) -> None:
    """400 in the words of libphonenumber: normalise before sending."""
    with pytest.raises(VendorError) as caught:
        await Stage().client().create_contact({"locationId": HERE, "firstName": "A", "phone": phone})
    assert (caught.value.status, caught.value.messages) == (400, (message,))


async def test_a_possible_phone_that_nobody_can_have_refuses_the_contact_with_a_422() -> None:
    """No area code is 555. Its words are a guess."""
    with pytest.raises(VendorError) as caught:
        await Stage().client().upsert_contact({"locationId": HERE, **ANN, "phone": "+15551234567"})
    assert (caught.value.status, caught.value.messages) == (422, ("phone must be a valid phone number",))


@pytest.mark.parametrize("given", [{}, {"name": "Ann Vale"}, {"firstName": "Ann", "email": "", "phone": None}])
async def test_an_upsert_needs_an_email_or_a_phone(given: dict[str, Any]) -> None:
    """A name does not count."""
    with pytest.raises(VendorError) as caught:
        await Stage().client().upsert_contact({"locationId": HERE, **given})
    assert (caught.value.status, caught.value.message) == (
        400,
        "Pass at least one of number, email query parameter",
    )
    assert classify(caught.value).disposition is Disposition.REFUSED


async def test_a_create_needs_one_of_four_fields() -> None:
    """A first or last name is enough; nothing is compared by it, so two creates make two contacts."""
    client = Stage().client()
    with pytest.raises(VendorError) as caught:
        await client.create_contact({"locationId": HERE, "city": "Austin"})
    assert caught.value.status == 422
    assert caught.value.message == "Contacts without email, phone, firstName and lastName are not allowed."
    made = [(await client.create_contact({"locationId": HERE, "lastName": "Vale"})).id for _ in range(2)]
    assert len(set(made)) == 2


@pytest.mark.parametrize("field", ["source", "assignedTo", "postalCode", "country", "gender"])
@pytest.mark.parametrize("target", ["/contacts/", "/contacts/upsert"])
async def test_what_may_not_be_null_in_a_create_or_upsert(target: str, field: str) -> None:
    """By GHL's document."""
    body = {"locationId": HERE, **ANN, field: None}
    answer = await Stage().ask("POST", target, json.dumps(body).encode())
    assert (answer.status, json.loads(answer.body)["message"]) == (422, [f"{field} must be a string"])


async def test_an_update_clears_source_and_agent_with_null() -> None:
    """By GHL's document they may be null there."""
    stage = Stage()
    contact_id = stage.contact(source="web")
    await stage.client().update_contact(contact_id, {"source": None, "assignedTo": None})
    assert (await stage.client().get_contact(contact_id)).source is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_missing_contact_has_other_words_where_it_is_changed(method: str) -> None:
    """Without its id. Which operations say so is not known."""
    answer = await Stage().ask(method, "/contacts/gone", b"{}" if method == "PUT" else b"")
    assert (answer.status, json.loads(answer.body)["message"]) == (400, "Contact with id not found")


async def test_a_missing_contact_is_a_400() -> None:
    """Not a 404; a deleted one alike, and its identifiers are free again."""
    stage = Stage()
    contact_id = stage.contact()
    await stage.client().delete_contact(contact_id)
    with pytest.raises(VendorError) as caught:
        await stage.client().get_contact(contact_id)
    assert (caught.value.status, caught.value.message) == (400, f"Contact not found for id:{contact_id}")
    assert classify(caught.value).disposition is Disposition.GONE
    assert (await stage.client().upsert_contact({"locationId": HERE, **ANN})).is_new


async def test_the_duplicate_search_finds_by_either_identifier_or_nothing() -> None:
    """Immediately, and null when there is none."""
    stage = Stage(search_lag_seconds=10)
    client, contact_id = stage.client(), stage.contact()
    by_phone = await client.search_duplicate(HERE, number="+12025550123")
    by_email = await client.search_duplicate(HERE, number="+12025550199", email="Ann@Example.com")
    assert by_phone is not None
    assert by_email is not None
    assert (by_phone.id, by_email.id) == (contact_id, contact_id)
    assert await client.search_duplicate(HERE, email="nobody@example.com") is None


async def test_contacts_are_listed_in_pages() -> None:
    """The deprecated listing, and the one of a business."""
    stage = Stage()
    client, ids = stage.client(), []
    for number in range(5):
        stage.now += 1
        ids.append(stage.contact(email=f"a{number}@example.com", phone=None))
    await client.set_business(HERE, ids[:3], "bus")
    first = await client.list_contacts(HERE, limit=3)
    added = int(stage.sandbox.locations[HERE].contacts[ids[2]].added * 1000)
    rest = await client.list_contacts(HERE, limit=3, start_after=added, start_after_id=ids[2])
    of_business = await client.list_contacts_of_business("bus", HERE, limit=2, skip=1)
    assert [one.id for one in (*first.contacts, *rest.contacts)] == ids
    assert ([one.id for one in of_business.contacts], of_business.total) == (ids[1:3], 3)


@pytest.mark.parametrize(
    ("kind", "facts", "value", "is_kept"),
    [
        ("SINGLE_OPTIONS", {"picklistOptions": ["Hot"]}, "Hot", True),
        ("SINGLE_OPTIONS", {"picklistOptions": ["Hot"]}, "Cold", False),
        ("SINGLE_OPTIONS", {"picklistOptions": ["Hot"], "isAllowedCustomOption": True}, "Cold", True),
        ("RADIO", {"picklistOptions": ["Hot"]}, "hot", False),
        ("TEXT", {}, "Cold", True),
    ],
)
async def test_a_select_drops_what_is_none_of_its_options(
    kind: str, facts: dict[str, Any], value: str, is_kept: bool
) -> None:
    """With 200; its answer is without the value."""
    stage = Stage()
    given = {"location": HERE, "customFields": [{"name": "Mood", "dataType": kind, **facts}]}
    [field] = seed(stage.sandbox, given)["customFields"]
    made = await stage.client().upsert_contact(
        {"locationId": HERE, "email": "a@example.com", "customFields": [{"id": field, "field_value": value}]}
    )
    assert made.contact.custom(field) == (value if is_kept else None)


async def test_a_dead_field_and_an_unknown_user_are_dropped_with_200() -> None:
    """What is written to a field that was made again under the same name goes nowhere, and its old values are gone."""
    stage = Stage()
    given = {"location": HERE, "customFields": [{"name": "Mood", "dataType": "TEXT"}], "users": [{"name": "Ann"}]}
    made = seed(stage.sandbox, given)
    [field], [user] = made["customFields"], made["users"]
    body = {"assignedTo": user, "customFields": [{"id": field, "field_value": "fine"}]}
    contact = (await stage.client().upsert_contact({"locationId": HERE, "email": "a@example.com", **body})).contact
    assert (contact.assigned_to, contact.custom(field)) == (user, "fine")

    for name, ids in (("remove-custom-field", {"fieldId": field}), ("remove-user", {"userId": user})):
        act(stage.sandbox, {"do": name, "location": HERE, "ids": ids})
    seed(stage.sandbox, {"location": HERE, "customFields": [{"name": "Mood", "dataType": "TEXT"}]})
    answered = await stage.client().update_contact(contact.id, {"assignedTo": None})
    assert answered is not None
    answered = await stage.client().update_contact(contact.id, body)
    assert answered is not None
    assert (answered.assigned_to, answered.custom_fields) == (None, ())


async def test_an_additional_email_becomes_the_first_and_the_former_first_is_lost() -> None:
    """GHL's issue 337: the upsert matches it. No write of the API takes additional e-mails."""
    stage = Stage()
    ann = stage.contact(additionalEmails=["Ann@work.example.com"])
    upserted = await stage.client().upsert_contact({"locationId": HERE, "email": "ann@work.example.com"})
    assert (upserted.is_new, upserted.contact.id, upserted.contact.email) == (False, ann, "ann@work.example.com")
    assert await stage.client().search_duplicate(HERE, email="ann@example.com") is None
    answer = await stage.ask("PUT", f"/contacts/{ann}", b'{"additionalEmails": ["x@example.com"]}')
    assert json.loads(answer.body)["message"] == ["property additionalEmails should not exist"]


@pytest.mark.parametrize("ignores", [False, True])
async def test_an_empty_text_may_clear_nothing(ignores: bool) -> None:
    """As one integrator saw of the postal code and of custom fields: the answer still shows them."""
    stage = Stage(ignores_empty_texts=ignores)
    [field] = seed(stage.sandbox, {"location": HERE, "customFields": [{"name": "Mood", "dataType": "TEXT"}]})[
        "customFields"
    ]
    contact = stage.contact(postalCode="78701", customFields=[{"id": field, "field_value": "fine"}])
    empty = {"postalCode": "", "customFields": [{"id": field, "field_value": ""}]}
    after = await stage.client().update_contact(contact, empty)
    assert after is not None
    assert (after.postal_code, after.custom(field)) == (("78701", "fine") if ignores else (None, None))
