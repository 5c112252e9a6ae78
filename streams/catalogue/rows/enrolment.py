"""Workflows and campaigns, companies and properties."""

from __future__ import annotations

from streams.catalogue.row import Section, allowed, client_only, refused

_ENROL = "Our client can do it; rules that enrol are not built yet."

ENROLMENT = Section(
    "Workflows and campaigns",
    (
        client_only("ghl", "action", "Add a contact to a workflow", "add-contact-to-workflow", reason=_ENROL),
        client_only("ghl", "action", "Remove a contact from a workflow", "delete-contact-from-workflow", reason=_ENROL),
        client_only("ghl", "action", "Add a contact to a campaign", "add-contact-to-campaign", reason=_ENROL),
        client_only("ghl", "action", "Remove a contact from a campaign", "remove-contact-from-campaign", reason=_ENROL),
        client_only(
            *("ghl", "action", "Remove a contact from every campaign", "remove-contact-from-every-campaign"),
            reason=_ENROL,
        ),
        allowed(
            *("ghl", "lookup", "List workflows", "GET /workflows/"),
            scopes="workflows.readonly",
            reason="Needed to choose one by its name, once rules can enrol.",
        ),
        allowed(
            *("ghl", "lookup", "List campaigns", "GET /campaigns/"),
            scopes="campaigns.readonly",
            reason="Needed to choose one by its name, once rules can enrol.",
        ),
        allowed(
            "ghl",
            "trigger",
            "A campaign of a contact starts, ends or is answered",
            on="CampaignStatusUpdate",
            reason="Not built yet.",
        ),
        refused("ghl", "action", "Add or change a workflow", "The interface can list workflows, and not change them."),
        refused(
            "ghl",
            "lookup",
            "List the contacts in a workflow",
            "The interface adds and removes, and does not list; our own record must say who was added.",
        ),
        refused("lofty", "action", "Add a lead to a Smart Plan", "Lofty's document has no operation for it."),
    ),
)

COMPANIES = Section(
    "Companies and properties",
    (
        client_only(
            "ghl",
            "action",
            "Put contacts into a company",
            "add-remove-contact-from-business",
            reason="Not built yet: Lofty's leads name no company.",
        ),
        client_only(
            "ghl",
            "lookup",
            "List the contacts of a company",
            "get-contacts-by-businessId",
            reason="Not built yet: Lofty's leads name no company.",
        ),
        allowed(
            *("ghl", "lookup", "Read companies", "GET /businesses/", "GET /businesses/{businessId}"),
            scopes="businesses.readonly",
            reason="Not built yet: Lofty's leads name no company.",
        ),
        allowed(
            *("ghl", "action", "Add, change and delete companies", "POST /businesses/", "PUT /businesses/{businessId}"),
            "DELETE /businesses/{businessId}",
            scopes="businesses.write",
            reason="Not built yet: Lofty's leads name no company.",
        ),
        allowed(
            *("lofty", "action", "Set the property of a lead", "POST /v1.0/leads/{leadId}/property"),
            reason="A property is read as fields of the contact, and not written.",
        ),
        allowed(
            *(
                "lofty",
                "lookup",
                "Search listings",
                "POST /v2.0/listings/search",
                "GET /v1.0/listing",
                "GET /v1.0/getPublishedListings",
            ),
            reason="Listings belong to no lead, and GoHighLevel has no place for them among contacts.",
        ),
        allowed(
            "lofty",
            "trigger",
            "A listing alert is sent",
            on="4 alertId",
            reason="It names no lead, so there is no contact to write on.",
        ),
    ),
)

SECTIONS = (ENROLMENT, COMPANIES)
