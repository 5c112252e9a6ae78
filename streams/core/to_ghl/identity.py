"""Identity: whose contact is it? Decided before anything is written to a contact that GHL names as a duplicate.

| the contact in GHL | e-mail equal | telephone and name equal | telephone equal, nothing contradicts | telephone equal, another name or e-mail |
| --- | --- | --- | --- | --- |
| has this lead's Lofty id | own | own | own | own |
| is another living lead's | `shared_email` | shared | `shared_phone` | `shared_phone` |
| is no living lead's | own | own | own | `shared_phone` |

The policies say `same` or `apart`, and so does a person of one lead and one contact (`lofty-ghl conflicts`), which is above them. `same` makes the contact *shared* with a living lead, and *own* where there is none.
The rule is Lofty's own for duplicates (its help centre): an equal e-mail makes one person, else name and telephone together;
a telephone alone makes none, because couples have one. Whom a lead lists as its family is another person in any case.

*Own*: the contact becomes the lead's, and is written. *Shared*: it stays the other lead's and is never written for this one, but
this lead's notes, tasks and appointments hang on it. *Apart*: this lead gets a contact of its own, without the value in conflict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["own", "shared", "apart"]
Policy = Literal["same", "apart"]


@dataclass(frozen=True, slots=True)
class Person:
    """What tells one person from another, as it is compared: in lower case, blanks once. Empty: not known."""

    email: str = ""
    phone: str = ""
    name: str = ""
    lofty_id: str = ""
    family: frozenset[str] = field(default_factory=frozenset)
    """The names of the lead's family, as Lofty lists them."""


def person_of(fields: Mapping[str, Any], lofty_id: str, family: frozenset[str] = frozenset()) -> Person:
    """A person by the fields of a contact, in GHL's names."""
    names = f"{fields.get('firstName') or ''} {fields.get('lastName') or ''}"
    name = names if names.strip() else str(fields.get("name") or "")
    return Person(
        email=_plain(fields.get("email")),
        phone=_plain(fields.get("phone")),
        name=_plain(name),
        lofty_id=lofty_id,
        family=family,
    )


def family_of(state: Mapping[str, Any]) -> frozenset[str]:
    """The names in a lead's `leadFamilyMemberList`."""
    members = state.get("leadFamilyMemberList")
    listed = [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    names = (_plain(f"{one.get('firstName') or ''} {one.get('lastName') or ''}") for one in listed)
    return frozenset(name for name in names if name)


def has_in_common(mine: Person, found: Person) -> bool:
    """Whether there is anything by which a contact may be this person's: the Lofty id, the e-mail or the telephone."""
    pairs = ((mine.lofty_id, found.lofty_id), (mine.email, found.email), (mine.phone, found.phone))
    return any(one and one == other for one, other in pairs)


def judge(
    mine: Person,
    found: Person,
    *,
    is_living: bool,
    shared_email: Policy = "same",
    shared_phone: Policy = "apart",
    decided: Policy | None = None,
) -> Verdict:
    """Whose a contact is that GHL names as a duplicate. `found` is the contact, `is_living` whether it is another living lead's.

    `decided` is what a person said of the two: it is above all but the Lofty id.
    """
    if found.lofty_id and found.lofty_id == mine.lofty_id:
        return "own"
    same: Verdict = "shared" if is_living else "own"
    if decided is not None:
        return same if decided == "same" else "apart"
    if found.name and found.name != mine.name and found.name in mine.family:
        return "apart"
    if mine.email and mine.email == found.email:
        return "apart" if is_living and shared_email == "apart" else same
    if not mine.phone or mine.phone != found.phone:
        return "apart"  # GHL matched by something that we do not see: nothing says that it is the same person
    if mine.name and mine.name == found.name:
        return same
    contradicts = bool(mine.name and found.name) or bool(mine.email and found.email)
    if not is_living and not contradicts:
        return "own"
    return same if shared_phone == "same" else "apart"


def _plain(value: object) -> str:
    return " ".join(str(value or "").casefold().split())
