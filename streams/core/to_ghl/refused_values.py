"""A value that GHL refuses, or that another contact has, costs that value only: the contact is written without it.

A link remembers the hash of each such value (`LinkRow.refused`, `LinkRow.conflicts`). A value with that hash is held back, and the
next one is sent. A telephone or e-mail that is held back is kept in a custom field of its own (`KEPT_IN`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.errors import VendorError
from streams.core.fingerprint import field_hash
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import CUSTOM, Call
from streams.mapping.opt_outs import OPT_OUTS
from streams.messages import Conflict

_STATUSES = (400, 422)
_NAMED = {
    "phone": re.compile(r"\bphone\b|\bcalling code\b", re.IGNORECASE),
    "email": re.compile(r"\be-?mail\b", re.IGNORECASE),
}
"""How GHL names a value otherwise than by its field: telephones are refused in the words of libphonenumber."""


KEPT_IN = {"phone": "Lofty phone", "email": "Lofty email"}
"""The custom field that shows an identifier which the contact cannot have."""


def refused_values(call: Call, answer: VendorError | None) -> dict[str, str]:
    """The values of a contact's body that a refusal names, by field, with their hashes. Empty: the whole contact is refused.

    GHL's validator begins each of its messages with the name of the field.
    """
    if call.step not in ("create contact", "update contact") or answer is None or answer.status not in _STATUSES:
        return {}
    sent = {name: hash_ for name, hash_ in (call.fields or {}).items() if call.body.get(name) and name != OPT_OUTS}
    return {name: hash_ for name, hash_ in sent.items() if any(_names(name, words) for words in answer.messages)}


def may_stand(call: Call, status: int | None, external_id_field: str | None) -> bool:
    """Whether a contact may have been made though GHL refused its create: it has been seen to do so with a 422.

    Only where it can be looked for by its Lofty id; an e-mail that GHL does not take cannot be searched for either.
    """
    is_findable = external_id_field is not None and CUSTOM + external_id_field in (call.fields or {})
    return call.step == "create contact" and status == 422 and is_findable


def held_back(fields: Mapping[str, object], link: LinkRow | None) -> frozenset[str]:
    """The fields whose present value GHL has refused, or another contact has."""
    if link is None:
        return frozenset()
    # A field may have both: a telephone that another contact had, and the next one, which GHL refused.
    held = {*link.refused.items(), *((name, one.hash) for name, one in link.conflicts.items())}
    return frozenset(name for name, hash_ in held if name in fields and field_hash(fields[name]) == hash_)


def conflicts_of(fields: Mapping[str, object], link: LinkRow | None) -> dict[str, Conflict]:
    """The conflicts that are about the present values."""
    conflicts = link.conflicts if link is not None else {}
    return {name: one for name, one in conflicts.items() if name in fields and field_hash(fields[name]) == one.hash}


def refusal_flags(fields: Mapping[str, object], link: LinkRow | None) -> tuple[str, ...]:
    """What of an entity is not in GHL because GHL refused it or another contact has it, in words."""
    conflicts = conflicts_of(fields, link)
    return tuple(
        _in_conflict(name, conflicts[name]) if name in conflicts else refusal_words(name)
        for name in sorted(held_back(fields, link))
    )


def _in_conflict(name: str, conflict: Conflict) -> str:
    whose = f"that of {conflict.lead}" if conflict.lead else "no lead's"
    return f"{name}: left out, because GHL contact {conflict.contact_id} has it, {whose}: see `lofty-ghl conflicts`"


def refusal_words(name: str) -> str:
    """What is said of a field whose value GHL refused or dropped."""
    return f"{name}: GHL refuses this value; it is sent again once it changes"


def _names(field: str, words: str) -> bool:
    pattern = _NAMED.get(field)
    return words.split(maxsplit=1)[:1] == [field] or (pattern is not None and pattern.search(words) is not None)
