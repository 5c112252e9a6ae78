"""The rules of tags, followers, campaigns, workflows and businesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.contacts import lowered
from connectors.sandbox.ghl.refusals import GhlRefusal
from connectors.sandbox.ghl.requests import GhlRequest, Rule, touch
from connectors.sandbox.shared.sandbox import RuleResult

_SUCCEEDED = {"succeded": True}


def add_tags(request: GhlRequest) -> RuleResult:
    """Adds to those that are there, in lower case."""
    contact = request.contact()
    contact.tags = list(dict.fromkeys([*contact.tags, *lowered(request.body["tags"])]))
    request.location.learn_tags(contact.tags)
    touch(request, contact)
    return RuleResult({"tags": list(contact.tags)}, 201, contact.id, True)


def remove_tags(request: GhlRequest) -> RuleResult:
    """Removes the given ones; unknown ones are no error."""
    contact = request.contact()
    surplus = set(lowered(request.body["tags"]))
    contact.tags = [tag for tag in contact.tags if tag not in surplus]
    touch(request, contact)
    return RuleResult({"tags": list(contact.tags)}, 200, contact.id, True)


def tag_many(request: GhlRequest) -> RuleResult:
    """Succeeds in part: each contact has its own answer."""
    kind = request.ids["type"]
    if kind not in ("add", "remove"):
        raise GhlRefusal(400, "type must be one of the following values: add, remove")
    tags = lowered(request.body["tags"])
    responses: list[dict[str, Any]] = []
    for contact_id in request.body["contacts"]:
        contact = request.location.contacts.get(contact_id)
        if contact is None:
            message = "contact id is not a valid firebase id"
            responses.append({"contactId": contact_id, "message": message, "type": "error"})
            continue
        old = list(contact.tags)
        if kind == "add":
            contact.tags = list(dict.fromkeys([*([] if request.body.get("removeAllTags") else old), *tags]))
        else:
            contact.tags = [] if request.body.get("removeAllTags") else [tag for tag in old if tag not in tags]
        request.location.learn_tags(contact.tags)
        touch(request, contact)
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
    return RuleResult(
        {"succeded": True, "errorCount": errors, "responses": responses}, 201, changed=errors < len(responses)
    )


def add_followers(request: GhlRequest) -> RuleResult:
    """Adds to those that are there."""
    contact = request.contact()
    added = [one for one in dict.fromkeys(request.body["followers"]) if one not in contact.followers]
    contact.followers += added
    touch(request, contact)
    return RuleResult({"followers": list(contact.followers), "followersAdded": added}, 201, contact.id, True)


def remove_followers(request: GhlRequest) -> RuleResult:
    """Removes the given ones."""
    contact = request.contact()
    removed = [one for one in contact.followers if one in request.body["followers"]]
    contact.followers = [one for one in contact.followers if one not in removed]
    touch(request, contact)
    return RuleResult({"followers": list(contact.followers), "followersRemoved": removed}, 200, contact.id, True)


def add_to_campaign(request: GhlRequest) -> RuleResult:
    """Once is enough."""
    contact = request.contact()
    contact.campaigns = list(dict.fromkeys([*contact.campaigns, request.ids["campaignId"]]))
    return RuleResult(_SUCCEEDED, 201, contact.id, True)


def remove_from_campaign(request: GhlRequest) -> RuleResult:
    """Also when it was in none."""
    contact = request.contact()
    contact.campaigns = [one for one in contact.campaigns if one != request.ids["campaignId"]]
    return RuleResult(_SUCCEEDED, 200, contact.id, True)


def remove_from_every_campaign(request: GhlRequest) -> RuleResult:
    """All of them."""
    contact = request.contact()
    contact.campaigns = []
    return RuleResult(_SUCCEEDED, 200, contact.id, True)


def add_to_workflow(request: GhlRequest) -> RuleResult:
    """Every call adds a run. GHL's document says 200, and third parties measured 201; this follows the document."""
    contact = request.contact()
    contact.workflows.append(request.ids["workflowId"])
    return RuleResult(_SUCCEEDED, 200, contact.id, True)


def remove_from_workflow(request: GhlRequest) -> RuleResult:
    """All runs of it."""
    contact = request.contact()
    contact.workflows = [one for one in contact.workflows if one != request.ids["workflowId"]]
    return RuleResult(_SUCCEEDED, 200, contact.id, True)


def set_business(request: GhlRequest) -> RuleResult:
    """Puts contacts into a business, or with null out of theirs. Unknown contacts are left out of the answer."""
    contacts = [request.location.contacts[one] for one in request.body["ids"] if one in request.location.contacts]
    for contact in contacts:
        contact.fields["businessId"] = request.body["businessId"]
        touch(request, contact)
    return RuleResult({"success": True, "ids": [one.id for one in contacts]}, changed=bool(contacts))


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
