"""Why something is parked, for somebody who never read the source: a title, and what to do about it. A table of data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """`help` says what mends it."""

    title: str
    help: str


_AGAIN = "Then retry."
_ACCESS = "Connect it again on the page Connections, or mend the key or token, then retry."

# The first row that fits decides; an empty stage or reason fits any.
_CAUSES: tuple[tuple[str, str, Cause], ...] = (
    (
        "",
        "passed over",
        Cause(
            "Kafka deleted it before it was read",
            "What it told is missing in GHL until a sweep finds it. Order a backfill, then discard this.",
        ),
    ),
    (
        "",
        "too large",
        Cause(
            "It is too large",
            "Its size stands with it. Make it smaller where it comes from (a picture inside a note or task is the usual "
            "cause), and it is tried again by itself; else discard it.",
        ),
    ),
    (
        "intake",
        "",
        Cause(
            "A delivery from Lofty that is not understood",
            "Its bytes are kept. If it should be understood, report it with them, and retry after an update; else discard it.",
        ),
    ),
    (
        "ghl intake",
        "",
        Cause(
            "A webhook from GHL that is not understood",
            "Its bytes are kept. If it should be understood, report it with them, and retry after an update; else discard it.",
        ),
    ),
    (
        "deliver",
        "refused",
        Cause(
            "GHL refuses it",
            "GHL's own words say what is wrong. Correct the value in Lofty, and it is tried again by itself; or change the mapping, and retry.",
        ),
    ),
    (
        "deliver",
        "duplicate",
        Cause(
            "GHL holds another contact with these data",
            "Merge the two contacts in GHL, or correct the e-mail or phone in Lofty. " + _AGAIN,
        ),
    ),
    (
        "write back",
        "not findable",
        Cause(
            "A note that may be in Lofty already",
            "The lead has more notes than Lofty shows, so it cannot be looked for. Discard this if the note is there; else write it there by hand, and discard.",
        ),
    ),
    (
        "deliver",
        "not findable",
        Cause(
            "A contact that could not be found again",
            "It has neither e-mail nor phone, and the location lacks the custom field of the Lofty id. Let the field be created, or add an e-mail in Lofty. "
            + _AGAIN,
        ),
    ),
    (
        "deliver",
        "contact deleted in GHL",
        Cause(
            "Its contact was deleted in GHL",
            "By the policy of this connection it is left alone. Retry to make it again, or discard.",
        ),
    ),
    (
        "deliver",
        "location inactive",
        Cause("The GHL location is not active", "Activate it in GHL (its subscription may have ended), then retry."),
    ),
    (
        "fetch",
        "not found",
        Cause(
            "Lofty does not show the lead",
            "It is neither in its list nor in its trash: whoever the API key belongs to may not see it. Use a Company Owner's key, then retry.",
        ),
    ),
    (
        "fetch",
        "permission denied",
        Cause(
            "Lofty does not let us see it",
            "The lead belongs to somebody whom the API key does not cover. Use a Company Owner's key, then retry.",
        ),
    ),
    ("fetch", "unreadable", Cause("Lofty's answer is not understood", "Retry after an update, or discard.")),
    ("fetch", "refused", Cause("Lofty refuses to be read", "Lofty's own words say why. " + _AGAIN)),
    (
        "write back",
        "",
        Cause("Lofty refuses what GHL's event asks for", "Lofty's own words say why. Mend it, then retry."),
    ),
    (
        "respond",
        "no contact",
        Cause("An event of GHL without a contact", "GHL names no contact and finds none. Discard it, or retry later."),
    ),
    (
        "",
        "unknown connection",
        Cause(
            "It belongs to no connection", "The configuration has no such connection. Add it, then retry; else discard."
        ),
    ),
    ("", "not authorized", Cause("The vendor does not accept our access", _ACCESS)),
    (
        "",
        "forbidden",
        Cause(
            "The vendor forbids it for this record",
            "Others are served meanwhile. Look who may see the record there, and at any firewall on the way, then retry.",
        ),
    ),
    ("", "missing permission", Cause("Our app may not do that", _ACCESS)),
    ("", "wrong key", Cause("The key is wrong", _ACCESS)),
    ("", "connect again", Cause("Access has ended", _ACCESS)),
    ("", "unreadable", Cause("A record that cannot be read", "Its bytes are kept. Retry after an update, or discard.")),
    ("", "refused", Cause("The vendor refuses it", "Its own words say why. Mend it, then retry.")),
    (
        "",
        "unexplained 404",
        Cause(
            "An address was not found",
            "The answer does not say what is gone, so nothing was made anew, or deleted. Look at `base_url` and any proxy on "
            "the way, then retry.",
        ),
    ),
    ("", "not found", Cause("It is not there any more", "Retry to look again, or discard.")),
)


def cause_of(stage: str, reason: str) -> Cause:
    """The words for a stage and a reason; the reason itself where there are none."""
    for one_stage, one_reason, cause in _CAUSES:
        if one_stage in ("", stage) and one_reason in ("", reason):
            return cause
    return Cause(f"{reason[:1].upper()}{reason[1:]}", "The vendor's own words say what is wrong. Mend it, then retry.")
