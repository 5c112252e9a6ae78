"""Why a record is parked, in words for an operator: a title, and what fixes it. A table of data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """`help` says what fixes it."""

    title: str
    help: str


_CONNECT = "Connect it again on the page Connections, or correct the key or token, then retry."
_UNKNOWN_FORM = (
    "We kept a copy. Usually it is safe to discard; if we should understand it, report it, and retry after an update."
)

_CAUSES: dict[tuple[str, str], tuple[str, str]] = {
    ("", "passed over"): (
        "The storage deleted it before it was read",
        "Its change is missing in GHL until the next full check finds it. Start an import of existing leads, then discard this.",
    ),
    ("", "too large"): (
        "It is too large",
        "Its size is below. Make it smaller where it comes from (usually a picture inside a note or task): it is then retried by itself. Otherwise discard it.",
    ),
    ("intake", ""): ("A delivery from Lofty with an unknown form", _UNKNOWN_FORM),
    ("ghl intake", ""): ("A webhook from GHL with an unknown form", _UNKNOWN_FORM),
    ("deliver", "refused"): (
        "GHL refuses it",
        "GHL's own words say why. Correct the value in Lofty: it is then retried by itself. Or change the mapping, and retry.",
    ),
    ("deliver", "duplicate"): (
        "GHL has another contact with the same e-mail or phone",
        "Merge the two contacts in GHL, or correct the e-mail or phone in Lofty. Then retry.",
    ),
    ("write back", "not findable"): (
        "A note that may be in Lofty already",
        "The lead has more notes than Lofty lists, so we cannot check. If the note is there, discard this; otherwise write it there by hand, and discard.",
    ),
    ("deliver", "not findable"): (
        "A contact that could not be found again",
        "It has neither e-mail nor phone, and the location lacks the custom field for the Lofty id. Let the worker create or read the field, then retry. If it was never sent, an e-mail in Lofty is enough; if its create is in doubt, the record's words say so.",
    ),
    ("deliver", "nameless"): (
        "A lead without name, e-mail and phone",
        "GHL takes no contact with none of the three, and a phone or e-mail that it refused does not count. Add one in Lofty: it is then retried by itself.",
    ),
    ("deliver", "contact deleted in GHL"): (
        "Its contact was deleted in GHL",
        "By the policy of this connection it is not created again. Retry to create it, or discard.",
    ),
    ("deliver", "location inactive"): (
        "The GHL location is not active",
        "Activate it in GHL (its subscription may have ended), then retry.",
    ),
    ("fetch", "not visible"): (
        "Lofty does not show the lead",
        "It is neither in Lofty's list nor in its trash: the owner of the API key may not see it, or it was merged into another lead. Use a Company Owner's key, then retry; discard what was merged.",
    ),
    ("fetch", "permission denied"): (
        "Lofty does not let us see it",
        "The lead belongs to an agent whom the API key does not cover. Use a Company Owner's key, then retry.",
    ),
    ("fetch", "refused"): ("Lofty refuses to be read", "Lofty's own words say why. Then retry."),
    ("write back", ""): ("Lofty refuses the change from GHL", "Lofty's own words say why. Fix it, then retry."),
    ("respond", "no contact"): (
        "An event of GHL without a contact",
        "GHL names no contact and finds none. Discard it, or retry later.",
    ),
    ("", "unknown connection"): (
        "It belongs to no connection",
        "The configuration has no such connection. Add it, then retry; otherwise discard.",
    ),
    ("", "not authorized"): ("The vendor does not accept our access", _CONNECT),
    ("", "forbidden"): (
        "The vendor forbids it for this record",
        "Other records are accepted. Check who may see the record there, and any firewall in between, then retry.",
    ),
    ("", "missing permission"): ("Our app may not do that", _CONNECT),
    ("", "wrong key"): ("The key is wrong", _CONNECT),
    ("", "connect again"): ("Access has ended", _CONNECT),
    ("", "unreadable"): ("A record that cannot be read", "We kept a copy. Retry after an update, or discard."),
    ("", "refused"): ("The vendor refuses it", "Its own words say why. Fix it, then retry."),
    ("", "unexplained 404"): (
        "An address was not found",
        "The answer does not say what is missing, so nothing was created or deleted. Check `base_url` and any proxy in between, then retry.",
    ),
    ("", "not found"): ("It does not exist any longer", "Retry to check again, or discard."),
}
"""By stage and reason. The first row that fits decides; an empty stage or reason fits any."""


def cause_of(stage: str, reason: str) -> Cause:
    """The cause of a stage and a reason; the reason itself where the table has none."""
    for (of_stage, of_reason), (title, help_text) in _CAUSES.items():
        if of_stage in ("", stage) and of_reason in ("", reason):
            return Cause(title, help_text)
    return Cause(f"{reason[:1].upper()}{reason[1:]}", "The vendor's own words say what is wrong. Fix it, then retry.")
