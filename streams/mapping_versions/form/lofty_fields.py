"""The fields of a Lofty lead as a person chooses them: an expression and its name in plain words.

The names are those of `LeadResponse`, `LeadInquiry` and `LeadProperty` in Lofty's OpenAPI document; ids and flags that only
programs use are left out. Custom attributes are not here: each team has its own.
"""

from __future__ import annotations

from typing import Any

LOFTY_FIELDS: dict[str, str] = {
    "firstName": "First name",
    "lastName": "Last name",
    "emails": "E-mail addresses",
    "phones": "Telephone numbers",
    "birthday": "Birthday",
    "language": "Language",
    "_address.streetAddress": "Address: street",
    "_address.city": "Address: city",
    "_address.state": "Address: state",
    "_address.zipCode": "Address: ZIP code",
    "_address.county": "Address: county",
    "stage": "Stage",
    "leadTypes": "Lead types",
    "source": "Source",
    "leadSource": "Lead source",
    "score": "Score",
    "opportunity": "Opportunity",
    "segments": "Segments",
    "groups": "Groups",
    "tags[].tagName": "Tags",
    "assignedUser": "Agent: name",
    "_agent.email": "Agent: e-mail",
    "pondName": "Pond",
    "referredBy": "Referred by",
    "createTime": "Created",
    "assignTime": "Assigned",
    "lastTouch": "Last touch",
    "lastVisit": "Last visit",
    "lastUpdateTime": "Last update",
    "leadInquiry.priceMin": "Inquiry: lowest price",
    "leadInquiry.priceMax": "Inquiry: highest price",
    "leadInquiry.bedroomsMin": "Inquiry: bedrooms from",
    "leadInquiry.bedroomsMax": "Inquiry: bedrooms to",
    "leadInquiry.bathroomsMin": "Inquiry: bathrooms from",
    "leadInquiry.bathroomsMax": "Inquiry: bathrooms to",
    "leadInquiry.propertyType": "Inquiry: property types",
    "leadInquiry.locations[].city": "Inquiry: cities",
    "leadPropertyList[0].streetAddress": "First property: street",
    "leadPropertyList[0].city": "First property: city",
    "leadPropertyList[0].zipCode": "First property: ZIP code",
    "leadPropertyList[0].price": "First property: price",
    "leadPropertyList[0].propertyType": "First property: type",
    "buyingTimeFrame": "Buying time frame",
    "sellingTimeFrame": "Selling time frame",
    "preQual": "Pre-qualified",
    "fthb": "First-time buyer",
    "houseToSell": "House to sell",
    "buyHouse": "Buys a house",
    "withBuyerAgent": "Works with a buyer agent",
    "withListingAgent": "Works with a listing agent",
    "mortgage": "Mortgage",
    "cannotText": "No texts",
    "cannotCall": "No calls",
    "cannotEmail": "No e-mails",
    "unsubscription": "Unsubscribed",
    "facebook": "Facebook",
    "twitter": "Twitter",
    "streetAddress": "Lead's own address: street",
    "city": "Lead's own address: city",
    "state": "Lead's own address: state",
    "zipCode": "Lead's own address: ZIP code",
    "leadId": "Lead id",
    "teamId": "Team id",
}
"""Expression → name, in the order in which lists show them."""


def attribute_names(leads: list[dict[str, Any]]) -> list[str]:
    """The names of the custom attributes that some leads have, sorted."""
    return sorted(
        {
            name
            for lead in leads
            for one in lead.get("customAttributes") or ()
            if isinstance(one, dict) and isinstance(name := one.get("attributeName"), str) and name
        }
    )
