"""Where Lofty's OpenAPI document is wrong or silent, and how we know. Each is needed: a test sees to it."""

from __future__ import annotations

from tests.contract.faults import Excuse

_ERROR = "errors were seen live as objects, with a code or with one inside the message; typed as strings"
_METADATA = "seen live by four parties as `_metadata`; the document says `get_metadata`"
_NULL = "seen live as null; the document knows no nullable property at all"
_NULLS = (
    "birthday",
    "buyingTimeFrame",
    "sellingTimeFrame",
    "customAttributes[].params",
    "facebook",
    "twitter",
    "fthb",
    "groups",
    "houseToSell",
    "leadFamilyMemberList",
    "leadInquiry.bathroomsMin",
    "leadInquiry.bathroomsMax",
    "leadInquiry.createTime",
    "leadInquiry.updateTime",
    "opportunity",
    "pondName",
    "preQual",
    "referredBy",
    "withBuyerAgent",
)

EXCUSES: tuple[Excuse, ...] = (
    # -- what we send -----------------------------------------------------------------------------------------
    Excuse(
        "list_2",
        "request",
        "query.limit",
        "undescribed",
        "without it a third party got a small page of notes only; what Lofty does not know it ignores",
    ),
    # -- what comes back --------------------------------------------------------------------------------------
    Excuse("*", "answer", "status.4??.body", "type", _ERROR),
    Excuse("*", "answer", "status.5??.body", "type", _ERROR),
    Excuse("*", "answer", "status.429", "undescribed", "the rate limit is described by the developer site only"),
    Excuse(
        "listTag",
        "answer",
        "status.400",
        "undescribed",
        "a key with the scheme Bearer was answered live with 400/200058, on any operation",
    ),
    Excuse("get", "answer", "status.200.body.lead", "undescribed", 'seen live: a lead comes as `{"lead": {…}}`'),
    Excuse("list_4", "answer", "status.200.body._metadata", "undescribed", _METADATA),
    Excuse("getMembers", "answer", "status.200.body._metadata", "undescribed", _METADATA),
    Excuse("listLeadPipeline", "answer", "status.200.body._metadata", "undescribed", _METADATA),
    Excuse("list_4", "answer", "status.200.body.leads[].leadType", "undescribed", "seen live beside `leadTypes`"),
    Excuse("list_4", "answer", "status.200.body.leads[].opportunity", "enum", _NULL),
    Excuse("listCustomField", "answer", "status.200.body[].params", "type", _NULL),
    *(Excuse("list_4", "answer", f"status.200.body.leads[].{name}", "type", _NULL) for name in _NULLS),
)
