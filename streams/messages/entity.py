"""What a change, a snapshot and a receipt are about: one contact, note, task, appointment or opportunity of one lead."""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

Kind = Literal["contact", "note", "task", "appointment", "opportunity"]
LONGEST_ID = 128
KINDS: tuple[Kind, ...] = ("contact", "note", "task", "appointment", "opportunity")


def is_id(text: str) -> bool:
    """Whether a text can be a part of a key and of an address: printable, no colon, space or lone dots, not empty and not long."""
    is_short = 0 < len(text) <= LONGEST_ID
    return is_short and ":" not in text and " " not in text and text.isprintable() and text not in (".", "..")


class Entity(NamedTuple):
    """The identity of one entity; its key is `connection:lead:kind:id`.

    The id of a contact and of an opportunity is the lead's id: a lead has one of each.
    Neither a connection's name nor a vendor's id holds a colon, so the key reads back.
    """

    connection: str
    lead: str
    kind: Kind
    id: str

    @classmethod
    def contact(cls, connection: str, lead: str) -> Self:
        """The contact of a lead."""
        return cls(connection, lead, "contact", lead)

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Read a key. Raises `ValueError` when it is not `connection:lead:kind:id`."""
        parts = key.split(":")
        if len(parts) != 4 or parts[2] not in KINDS or not all(parts):
            raise ValueError(f"expected connection:lead:kind:id, got {key!r}")
        connection, lead, kind, entity_id = parts
        return cls(connection, lead, kind, entity_id)  # type: ignore[arg-type]  # membership in KINDS was checked above

    @property
    def key(self) -> str:
        """The entity's key on topics and in tables."""
        return f"{self.connection}:{self.lead}:{self.kind}:{self.id}"

    def problem(self) -> str | None:
        """Why this cannot be an entity's key, None when it can. Whoever takes ids from others asks."""
        for name, value in (("connection", self.connection), ("lead", self.lead), ("id", self.id)):
            if not is_id(value):
                what = "letters and digits, no colon, no space"
                return f"{name}: expected an id ({what}, at most {LONGEST_ID} long), got {value[:40]!r}"
        return None

    @property
    def lane(self) -> str:
        """All work of one contact: the key of topics that are keyed by the contact."""
        return f"{self.connection}:{self.lead}"

    @property
    def owner(self) -> Entity:
        """The contact that this entity belongs to; a contact's owner is itself."""
        return Entity(self.connection, self.lead, "contact", self.lead)
