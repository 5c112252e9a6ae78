"""Entities and places in words: `acme:600123:note:881` is `note 881` to whoever looks at lead 600123."""

from __future__ import annotations

from streams.console.pages.render import href, part


def about(key: str) -> str:
    """What an entity's key is about, within its lead: `contact`, `note 881`."""
    parts = key.split(":")
    if len(parts) != 4:
        return key if len(parts) == 1 else parts[-1]
    return "contact" if parts[2] == "contact" else f"{parts[2]} {parts[3]}"


def kind(key: str) -> str:
    """Its kind alone."""
    parts = key.split(":")
    return parts[2] if len(parts) == 4 else ""


def contact_href(connection: str, lead: str) -> str:
    """The timeline of a lead."""
    return href(f"/contacts/{part(connection)}/{part(lead)}")


def contact_of(key: str) -> str:
    """The timeline of the lead that a key belongs to; empty for what belongs to none."""
    parts = key.split(":")
    return contact_href(parts[0], parts[1]) if len(parts) in (2, 4) and all(parts) else ""


def record_href(record: str) -> str:
    """The page of a parked record, by its place `partition@offset`."""
    return href(f"/parked/record/{part(record)}")


def group_href(connection: str, stage: str, reason: str) -> str:
    """The records of one cause."""
    return href("/parked/cause", connection=connection, stage=stage, reason=reason)
