"""What GHL's `INSTALL` and `UNINSTALL` of a location without a connection mean for the installations that wait. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.ghl.webhooks import Hook
from streams.messages.installation import Installation, LocationReport, installation_key, location_key


@dataclass(frozen=True, slots=True)
class InstallationChange:
    """A record for the topic `connections`; without a value, it takes an installation away."""

    key: str
    value: bytes | None


def is_known(hook: Hook, installed: Mapping[str, Installation]) -> bool:
    """Whether the location waits already, or its agency's installation brings it."""
    return hook.company in installed or any(hook.location in one.locations for one in installed.values())


def changes(hook: Hook, installed: Mapping[str, Installation], at_ms: int) -> list[InstallationChange]:
    """What to store; nothing where the event says nothing new, or is older than what it is about."""
    if hook.type == "INSTALL":
        agency = installed.get(hook.company)
        if agency is None or agency.kind != "company" or hook.location in agency.locations:
            return []
        return [_report(hook, hook.company, at_ms)] if _is_news(agency, at_ms) else []
    found = [one for one in installed.values() if hook.location in one.locations and _is_news(one, at_ms)]
    return [
        # A single location's tokens have ended with the app. An agency's still open its other locations.
        InstallationChange(installation_key(one.subject), None)
        if one.kind == "location"
        else _report(hook, one.subject, at_ms)
        for one in found
    ]


def agency_end(company: str, installed: Mapping[str, Installation], at_ms: int) -> list[InstallationChange]:
    """What to store when the app was removed from a whole agency: its tokens open nothing any longer."""
    agency = installed.get(company)
    if agency is None or agency.kind != "company" or not _is_news(agency, at_ms):
        return []
    return [InstallationChange(installation_key(company), None)]


def _is_news(installation: Installation, at_ms: int) -> bool:
    return at_ms > max(installation.at_ms, installation.listed_ms)


def _report(hook: Hook, company: str, at_ms: int) -> InstallationChange:
    report = LocationReport(location=hook.location, company=company, is_installed=hook.type == "INSTALL", at_ms=at_ms)
    return InstallationChange(location_key(hook.location), report.to_bytes())
