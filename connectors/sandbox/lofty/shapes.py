"""Lofty's objects as it answers them, whole, with what it writes where nothing is set: -1, 0, "N/A", "" and null."""

from __future__ import annotations

from typing import Any

from connectors.lofty.times import to_gmt, to_plain


def blank_lead(lead_id: int, team_id: int, at_ms: int) -> dict[str, Any]:
    """A lead of which nothing is known but that it exists."""
    at = to_gmt(at_ms)
    return {
        "leadId": lead_id,
        "leadUserId": lead_id + 1,
        "teamId": team_id,
        "firstName": "",
        "lastName": "",
        "birthday": None,
        "language": "en",
        "emails": [],
        "phones": [],
        "phoneStatuses": [],
        "leadTypes": [-1],
        "leadType": -1,
        "source": "",
        "leadSource": -1,
        "stage": "New Leads",
        "stageId": 0,
        "score": 0,
        "assignedUserId": 0,
        "assignedUser": "",
        "lenderUserId": 0,
        "pondId": 0,
        "pondName": None,
        "hiddenFlag": False,
        "ownershipScope": "TEAM",
        "ownershipId": team_id,
        "cannotText": False,
        "cannotCall": False,
        "cannotEmail": False,
        "unsubscription": False,
        "streetAddress": "",
        "city": "",
        "state": "",
        "zipCode": "",
        "createTime": at,
        "assignTime": at,
        "lastUpdateTime": at,
        "lastTouch": "",
        "lastVisit": "",
        "tags": [],
        "groups": None,
        "segments": [],
        "leadInquiry": blank_inquiry(),
        "leadPropertyList": [],
        "customAttributes": [],
        "customRoleList": [],
        "leadFamilyMemberList": None,
        "buyingTimeFrame": None,
        "sellingTimeFrame": None,
        "preQual": None,
        "fthb": None,
        "houseToSell": None,
        "mortgage": "N/A",
        "buyHouse": "N/A",
        "withBuyerAgent": None,
        "withListingAgent": "N/A",
        "opportunity": None,
        "referredBy": None,
        "facebook": None,
        "twitter": None,
        "assignCompletionStatus": True,
    }


def blank_inquiry() -> dict[str, Any]:
    """An inquiry that asks for nothing."""
    return {
        "id": 0,
        "priceMin": -1,
        "priceMax": -1,
        "bedroomsMin": -1,
        "bedroomsMax": -1,
        "bathroomsMin": None,
        "bathroomsMax": None,
        "propertyType": [],
        "locations": [],
        "modifyByAgent": False,
        "createTime": None,
        "updateTime": None,
    }


def blank_property(property_id: int) -> dict[str, Any]:
    """A property, or a mailing address, of which nothing is known."""
    texts = ("streetAddress", "city", "state", "zipCode", "county", "propertyType", "label", "listingId")
    numbers = ("price", "bedrooms", "squareFeet", "floors", "parkingSpace")
    return {
        "id": property_id,
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(numbers, -1),
        "bathrooms": -1.0,
        "lotSize": -1.0,
        "mailAddress": False,
        "listingStatus": "",
    }


def tag(tag_id: int, name: str, lead_id: int, creator_id: int, at_ms: int) -> dict[str, Any]:
    """A tag on a lead; with lead 0, the tag itself."""
    at = to_gmt(at_ms)
    return {
        "tagId": tag_id,
        "tagName": name,
        "leadId": lead_id,
        "creatorUserId": creator_id,
        "visibleType": 1,
        "createTime": at,
        "updateTime": at,
    }


def blank_note(note_id: int, timeline_id: int, lead_id: int, author: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """A note without content."""
    at = to_plain(at_ms)
    return {
        "id": timeline_id,
        "noteId": note_id,
        "creatorId": author["id"],
        "leadId": lead_id,
        "createTime": at,
        "lastUpdate": at,
        "deleteFlag": False,
        "content": "",
        "lastEditorId": author["id"],
        "creatorName": author["name"],
        "lastEditorName": author["name"],
        "isPin": False,
        "systemNote": False,
    }


def blank_task(task_id: int, lead: dict[str, Any], author: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """A task of a lead, as v2 shows it."""
    at = to_gmt(at_ms)
    return {
        "id": task_id,
        "leadId": lead["leadId"],
        "creatorId": author["id"],
        "content": "",
        "type": "Other",
        "startAt": "",
        "endAt": "",
        "timeZoneCode": "",
        "allDay": False,
        "finishFlag": False,
        "overdueFlag": False,
        "finishTime": "",
        "createTime": at,
        "lastUpdate": at,
        "assignedRole": "Agent",
        "assignedUser": author["name"],
        "assignedUserId": author["id"],
        "teamId": lead["teamId"],
        "leadUserId": lead["leadUserId"],
        "pipelineId": 0,
        "subject": "",
        "body": "",
        "address": "",
        "reminderType": 0,
        "queryId": 0,
        "queryInfo": "",
    }


def blank_appointment(appointment_id: int, lead_id: int, author: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """An appointment of a lead."""
    at = to_gmt(at_ms).replace("GMT", "Z")
    return {
        "id": appointment_id,
        "descr": "",
        "address": "",
        "createTime": at,
        "lastUpdate": at,
        "deadline": 0,
        "endTime": 0,
        "allDay": False,
        "finishFlag": False,
        "deleteFlag": False,
        "overdue": False,
        "finishTime": 0,
        "leadId": lead_id,
        "assignToUid": author["id"],
        "assignRoleType": 1,
        "creatorId": author["id"],
    }
