"""Which edits of recipients count, and which are to be deleted. Every process comes to the same result. Pure.

An edit counts if it was made on the newest version of its recipient, or on a later one: who reads only what was not deleted yet
does not see every version. For who sees all, that is the same, as nobody can edit a version that never was. The newest edit that
counts is never deleted, so both end with the same one: whatever stands before it was made on an older version, and what comes
behind it, too, until there is a newer one. That holds for a removal, too: it is a version, and nobody edits one that they see removed.
So an edit on its number shows that the removal did not count for who saw all, and only seems to for who reads what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.messages.recipient_edit import RECIPIENT_KEY, RecipientEdit


@dataclass(slots=True)
class RecipientLog:
    """The newest edit of each recipient, and the ids of all its edits that the topic still has."""

    counted: set[str] = field(default_factory=set)
    """The ids of all edits that count, or did."""
    _newest: dict[str, RecipientEdit] = field(default_factory=dict)
    _kept: dict[str, set[str]] = field(default_factory=dict)

    def add(self, edit: RecipientEdit) -> bool:
        """Add an edit that was read from the topic; False if it does not count."""
        self._kept.setdefault(edit.name, set()).add(edit.id)
        if edit.based_on < self.version(edit.name):
            return False
        self._newest[edit.name] = edit
        self.counted.add(edit.id)
        return True

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a record of the topic in; one that is not about recipients changes nothing. Raises `InvalidMessage`."""
        name, slash, edit = key.decode(errors="replace").removeprefix(RECIPIENT_KEY).partition("/")
        if not key.startswith(RECIPIENT_KEY.encode()) or not slash:
            return
        if value is None:
            self.drop(name, edit)
        else:
            self.add(RecipientEdit.from_bytes(value))

    def drop(self, name: str, edit: str) -> None:
        """An edit was deleted."""
        self._kept.get(name, set()).discard(edit)

    def version(self, name: str) -> int:
        """The newest version of a recipient; 0 for one that never was."""
        found = self._newest.get(name)
        return found.number if found is not None else 0

    def get(self, name: str) -> RecipientEdit | None:
        """A recipient; None for one that there is not, or that was removed."""
        found = self._newest.get(name)
        return None if found is None or found.is_removed else found

    def all(self) -> tuple[RecipientEdit, ...]:
        """All recipients, by their labels."""
        found = (edit for edit in self._newest.values() if not edit.is_removed)
        return tuple(sorted(found, key=lambda edit: (edit.label.casefold(), edit.name)))

    def superseded(self) -> tuple[tuple[str, str], ...]:
        """The edits that do not count any longer, or never did, as name and id: they are to be deleted."""
        newest = {(name, edit.id) for name, edit in self._newest.items()}
        kept = ((name, edit) for name, edits in self._kept.items() for edit in edits)
        return tuple(sorted(one for one in kept if one not in newest))
