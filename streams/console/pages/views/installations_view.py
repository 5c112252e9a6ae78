"""The page of locations where the app was installed in GHL's marketplace. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.console.errors import Fault
from streams.console.pages.wording import counted
from streams.console.services.installations import InstalledAccount, WaitingLocation
from streams.core.connection_table.reading import connection_name


@dataclass(frozen=True, slots=True)
class LocationForm:
    """A location that waits, with what the form of its pairing holds. `faults` say what is wrong with what was sent."""

    location: WaitingLocation
    name: str
    team_id: str = ""
    problem: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class InstallationsView:
    """Locations that wait, and those that are paired."""

    words: str
    waiting: tuple[LocationForm, ...]
    paired: tuple[WaitingLocation, ...]
    has_agency: bool
    accounts: tuple[InstalledAccount, ...] = ()


def installations_view(
    locations: Sequence[WaitingLocation],
    accounts: Sequence[InstalledAccount] = (),
    sent: LocationForm | None = None,
) -> InstallationsView:
    """All locations, and who installed the app; `sent` is a form that comes back because something in it is wrong."""
    forms = [LocationForm(one, connection_name(one.name or one.location)) for one in locations if not one.connection]
    if sent is not None:
        forms = [
            replace(sent, location=one.location) if one.location.location == sent.location.location else one
            for one in forms
        ]
    waits = "waits" if len(forms) == 1 else "wait"
    return InstallationsView(
        words=f"{counted(len(forms), 'location')} {waits} for a Lofty account." if forms else "No location waits.",
        waiting=tuple(forms),
        paired=tuple(one for one in locations if one.connection),
        has_agency=any(one.kind == "company" for one in accounts),
        accounts=tuple(accounts),
    )
