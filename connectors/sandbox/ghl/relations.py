"""The rules of tags, followers, campaigns, workflows and businesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.contacts import lowered
from connectors.sandbox.ghl.refusals import GhlRefusal
from connectors.sandbox.ghl.requests import GhlRequest, GhlResult, Rule, touch

_SUCCEEDED = {"succeded": True}


def add_tags(ask: GhlRequest) -> GhlResult:
    """Adds to those that are there, in lower case."""
    contact = ask.contact()
    contact.tags = list(dict.fromkeys([*contact.tags, *lowered(ask.body["tags"])]))
    ask.place.learn_tags(contact.tags)
    touch(ask, contact)
    return GhlResult({"tags": list(contact.tags)}, 201, contact.id, True)


def remove_tags(ask: GhlRequest) -> GhlResult:
    """Removes the given ones; unknown ones are no error."""
    contact = ask.contact()
    surplus = set(lowered(ask.body["tags"]))
    contact.tags = [tag for tag in contact.tags if tag not in surplus]
    touch(ask, contact)
    return GhlResult({"tags": list(contact.tags)}, 200, contact.id, True)


def tag_many(ask: GhlRequest) -> GhlResult:
    """Succeeds in part: each contact has its own answer."""
    kind = ask.ids["type"]
    if kind not in ("add", "remove"):
        raise GhlRefusal(400, "type must be one of the following values: add, remove")
    tags = lowered(ask.body["tags"])
    responses: list[dict[str, Any]] = []
    for contact_id in ask.body["contacts"]:
        contact = ask.place.contacts.get(contact_id)
        if contact is None:
            message = "contact id is not a valid firebase id"
            responses.append({"contactId": contact_id, "message": message, "type": "error"})
            continue
        old = list(contact.tags)
        if kind == "add":
            contact.tags = list(dict.fromkeys([*([] if ask.body.get("removeAllTags") else old), *tags]))
        else:
            contact.tags = [] if ask.body.get("removeAllTags") else [tag for tag in old if tag not in tags]
        ask.place.learn_tags(contact.tags)
        touch(ask, contact)
        responses.append(
            {
                "contactId": contact_id,
                "message": "Tags updated",
                "type": "success",
                "oldTags": old,
                "tagsAdded": [tag for tag in contact.tags if tag not in old],
                "tagsRemoved": [tag for tag in old if tag not in contact.tags],
            }
        )
    errors = sum(one["type"] == "error" for one in responses)
    return GhlResult(
        {"succeded": True, "errorCount": errors, "responses": responses}, 201, changed=errors < len(responses)
    )


def add_followers(ask: GhlRequest) -> GhlResult:
    """Adds to those that are there."""
    contact = ask.contact()
    added = [one for one in dict.fromkeys(ask.body["followers"]) if one not in contact.followers]
    contact.followers += added
    touch(ask, contact)
    return GhlResult({"followers": list(contact.followers), "followersAdded": added}, 201, contact.id, True)


def remove_followers(ask: GhlRequest) -> GhlResult:
    """Removes the given ones."""
    contact = ask.contact()
    removed = [one for one in contact.followers if one in ask.body["followers"]]
    contact.followers = [one for one in contact.followers if one not in removed]
    touch(ask, contact)
    return GhlResult({"followers": list(contact.followers), "followersRemoved": removed}, 200, contact.id, True)


def add_to_campaign(ask: GhlRequest) -> GhlResult:
    """Once is enough."""
    contact = ask.contact()
    contact.campaigns = list(dict.fromkeys([*contact.campaigns, ask.ids["campaignId"]]))
    return GhlResult(_SUCCEEDED, 201, contact.id, True)


def remove_from_campaign(ask: GhlRequest) -> GhlResult:
    """Also when it was in none."""
    contact = ask.contact()
    contact.campaigns = [one for one in contact.campaigns if one != ask.ids["campaignId"]]
    return GhlResult(_SUCCEEDED, 200, contact.id, True)


def remove_from_every_campaign(ask: GhlRequest) -> GhlResult:
    """All of them."""
    contact = ask.contact()
    contact.campaigns = []
    return GhlResult(_SUCCEEDED, 200, contact.id, True)


def add_to_workflow(ask: GhlRequest) -> GhlResult:
    """Each time anew. GHL's document says 200, the live API was measured to say 201; here the document is followed."""
    contact = ask.contact()
    contact.workflows.append(ask.ids["workflowId"])
    return GhlResult(_SUCCEEDED, 200, contact.id, True)


def remove_from_workflow(ask: GhlRequest) -> GhlResult:
    """All runs of it."""
    contact = ask.contact()
    contact.workflows = [one for one in contact.workflows if one != ask.ids["workflowId"]]
    return GhlResult(_SUCCEEDED, 200, contact.id, True)


def set_business(ask: GhlRequest) -> GhlResult:
    """Puts contacts into a business, or with null out of theirs. Unknown contacts are left out of the answer."""
    contacts = [ask.place.contacts[one] for one in ask.body["ids"] if one in ask.place.contacts]
    for contact in contacts:
        contact.fields["businessId"] = ask.body["businessId"]
        touch(ask, contact)
    return GhlResult({"success": True, "ids": [one.id for one in contacts]}, changed=bool(contacts))


RULES: Mapping[str, Rule] = {
    "add-tags": add_tags,
    "remove-tags": remove_tags,
    "create-association": tag_many,
    "add-followers-contact": add_followers,
    "remove-followers-contact": remove_followers,
    "add-contact-to-campaign": add_to_campaign,
    "remove-contact-from-campaign": remove_from_campaign,
    "remove-contact-from-every-campaign": remove_from_every_campaign,
    "add-contact-to-workflow": add_to_workflow,
    "delete-contact-from-workflow": remove_from_workflow,
    "add-remove-contact-from-business": set_business,
}
