"""Leads for the tests of the mapping: one that is whole, and the oddest that JSON can say."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from streams.mapping.lead_fields import LEAD_FIELDS

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property-based tests on a machine that others use too: only the answer counts, not the time."""

_WHOLE: dict[str, Any] = {
    "leadId": 1146742878287627,
    "firstName": " Jane ",
    "lastName": "Smith",
    "birthday": "Sep 5, 1990",
    "language": "en",
    "emails": ["not an address", "Jane.Smith@Example.com"],
    "phones": ["call her", "(512) 555-0134"],
    "leadTypes": [2, -1],
    "source": "Website",
    "stage": "New Leads",
    "score": 42,
    "assignedUserId": 844510972070138,
    "assignedUser": "An Agent",
    "_agent": {"email": "Agent@Team.example", "name": "An Agent"},
    "pondId": 0,
    "pondName": None,
    "streetAddress": "9 Old Road",
    "city": "Dallas",
    "state": "TX",
    "zipCode": "75001",
    "createTime": "2026-04-30T17:33:32GMT",
    "lastTouch": "2026-05-02T08:00:00GMT",
    "tags": [{"tagId": 1, "tagName": "Buyer"}, {"tagId": 2, "tagName": "Open House"}],
    "segments": ["VIP", "Downtown"],
    "leadInquiry": {
        "priceMin": -1,
        "priceMax": 500000,
        "bedroomsMin": 3,
        "bathroomsMin": None,
        "propertyType": ["Condo", "Townhouse"],
        "locations": [{"city": "Austin"}, {"city": ""}, {"city": "Round Rock"}],
    },
    "leadPropertyList": [
        {"streetAddress": "1 First St", "city": "Austin", "state": "TX", "zipCode": "78701", "mailAddress": False},
        {"streetAddress": "2 Mail St", "city": "Waco", "state": "TX", "zipCode": "76701", "mailAddress": True},
    ],
    "customAttributes": [
        {"attributeName": "Pre-approval", "attributeType": "text", "value": "yes", "params": None},
        {"attributeName": "Extras", "attributeType": "multi_select", "value": '["Pool", "Garage"]', "params": None},
        {"attributeName": "Budget", "attributeType": "currency", "value": "$1,250.50", "params": None},
    ],
    "buyingTimeFrame": "3-6",
    "sellingTimeFrame": None,
    "preQual": "N/A",
    "referredBy": "",
}


def whole_lead(**changes: Any) -> dict[str, Any]:
    """A lead as Lofty sends it, with some of its values changed."""
    return {**copy.deepcopy(_WHOLE), **changes}


_KEYS = st.sampled_from(
    ["tagName", "city", "streetAddress", "zipCode", "email", "priceMin", "propertyType", "locations", "attributeName"]
) | st.text(max_size=5)
_TELLING = ["", "N/A", "-1", -1, 0, "2026-04-30T17:33:32GMT", "Sep 5, 1990", "+15125550134", "a@b.co", '["x"']

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**400)
    | st.floats()
    | st.text()
    | st.text(alphabet=st.characters(exclude_categories=()))
    | st.sampled_from(_TELLING),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=12,
)
odd_leads = st.dictionaries(st.sampled_from(sorted(LEAD_FIELDS)) | st.text(max_size=5), json_values, max_size=12)

_CHILD_FIELDS = """
    id noteId taskId content descr subject body address type creatorName createTime lastUpdate isPin deleteFlag
    endAt startAt endTime deadline finishFlag systemNote _agent
"""
odd_children = st.dictionaries(st.sampled_from(_CHILD_FIELDS.split()), json_values, max_size=10)
