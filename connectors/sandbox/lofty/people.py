"""Leads for demos and benchmarks: many, lifelike, the same for the same seed, and nobody's.

E-mails are at example.com, .org and .net; phones are of the range 555-0100 to 555-0199, which no one is given.
No two leads share an e-mail or a phone: an upsert would make one contact of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from connectors.lofty.times import to_birthday, to_iso

_FIRST = """
Ada Alma Amos Ana Arlo Bea Carl Cleo Cora Dale Dina Earl Edda Elio Emma Ezra Faye Finn Gail Gus Hana Hugo Ida Ines Ivan
Jade Joel Juno Kai Kira Lars Lena Leo Lola Luca Mae Maya Milo Mona Nell Nico Noor Olga Omar Opal Otto Paz Pia Quinn Rafa
Remy Rhea Rosa Rui Saul Sena Sol Tara Theo Tova Uma Vera Vito Wren Xena Yara Yves Zara Zeno
""".split()  # noqa: SIM905  # as a list, every word would have a line of its own
_LAST = """
Alder Ashdown Bayfield Birchwood Brookside Cedarhill Clearwater Cobble Copperfield Dalewood Driftwood Eastlake Elmhurst
Fairmeadow Fernley Foxglove Glenbrook Goldcrest Greystone Hawthorn Hazelton Heathrow Hillcrest Ironwood Juniper Kestrel
Lakewood Larkspur Longmeadow Maplewood Marshfield Millbrook Moorland Nightingale Northgate Oakhurst Orchard Pinecrest
Quarry Ravenwood Redfern Ridgeway Rivermouth Rosedale Saltmarsh Silverlake Southwell Springfield Stonebridge Summerlin
Thistledown Underhill Valebrook Waterstone Westbrook Whitecliff Willowby Winterbourne Woodmere Yarrow
""".split()  # noqa: SIM905  # as above
_AREAS = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 225 228 229 231 234 239 240 248 251 252 253 254 256
260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334
336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 425 432 434 435 440
443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 559 561 562 563 567
""".split()  # noqa: SIM905  # as above
_PHONE_FORMS = ("{0}{1}{2}", "({0}) {1}-{2}", "{0}-{1}-{2}", "+1 {0} {1} {2}", "{0}.{1}.{2}")
_TOWNS = (
    ("Austin", "TX", "787"),
    ("Dallas", "TX", "752"),
    ("Denver", "CO", "802"),
    ("Phoenix", "AZ", "850"),
    ("Raleigh", "NC", "276"),
    ("Tampa", "FL", "336"),
    ("Portland", "OR", "972"),
    ("Columbus", "OH", "432"),
)
_STREETS = ("Main St", "Oak Ave", "Lake Dr", "Hill Rd", "Sunset Blvd", "Mill Ln", "Park Ct", "River Way")
STAGES = ("New Leads", "Contacted", "Hot", "Nurture", "Showing", "Offer", "Under Contract", "Closed", "Archived")
SOURCES = ("Website", "Open House", "Referral", "Search Ad", "Social", "Portal", "Sign Call")
TAGS = ("Buyer", "Seller", "Investor", "First Time", "Relocation", "Open House", "Luxury", "Cash", "VIP", "Past Client")
_PROPERTY_TYPES = ("Single Family Home", "Condo", "Townhouse", "Multi-Family")
_NOTES = (
    "Wants a quiet street and a garden.",
    "Pre-approved, waits for the right house.\nCall before noon.",
    "Asked about schools; sent the list.",
    "Left a voicemail, will try again on Monday.",
    "Prefers texts. Budget may grow by 10 %.",
    "Saw three homes today & liked the second best.",
)
_TASKS = (
    ("Call", "Call back"),
    ("Email", "Send the market report"),
    ("Text", "Confirm the showing"),
    ("Other", "Card"),
)
_AGENTS = ("Robin Fieldstone", "Sam Overbrook", "Alex Tidewater", "Jamie Northwood")
_DAY_MS = 86_400_000
_TODAY_MS = 1_772_323_200_000
"""2026-03-01: what a seed makes must not change with the day it runs."""

AnyOne = TypeVar("AnyOne")


def make_team() -> dict[str, Any]:
    """The members, custom fields, stages and tags that the leads name: as much of a `POST /_sandbox/seed`."""
    members = []
    for name in _AGENTS:
        first, last = name.split()
        email = f"{first}.{last}@example.com".lower()
        members.append({"firstName": first, "lastName": last, "email": email, "roleName": "Agent", "isAdmin": False})
    fields = [
        {"attributeName": "Pre-approval", "attributeType": "single_select", "params": json.dumps(["Yes", "No"])},
        {"attributeName": "Must have", "attributeType": "multi_select", "params": json.dumps(_WISHES)},
        {"attributeName": "Down payment", "attributeType": "currency"},
        {"attributeName": "Move-in date", "attributeType": "date"},
        {"attributeName": "Pets", "attributeType": "number"},
    ]
    return {"members": members, "customFields": fields, "stages": list(STAGES), "tags": list(TAGS)}


_WISHES = ["Garage", "Pool", "Garden", "Office", "Basement"]


def make_leads(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Leads with `notes` and `tasks`, in the fields of a write: for `POST /_sandbox/seed`.

    About one in ten has no phone, and one in twenty no e-mail; each has one of both. After some ten thousand leads the
    range of phones is used up, and the others have an e-mail only.
    """
    random = Random(seed)
    phones = [(area, "555", f"01{last:02d}") for area in _AREAS for last in range(100)]
    random.shuffle(phones)
    return [_lead(random, number, phones[number] if number < len(phones) else None) for number in range(count)]


def _lead(random: Random, number: int, phone: Sequence[str] | None) -> dict[str, Any]:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    has_phone = phone is not None and random.random() < 0.9
    has_email = not has_phone or random.random() < 0.95
    host = random.choice(("example.com", "example.org", "example.net"))
    agent = random.randrange(len(_AGENTS) + 1)
    lead: dict[str, Any] = {
        "firstName": first,
        "lastName": last,
        "emails": [f"{first}.{last}{number}@{host}".lower()] if has_email else [],
        "phones": [random.choice(_PHONE_FORMS).format(*phone)] if has_phone and phone else [],
        "leadTypes": random.choice(([2], [1], [2, 1], [5], [6], [-1])),
        "source": random.choice(SOURCES),
        "stage": random.choice(STAGES),
        "score": random.randrange(101),
        "tags": _some(random, TAGS, 3),
        "segments": _some(random, ("Downtown", "Suburbs", "Waterfront"), 1),
        "language": random.choice(("en", "en", "en", "es")),
        "notes": [{"content": text} for text in _some(random, _NOTES, 2)],
        "tasks": [_task(random) for _ in range(random.randrange(3))],
    }
    if agent < len(_AGENTS):
        lead |= {"assignedUser": _AGENTS[agent], "assignedUserId": 844_510_972_070_200 + agent}
    if random.random() < 0.3:
        lead["birthday"] = to_birthday(_TODAY_MS - random.randrange(20 * 365, 80 * 365) * _DAY_MS)
    if random.random() < 0.7:
        lead["inquiry"] = _inquiry(random)
    if random.random() < 0.6:
        lead["property"] = _property(random)
    if random.random() < 0.6:
        lead["customAttributeList"] = _attributes(random)
    if random.random() < 0.3:
        lead["buyingTimeFrame"] = random.choice(("0-3", "3-6", "6-12", "12+"))
    return lead


def _inquiry(random: Random) -> dict[str, Any]:
    city, state, _ = random.choice(_TOWNS)
    least = random.randrange(15, 60) * 10_000
    return {
        "priceMin": least,
        "priceMax": least + random.randrange(5, 30) * 10_000,
        "bedroomsMin": random.randrange(1, 6),
        "bathroomsMin": str(random.randrange(1, 4)),
        "propertyType": _some(random, _PROPERTY_TYPES, 2),
        "locations": [{"city": city, "stateCode": state}],
    }


def _property(random: Random) -> dict[str, Any]:
    city, state, zip_start = random.choice(_TOWNS)
    return {
        "streetAddress": f"{random.randrange(1, 9999)} {random.choice(_STREETS)}",
        "city": city,
        "state": state,
        "zipCode": f"{zip_start}{random.randrange(1, 60):02d}",
        "propertyType": random.choice(_PROPERTY_TYPES),
        "bedrooms": random.randrange(1, 6),
        "price": random.randrange(20, 120) * 10_000,
        "mailAddress": random.random() < 0.5,
    }


def _attributes(random: Random) -> list[dict[str, Any]]:
    found = [
        {"attributeName": "Pre-approval", "attributeType": "single_select", "value": random.choice(("Yes", "No"))},
        {
            "attributeName": "Must have",
            "attributeType": "multi_select",
            "value": json.dumps(_some(random, _WISHES, 3)),
        },
        {"attributeName": "Down payment", "attributeType": "currency", "value": str(random.randrange(5, 200) * 1000)},
        {"attributeName": "Move-in date", "attributeType": "date", "value": to_iso(_later(random))[:10]},
        {"attributeName": "Pets", "attributeType": "number", "value": str(random.randrange(4))},
    ]
    return _some(random, found, 3)


def _task(random: Random) -> dict[str, Any]:
    kind, content = random.choice(_TASKS)
    return {
        "type": kind,
        "content": content,
        "endAt": to_iso(_later(random)),
        "assignedRole": "Agent",
        "finishFlag": random.random() < 0.2,
    }


def _later(random: Random) -> int:
    return _TODAY_MS + random.randrange(1, 180 * 24) * 3_600_000


def _some(random: Random, given: Sequence[AnyOne], most: int) -> list[AnyOne]:
    return random.sample(given, random.randrange(most + 1))
