"""How the sandbox treats opt-outs: replaced as a whole, permanent ones kept, STOP reported by no webhook."""

from __future__ import annotations

import pytest

from connectors.errors import VendorError
from connectors.sandbox.ghl import HookSettings
from connectors.sandbox.ghl.mailer import WebhookMailer
from connectors.sandbox.ghl.people import act
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage

ACTIVE = {"status": "active", "message": "m", "code": "c"}


async def test_a_write_replaces_all_channels() -> None:
    """A channel that is not given is open afterwards; without `dndSettings`, nothing changes."""
    stage = Stage()
    contact = stage.contact()
    await stage.client().update_contact(contact, {"dndSettings": {"SMS": ACTIVE}})
    await stage.client().update_contact(contact, {"dndSettings": {"Call": ACTIVE}})
    await stage.client().update_contact(contact, {"city": "Austin"})
    assert (await stage.client().get_contact(contact)).dnd_settings == {"Call": ACTIVE}


async def test_dnd_is_a_switch_of_its_own_beside_the_channels() -> None:
    """Neither changes the other, and a webhook shows both; only a boolean is taken."""
    stage = Stage(hooks=HookSettings(url="http://hooks"))
    contact = stage.contact()
    client = stage.client()
    await client.update_contact(contact, {"dndSettings": {"SMS": {**ACTIVE, "status": "inactive"}}})
    await client.update_contact(contact, {"dnd": True})
    found = await client.get_contact(contact)
    assert (found.dnd, found.dnd_settings["SMS"]["status"]) == (True, "inactive")
    told = stage.sandbox.outbox[-1]
    assert (told["type"], told["dnd"], told["dndSettings"]["SMS"]["status"]) == ("ContactDndUpdate", True, "inactive")
    await client.update_contact(contact, {"dndSettings": {"SMS": ACTIVE}})
    assert (await client.get_contact(contact)).dnd is True
    with pytest.raises(VendorError, match="dnd"):
        await client.update_contact(contact, {"dnd": "true"})


@pytest.mark.parametrize(
    ("status", "is_repeated"), [(429, True), (503, False), (None, False), (404, False), (200, False)]
)
def test_a_webhook_is_repeated_after_a_429_only(status: int | None, is_repeated: bool) -> None:
    """The oldest policy that GHL has published; the newer ones repeat more."""
    stage = Stage(hooks=HookSettings(url="http://hooks"))
    mailer = WebhookMailer(stage.sandbox)
    assert mailer._is_retried(status) is is_repeated


async def test_what_is_permanent_stays() -> None:
    """Another status is refused, and nothing of that write happens; a write that leaves it out keeps it."""
    stage = Stage()
    contact = stage.contact()
    act(stage.sandbox, {"do": "text-stop", "location": HERE, "ids": {"contactId": contact}})
    with pytest.raises(VendorError, match="Not authorized to update permanent dnd setting for SMS"):
        await stage.client().update_contact(contact, {"city": "Austin", "dndSettings": {"SMS": {"status": "inactive"}}})
    await stage.client().update_contact(contact, {"dndSettings": {"Call": ACTIVE}})
    found = await stage.client().get_contact(contact)
    assert found.city is None
    assert {name: one["status"] for name, one in found.dnd_settings.items()} == {"SMS": "permanent", "Call": "active"}


async def test_a_stop_is_searched_and_never_reported() -> None:
    """Neither by itself nor with the next change of the contact; an opt-out by hand is reported."""
    stage = Stage(hooks=HookSettings(url="http://hooks"))
    contact = stage.contact()
    client = stage.client()
    await client.update_contact(contact, {"city": "Austin"})
    stage.sandbox.outbox.clear()
    act(stage.sandbox, {"do": "text-stop", "location": HERE, "ids": {"contactId": contact}})
    assert stage.sandbox.outbox == []
    await client.update_contact(contact, {"city": "Boston"})
    assert [one["type"] for one in stage.sandbox.outbox] == ["ContactUpdate"]
    [found] = (await client.search_contacts({"locationId": HERE, "pageLimit": 10})).contacts
    assert found.dnd_settings["SMS"]["status"] == "permanent"

    body = {"dndSettings": {"Email": ACTIVE}}
    act(stage.sandbox, {"do": "update-contact", "location": HERE, "ids": {"contactId": contact}, "body": body})
    told = stage.sandbox.outbox[-1]
    assert (told["type"], told["dndSettings"].keys()) == ("ContactDndUpdate", {"SMS", "Email"})


@pytest.mark.parametrize("given", [[], {"Fax": ACTIVE}, {"SMS": {"status": "closed"}}, {"SMS": "active"}])
async def test_odd_settings_are_refused(given: object) -> None:
    """The channels and states of GHL's document, and no others."""
    stage = Stage()
    contact = stage.contact()
    with pytest.raises(VendorError, match="dndSettings"):
        await stage.client().update_contact(contact, {"dndSettings": given})
