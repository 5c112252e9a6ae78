"""What each operation takes, by Lofty's document: the type of every field and query parameter that it knows.

One table per DTO. What the document does not name is ignored in silence, as by Lofty; what it names is checked.
Written apart from the client and by hand on purpose: tests hold it against the document, and a mistake in one is found by the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.lofty.refusals import invalid

Check = Callable[[Any], Iterator[str]]
"""What is wrong with a value, each as the rest of a sentence behind the name of the field."""

INT32, INT64 = 2**31, 2**63


def _text(value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield " must be a string"


def _flag(value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield " must be a boolean"


def _number(value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield " must be a number"


def _whole(value: Any, least: int = -INT64, most: int = INT64 - 1) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield " must be an integer"
    elif not least <= value <= most:
        yield f" must be between {least} and {most}"


def _int32(value: Any) -> Iterator[str]:
    return _whole(value, -INT32, INT32 - 1)


def _between(least: int, most: int) -> Check:
    return lambda value: _whole(value, least, most)


def _one_of(*values: Any) -> Check:
    def check(value: Any) -> Iterator[str]:
        if isinstance(value, bool) or value not in values:
            yield f" must be one of {', '.join(map(str, values))}"

    return check


def _list_of(item: Check) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, list):
            yield " must be an array"
            return
        for place, one in enumerate(value):
            yield from (f"[{place}]{problem}" for problem in item(one))

    return check


@dataclass(frozen=True, slots=True)
class Shape:
    """An object of the document. A field that is not in it is ignored."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()

    def __call__(self, value: Any) -> Iterator[str]:
        """What is wrong with a value."""
        if not isinstance(value, dict):
            yield " must be an object"
            return
        yield from (f".{name} is required" for name in self.required if name not in value)
        for name, check in self.fields.items():
            if name in value:
                yield from (f".{name}{problem}" for problem in check(value[name]))


def _all(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.split(), check)


_LOCATION = Shape(_all(_text, "stateCode city zipCode county streetAddress description"))
_INQUIRY = Shape({
    **_all(_whole, "priceMin priceMax id leadUserId"),
    **_all(_int32, "bedroomsMin bedroomsMax"),
    **_all(_text, "bathroomsMin bathroomsMax createTime updateTime"),
    **_all(_flag, "modifyByAgent defaultValue"),
    "propertyType": _list_of(_text),
    "locations": _list_of(_LOCATION),
})  # fmt: skip
_PROPERTY = Shape({
    **_all(_whole, "price squareFeet parkingSpace id leadUserId autoListingId priceMax priceMin"),
    **_all(_int32, "bedrooms floors"),
    **_all(_number, "bathrooms lotSize"),
    **_all(_text, "state city streetAddress zipCode county propertyType listingId label note listingStatus labelList"),
    **_all(_text, "pictureUrl siteListingUrl labelType"),
    "mailAddress": _flag,
})  # fmt: skip
_ATTRIBUTE = Shape(_all(_text, "attributeName attributeType value params"), ("attributeName", "attributeType", "value"))
_RELATIVE = Shape(
    {**_all(_text, "relationship firstName lastName birthday"), **_all(_list_of(_text), "phones emails")},
    ("firstName",),
)
_PAID = _one_of("TEAM", "AGENT", "VENDOR_PARTNER", "LEAD", "OTHER", "BROKERAGE", "UPLINE")
_SPLIT = _list_of(Shape({
    **_all(_whole, "id splitPayTo payTo value"),
    **_all(_text, "splitPayToName payToName desc"),
    **_all(_PAID, "splitPayType payType"),
    "calculateType": _one_of("PERCENT", "AMOUNT"),
}))  # fmt: skip
_TRANSACTION = Shape(
    {
        **_all(_whole, "created updated transactionId assignedAgent expectedCloseDate closeDate appointmentDate"),
        **_all(
            _whole, "agreementSignedDate offerDate contractDate appraisalDate homeInspectionDate escrowDate expiration"
        ),
        **_all(_text, "transactionName leadName transactionStatus"),
        **_all(_number, "homePrice commissionRate gci teamRevenue agentRevenue"),
        "transactionType": _one_of("Purchase", "Listing", "Lease", "Other"),
        "customFields": _list_of(Shape({"id": _whole, "value": _text})),
        "commissions": Shape(_all(_SPLIT, "preSplit split postSplit")),
    },
    ("transactionName",),
)
_ANY_LEAD: dict[str, Check] = {
    **_all(_flag, "cannotText cannotCall cannotEmail unsubscription"),
    **_all(
        _text, "firstName lastName streetAddress city state zipCode referredBy stage source birthday buyingTimeFrame"
    ),
    **_all(
        _text, "preQual houseToSell fthb withBuyerAgent sellingTimeFrame mortgage buyHouse withListingAgent language"
    ),
    **_all(_list_of(_text), "emails phones groups segments tags tagsAdd"),
    **_all(_whole, "assignedUserId ownershipId"),
    "ownershipScope": _text,
    "leadTypes": _list_of(_int32),
    "inquiry": _INQUIRY,
    "property": _PROPERTY,
    "customAttributeList": _list_of(_ATTRIBUTE),
    "leadTransaction": _TRANSACTION,
    "leadFamilyMemberList": _list_of(_RELATIVE),
}
_NEW_LEAD = Shape(
    {
        **_ANY_LEAD,
        **_all(_flag, "welcomeEmail leadAlert leadRouting isPin defaultInquiryParam specifiedAssignGroupId"),
        "assignGroupId": _whole,
        "content": _text,
    },
    ("firstName",),
)
_LEAD = Shape({**_ANY_LEAD, **_all(_flag, "isHidden clearAllTags"), "tagsRemove": _list_of(_text)})
_NOTE = Shape({"content": _text, "leadId": _whole, "isPin": _flag}, ("content", "leadId", "isPin"))
_TASK: dict[str, Check] = _all(_text, "content startAt endAt timeZoneCode address")
_NEW_TASK = Shape({**_TASK, **_all(_text, "type assignedRole"), "leadId": _whole}, ("type",))
_SUBSCRIPTION = Shape({"limit": _between(1, 5000), "permissionMode": _one_of(0, 1)})
"""`listId` and `callbackUrl` are refused in words of their own (`rules.py`)."""

BODIES: Mapping[str, Shape] = {
    "create-lead": _NEW_LEAD,
    "update-lead": _LEAD,
    "create-note": _NOTE,
    "update-note": _NOTE,
    "create-task": _NEW_TASK,
    "update-task": Shape(_TASK),
    "create-transaction": _TRANSACTION,
    "update-transaction": _TRANSACTION,
    "create-subscription": _SUBSCRIPTION,
}


@dataclass(frozen=True, slots=True)
class Query:
    """The query parameters of an operation that are no text: flags and numbers, each with its least value."""

    flags: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


_LEAST_LEAD: Mapping[str, int] = {"leadId": 1}
QUERIES: Mapping[str, Query] = {
    "list-leads": Query(
        ("contacted", "querySubGroup", "desc", "preciseSearchFlag"),
        dict.fromkeys(("assignedUserId", "groupIds", "offset", "limit"), -INT64),
    ),
    "get-lead": Query(("withTrash",)),
    "list-notes": Query(("includeSystemNote",), _LEAST_LEAD),
    "list-tasks": Query((), _LEAST_LEAD),
    "list-tasks-v1": Query((), _LEAST_LEAD),
    "list-appointments": Query((), _LEAST_LEAD),
    "list-transactions": Query((), {"pageSize": 1, "pageNum": 0, "leadId": 1}),
    "list-lead-pipelines": Query((), {"currPage": 0, "pageSize": 1}),
    "list-members": Query((), {"groupIds": -INT64, "offset": 0, "limit": 1}),
}


def demand(operation: str, query: Mapping[str, str], body: Any) -> None:
    """Raises Lofty's 400 for what is not of the document's types."""
    asked = QUERIES.get(operation, Query())
    problems = [
        f"{name} must be true or false" for name in asked.flags if query.get(name, "true") not in ("true", "false")
    ]
    problems += [
        f"{name} must be a number of {least} or more"
        for name, least in asked.numbers.items()
        if name in query and not _is_number(query[name], least)
    ]
    shape = BODIES.get(operation)
    if shape is not None:
        problems += [problem.removeprefix(".").strip() for problem in shape(body)]
    if problems:
        raise invalid("; ".join(problems))


def _is_number(text: str, least: int) -> bool:
    digits = text.removeprefix("-")
    return text.isascii() and digits.isdigit() and len(digits) <= 19 and least <= int(text) < INT64
