"""Opt-outs: the channels by which a person wants to hear nothing, as each vendor says it, and what must be written where. Pure.

Lofty has four flags, GHL has `dnd` and a status for each channel (`dndSettings`). Each side's closed channels are closed on the
other, never opened: no function here gives a `false`, an `inactive` or a `permanent`. A flag that is null, absent or no
boolean says nothing.

A person who lifts an opt-out must lift it on both sides: lifting fires nothing here, so there is time until the next search
for opt-outs, which closes again what is closed on one side only.

**`dnd` is GHL's switch for all channels**, beside the status of each: it closes them all, also where each is `inactive`. GHL's search
calls contacts with it those that have "DND-All" set, and its webhooks show `dnd: true` beside channels that are all inactive
(highlevel-api-docs 279 and 264). A channel may also be read under the names of GHL's version 3 (`sms`, `whatsApp`).

Facts: `PUT /v1.0/leads/{id}` takes the four flags; GHL's `PUT /contacts/{id}` replaces `dndSettings` as a whole, and refuses
to change what is *permanent* (the contact wrote STOP), so a contact is read before its channels are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Channel = Literal["Call", "Email", "SMS"]

CHANNELS: tuple[Channel, ...] = ("Call", "Email", "SMS")
"""The channels that both vendors know, by GHL's names."""

OPT_OUTS = "dndSettings"
"""The name of a contact's opt-outs among the fields of its link. The link holds `mark` there, not a hash."""

_FLAGS: Mapping[str, Channel] = {
    "cannotText": "SMS",
    "cannotCall": "Call",
    "cannotEmail": "Email",
    "unsubscription": "Email",
}
"""Lofty's flags, and the channel that each closes."""

_TO_LOFTY: Mapping[str, str] = {"SMS": "cannotText", "Call": "cannotCall", "Email": "cannotEmail"}
"""The flag by which a channel is closed in Lofty."""

LOFTY_FLAGS = frozenset(_TO_LOFTY.values())
"""The fields of a lead that we set, to true only."""

_WRITABLE = (*CHANNELS, "WhatsApp", "GMB", "FB")
"""The channels that a write of `dndSettings` takes, by GHL's document."""

_BY_FOLDED = {name.lower(): name for name in _WRITABLE}

_CLOSED = ("active", "permanent")
_NONE = "none"
_SEPARATOR = " "

Channels = frozenset[str]


def closed_in_lofty(lead: Mapping[str, Any]) -> Channels:
    """The channels that a lead has closed, by Lofty's own JSON."""
    return frozenset(channel for flag, channel in _FLAGS.items() if lead.get(flag) is True)


def closed_in_ghl(contact: Mapping[str, Any]) -> Channels:
    """The channels that a contact has closed, by GHL's JSON of a contact or of a webhook.

    Only `true` is `dnd`, and only `active` and `permanent` close a channel: every other value says nothing.
    """
    if contact.get("dnd") is True:
        return frozenset(CHANNELS)
    held = _settings(contact)
    return frozenset(channel for channel in CHANNELS if _status(held, channel) in _CLOSED)


def to_close_in_ghl(wanted: Iterable[str], contact: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `dndSettings` that close these channels beside all that the contact has closed; None when they are closed already.

    What is permanent is left out: GHL keeps it, and refuses writes of it. So is what is open.
    """
    missing = sorted({*wanted} - closed_in_ghl(contact))
    if not missing:
        return None
    held = _settings(contact)
    kept = {name: _entry(held[name]) for name in _WRITABLE if _status(held, name) == "active"}
    return kept | closing(missing)


def closing(channels: Iterable[str]) -> dict[str, Any]:
    """The `dndSettings` of a new contact with these channels closed."""
    return {channel: {"status": "active", "message": "Opted out in Lofty", "code": ""} for channel in sorted(channels)}


def flags_of(channels: Iterable[str]) -> dict[str, bool]:
    """Lofty's flags that close these channels."""
    return {_TO_LOFTY[channel]: True for channel in sorted(channels)}


def flags_to_set(wanted: Mapping[str, Any], lead: Mapping[str, Any]) -> dict[str, bool]:
    """Those of the wanted flags that a lead lacks: its channel is closed by none of its flags."""
    closed = closed_in_lofty(lead)
    return {flag: True for flag, value in wanted.items() if value is True and _FLAGS[flag] not in closed}


def mark(channels: Iterable[str]) -> str:
    """What a link reads when the opt-outs of Lofty were carried: its closed channels, in words."""
    return _SEPARATOR.join(sorted(channels)) or _NONE


def carried(fields: Mapping[str, str]) -> Channels:
    """The channels that Lofty has closed, by what a link reads. Empty also where it is not known."""
    known = fields.get(OPT_OUTS, "")
    return frozenset(known.split(_SEPARATOR)) & frozenset(CHANNELS)


def is_due(lead: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """Whether what a lead has closed must be carried to GHL, or compared with it again."""
    return is_due_for(closed_in_lofty(lead), fields)


def is_due_for(wanted: Channels, fields: Mapping[str, str]) -> bool:
    """The same, for the channels that a lead has closed."""
    return bool(wanted or OPT_OUTS in fields) and fields.get(OPT_OUTS) != mark(wanted)


def _entry(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: held[name] for name in ("status", "message", "code") if isinstance(held.get(name), str)}


def _settings(contact: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings by the names under which they are written; what is no channel of these is left out."""
    held = contact.get("dndSettings")
    if not isinstance(held, Mapping):
        return {}
    return {_BY_FOLDED[name.lower()]: one for name, one in held.items() if name.lower() in _BY_FOLDED}


def _status(held: Mapping[str, Any], channel: str) -> Any:
    one = held.get(channel)
    return one.get("status") if isinstance(one, Mapping) else None
