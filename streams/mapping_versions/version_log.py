"""Decides which edits count. Every process that reads the topic comes to the same result. Pure.

Kafka has no compare-and-set. So an edit names the version that it was made on, and counts only if that is still the newest when
the edit is read. The topic has one partition, so all readers see the same order and ignore the same stale edits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.messages.mapping_edit import MappingEdit
from streams.settings.overlay import NO_OVERLAY, Overlay


@dataclass(frozen=True, slots=True)
class Version:
    """All mappings as they are after an edit."""

    edit: MappingEdit
    overlay: Overlay

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.overlay.version


@dataclass(slots=True)
class VersionLog:
    """The edits that count, in order."""

    versions: list[Version] = field(default_factory=list)

    @property
    def newest(self) -> Overlay:
        """All edits so far, as changes to the file."""
        return self.versions[-1].overlay if self.versions else NO_OVERLAY

    def at(self, version: int) -> Overlay:
        """The changes to the file at a version; 0 is the file alone. Raises `LookupError` for a version that never existed."""
        if version == 0:
            return NO_OVERLAY
        if not 0 < version <= len(self.versions):
            raise LookupError(version)
        return self.versions[version - 1].overlay

    def add(self, edit: MappingEdit) -> bool:
        """Add an edit that was read from the topic; False if it does not count."""
        changed = self.after(edit)
        if changed is None:
            return False
        self.versions.append(Version(edit, changed))
        return True

    def after(self, edit: MappingEdit) -> Overlay | None:
        """The newest version after an edit; None if the edit was made on an older one."""
        now = self.newest
        if edit.based_on != now.version:
            return None
        texts, uses = dict(now.texts), dict(now.uses)
        if edit.kind == "revert":
            if edit.to_version > now.version or edit.to_version < 0:
                return None
            before = self.at(edit.to_version)
            texts, uses = dict(before.texts), dict(before.uses)
        else:
            changed = texts if edit.kind == "text" else uses
            if edit.text is None:
                changed.pop(edit.name, None)
            else:
                changed[edit.name] = edit.text
        return Overlay(now.version + 1, texts, uses)

    def number_of(self, edit_id: str) -> int | None:
        """The version that an edit made; None if it does not count or was not read yet."""
        return next((one.number for one in reversed(self.versions) if one.edit.id == edit_id), None)
