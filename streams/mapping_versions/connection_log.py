"""Decides which edits of connections count, and keeps their sealed credentials. Every process comes to the same result. Pure.

As with mappings (`version_log`), an edit counts only if it was made on the newest version. Here each connection has versions of
its own, so edits of different connections never collide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from streams.messages.connection_edit import ConnectionEdit, SealedCredential
from streams.messages.installation import Installation, LocationReport
from streams.settings.overlay import EditedConnection

ConnectionPhase = Literal["in use", "removing", "removed"]
_PHASES: dict[str, ConnectionPhase] = {"set": "in use", "remove": "removing", "removed": "removed"}
_MAY_FOLLOW = {
    None: {"set"},
    "in use": {"set", "remove"},
    "removing": {"removed"},
    "removed": {"set"},
}
"""The kinds of edits that count in each phase; None is the phase of a connection that never was."""


@dataclass(frozen=True, slots=True)
class ConnectionVersion:
    """A connection as it is after an edit. `position` orders the edits of all connections."""

    edit: ConnectionEdit
    position: int

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.edit.based_on + 1

    @property
    def phase(self) -> ConnectionPhase:
        """Whether the connection works, is being removed, or is gone."""
        return _PHASES[self.edit.kind]

    @property
    def edited(self) -> EditedConnection:
        """The same for the overlay."""
        return EditedConnection(self.edit.connection, self.edit.label, self.number, self.edit.table)


@dataclass(slots=True)
class ConnectionLog:
    """The edits that count, by connection, and the newest credential of each secret."""

    versions: dict[str, list[ConnectionVersion]] = field(default_factory=dict)
    credentials: dict[str, dict[str, SealedCredential]] = field(default_factory=dict)
    changes: int = 0
    """How many edits and credentials were taken."""
    installations: dict[str, Installation] = field(default_factory=dict)
    """Installations that began in GHL's marketplace, by their subjects, as they were stored; `installed` is what is true."""
    location_reports: dict[str, LocationReport] = field(default_factory=dict)
    """What GHL's webhooks said last of an agency's locations."""

    def newest(self, connection: str) -> ConnectionVersion | None:
        """The newest version of a connection; None for one that never was."""
        found = self.versions.get(connection)
        return found[-1] if found else None

    def version(self, connection: str) -> int:
        """Its number; 0 for a connection that never was."""
        found = self.newest(connection)
        return found.number if found is not None else 0

    def counts(self, edit: ConnectionEdit) -> bool:
        """Whether an edit would count if it were read now."""
        newest = self.newest(edit.connection)
        phase = newest.phase if newest is not None else None
        return edit.based_on == self.version(edit.connection) and edit.kind in _MAY_FOLLOW[phase]

    def add(self, edit: ConnectionEdit) -> bool:
        """Add an edit that was read from the topic; False if it does not count."""
        if not self.counts(edit):
            return False
        self.changes += 1
        if edit.kind != "set":
            # What is cleaned up is the connection as it was; and whoever adds it again must mean the same accounts.
            before = self.versions[edit.connection][-1].edit
            edit = edit.model_copy(update={"label": before.label, "table": before.table})
        self.versions.setdefault(edit.connection, []).append(ConnectionVersion(edit, self.changes))
        return True

    def take_credential(self, connection: str, secret: str, credential: SealedCredential | None) -> None:
        """Keep a credential in place of the one before, unless that one was pasted later; None removes it."""
        self.changes += 1
        kept = self.credentials.setdefault(connection, {})
        if credential is None:
            kept.pop(secret, None)
        elif credential.replaces(kept.get(secret)):
            kept[secret] = credential

    def take_installation(self, subject: str, installation: Installation | None) -> None:
        """Keep an installation in place of the one before; None removes it."""
        self.changes += 1
        if installation is None:
            self.installations.pop(subject, None)
        else:
            self.installations[subject] = installation

    def take_location_report(self, report: LocationReport) -> None:
        """Keep what a webhook said of a location, unless a later one was taken before."""
        before = self.location_reports.get(report.location)
        if before is None or before.at_ms <= report.at_ms:
            self.changes += 1
            self.location_reports[report.location] = report

    def installed(self) -> Mapping[str, Installation]:
        """The installations with their locations of now: GHL's list, and what its webhooks said since."""
        found = dict(self.installations)
        for report in self.location_reports.values():
            agency = found.get(report.company)
            if agency is None or report.at_ms <= max(agency.at_ms, agency.listed_ms):
                continue
            locations = dict(agency.locations)
            if report.is_installed:
                locations.setdefault(report.location, "")
            else:
                locations.pop(report.location, None)
            found[report.company] = agency.model_copy(update={"locations": locations})
        return found

    def removing(self) -> Iterator[ConnectionVersion]:
        """The connections whose removal has begun and has not ended."""
        newest = (found[-1] for found in self.versions.values())
        return (one for one in newest if one.phase == "removing")

    def usable(self) -> dict[str, list[ConnectionVersion]]:
        """The versions of each connection that is in use, the newest first; none from before a removal."""
        found: dict[str, list[ConnectionVersion]] = {}
        for connection, versions in self.versions.items():
            for one in reversed(versions):
                if one.phase != "in use":
                    break
                found.setdefault(connection, []).append(one)
        return found

    def sealed(self) -> Mapping[str, Mapping[str, SealedCredential]]:
        """A copy of the credentials by connection and secret."""
        return {connection: dict(kept) for connection, kept in self.credentials.items()}

    def of_edit(self, edit: ConnectionEdit) -> ConnectionVersion | None:
        """The version that an edit made; None if it does not count or was not read yet."""
        return next((one for one in reversed(self.versions.get(edit.connection, ())) if one.edit.id == edit.id), None)
