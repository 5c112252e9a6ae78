"""The family town: who its people are, in Lofty and in GHL before us. Pure; a seed decides.

Of its leads 15 % are couples with one telephone, 5 % share one e-mail, 10 % have a name and nothing else, and 3 % have a telephone
that GHL refuses. Others have a second e-mail or telephone, a second property, opt-outs, and a twin in GHL that was there before us.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

Kind = str
SHARES: tuple[tuple[Kind, float], ...] = (
    ("couple with one telephone", 0.15),
    ("one e-mail", 0.05),
    ("a name only", 0.10),
    ("a refused telephone", 0.03),
    ("a second telephone and e-mail", 0.10),
    ("a second address", 0.07),
    ("opted out", 0.04),
    ("in GHL by e-mail", 0.05),
    ("in GHL by telephone and name", 0.04),
    ("in GHL by telephone", 0.02),
    ("somebody else in GHL has the telephone", 0.02),
)
"""The part of the leads that is of each kind; the others have an e-mail, a telephone, or both."""

PAIRS = frozenset({"couple with one telephone", "one e-mail"})
TAGS = ("Buyer", "Seller", "Investor", "VIP")
FLAGS = ("cannotText", "cannotCall", "cannotEmail", "unsubscription")


@dataclass(slots=True)
class Team:
    """The people of one connection: leads as a seed of Lofty takes them, and contacts as one of GHL does."""

    leads: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)


def make_town(leads: int, teams: int, random: Random) -> list[Team]:
    """So many leads, spread over the teams."""
    made = [Team() for _ in range(teams)]
    numbers = iter(range(1, 10**9))
    for kind in _kinds(leads, random):
        team = random.randrange(teams)
        for person, contact in _people(kind, numbers, random):
            made[team].leads.append(person)
            made[team].contacts += [contact] if contact else []
    for number, team in enumerate(made):
        team.contacts += [{"firstName": "Olga", "email": f"olga{n}.{number}@example.org"} for n in range(leads // 20)]
    return made


def _kinds(leads: int, random: Random) -> list[Kind]:
    kinds: list[Kind] = []
    for kind, share in SHARES:
        kinds += [kind] * max(1, round(leads * share / (2 if kind in PAIRS else 1)))
    kinds += ["plain"] * max(0, leads - sum(2 if kind in PAIRS else 1 for kind in kinds))
    random.shuffle(kinds)
    return kinds


def _people(
    kind: Kind, numbers: Iterator[int], random: Random
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """One lead, or the two of a couple, each with the contact that GHL has before us."""
    number = next(numbers)
    person = _person(number, random)
    phone, email = phone_of(number), f"home{number}@example.com"
    e164 = f"+1{''.join(filter(str.isdigit, phone))}"
    names = {"firstName": person["firstName"], "lastName": person["lastName"]}
    match kind:
        case "couple with one telephone" | "one e-mail":
            other = _person(next(numbers), random)
            shared = {"phones": [phone]} if kind not in ("one e-mail",) else {"emails": [email]}
            if random.random() < 0.5:
                member = {"firstName": other["firstName"], "lastName": other["lastName"]}
                person["leadFamilyMemberList"] = [member] if kind == "couple with one telephone" else None
            yield {**person, **shared}, None
            yield {**other, **shared}, None
        case "a name only":
            yield {**person, "emails": [], "phones": []}, None
        case "a refused telephone":
            yield {**person, "phones": [f"(123) 555-{number % 10_000:04}"]}, None
        case "a second telephone and e-mail":
            emails = [*person["emails"], f"second{number}@example.com"]
            yield {**person, "emails": emails, "phones": [phone, phone_of(number, "531")]}, None
        case "a second address":
            homes = [{"id": n, "streetAddress": f"{number} {n} Lake Dr", "city": "Austin"} for n in (1, 2)]
            yield {**person, "leadPropertyList": homes, "streetAddress": f"{number} Main St", "city": "Tampa"}, None
        case "opted out":
            yield {**person, random.choice(FLAGS): True}, None
        case "in GHL by e-mail":
            yield {**person, "emails": [email]}, {"email": email, "firstName": f"Old{number}"}
        case "in GHL by telephone and name":
            yield {**person, "phones": [phone]}, {"phone": e164, **names}
        case "in GHL by telephone":
            yield {**person, "phones": [phone]}, {"phone": e164}
        case "somebody else in GHL has the telephone":
            yield {**person, "phones": [phone]}, {"phone": e164, "firstName": "Zoe", "lastName": f"Poe{number}"}
        case _:
            yield person, None


def phone_of(number: int, area: str = "530") -> str:
    """A telephone of its own for each number."""
    return f"({area}) {200 + number // 10_000}-{number % 10_000:04}"


def _person(number: int, random: Random) -> dict[str, Any]:
    """A lead with an e-mail; its last name contains the first version, and what tells it from all others."""
    name = f"Ann{number}"
    person: dict[str, Any] = {
        "firstName": name,
        "lastName": f"v000001 {name}",
        "emails": [f"ann{number}@example.com"],
        "phones": [phone_of(number, "532")] if random.random() < 0.3 else [],
        "tags": random.sample(TAGS, random.randrange(3)),
        "city": random.choice(("Austin", "Dallas")),
    }
    for kind, text, most in (("note", "content", 3), ("task", "content", 2), ("appointment", "descr", 2)):
        given: dict[str, Any] = {"type": "Call", "assignedRole": "Agent"} if kind == "task" else {}
        if kind == "appointment":
            given = {"deadline": 1_800_000_000_000 + number * 3_600_000}
        person[f"{kind}s"] = [{text: "v000001 of it", **given} for _ in range(random.randrange(most))]
    return person
