"""One row of the catalogue: something that happens at a vendor, or that can be done there, and how far this project does it.

| state | means |
| --- | --- |
| `works` | the pipeline does it; the row names the setting that switches it on and the test that shows it |
| `client only` | our client and our sandbox can do it, checked against the vendor's document; nothing calls it yet |
| `vendor allows` | the vendor's interface has it, and we do not use it; the reason says why, or what is done instead |
| `vendor refuses` | the vendor's interface has no way to do it; the reason says how that is known |

An operation is named as the clients name it (`create-task`), or as a method and a path (`GET /opportunities/pipelines`) while no
client has it. An event of GHL has GHL's name (`ContactUpdate`), one of Lofty's the number of its list and its bucket
(`2 createdLead`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from connectors.ghl.oauth import OAUTH_OPERATIONS
from connectors.ghl.operations import OPERATIONS as GHL_OPERATIONS
from connectors.http.operation import Operation
from connectors.lofty.operations import OPERATIONS as LOFTY_OPERATIONS

Vendor = Literal["lofty", "ghl"]
RowKind = Literal["flow", "trigger", "action", "lookup"]
State = Literal["works", "client only", "vendor allows", "vendor refuses"]

VENDORS: tuple[Vendor, ...] = ("lofty", "ghl")
KINDS: tuple[RowKind, ...] = ("flow", "trigger", "action", "lookup")
STATES: tuple[State, ...] = ("works", "client only", "vendor allows", "vendor refuses")

ALWAYS = ""
"""The setting of what is always on."""

CLIENT_OPERATIONS: Mapping[Vendor, Mapping[str, Operation]] = MappingProxyType(
    {"ghl": {**GHL_OPERATIONS, **{one.name: one for one in OAUTH_OPERATIONS}}, "lofty": LOFTY_OPERATIONS}
)
"""The operations that our clients know, by name."""

_BY_REQUEST: Mapping[Vendor, Mapping[str, Operation]] = MappingProxyType(
    {
        vendor: {f"{one.method} {one.path}": one for one in operations.values()}
        for vendor, operations in CLIENT_OPERATIONS.items()
    }
)


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row. `vendor` is where it happens; a flow begins there, and its operations are the other vendor's.

    `limits` says what a row that works leaves out, `reason` why another does not work. `own_scopes` are those of operations that no
    client has: `scopes` has them all. `setting` is the path of the setting that switches it on, empty for what is always on.
    """

    vendor: Vendor
    kind: RowKind
    title: str
    state: State
    events: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    own_scopes: tuple[str, ...] = ()
    setting: str = ALWAYS
    test: str = ""
    limits: str = ""
    reason: str = ""

    @property
    def id(self) -> str:
        """A name that stays while the title does, for links and programs."""
        return f"{self.vendor}-{'-'.join(re.findall(r'[a-z0-9]+', self.title.lower()))}"

    @property
    def performer(self) -> Vendor:
        """Whose operations these are."""
        if self.kind == "flow":
            return "lofty" if self.vendor == "ghl" else "ghl"
        return self.vendor

    @property
    def requests(self) -> tuple[str, ...]:
        """Its operations as methods and paths."""
        known = CLIENT_OPERATIONS[self.performer]
        return tuple(f"{known[name].method} {known[name].path}" if name in known else name for name in self.operations)

    @property
    def client_operations(self) -> tuple[Operation, ...]:
        """Those of its operations that our client knows."""
        by_request = _BY_REQUEST[self.performer]
        return tuple(by_request[request] for request in self.requests if request in by_request)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The rights that it needs. Lofty has none: its app is granted endpoints, its key what its user may do."""
        of_operations = [scope for one in self.client_operations for scope in one.scopes]
        of_events = [EVENT_SCOPES[event] for event in self.events if event in EVENT_SCOPES]
        return tuple(sorted({*of_operations, *of_events, *self.own_scopes}))

    @property
    def note(self) -> str:
        """What a person should know beside the title: the reason, or the limits."""
        return self.reason or self.limits


@dataclass(frozen=True, slots=True)
class Section:
    """Rows about one subject, in the order in which they are read."""

    title: str
    rows: tuple[CatalogueRow, ...]


_OF_CONTACTS, _OF_EVENTS = "contacts.readonly", "calendars/events.readonly"
_OF_DEALS, _OF_MESSAGES = "opportunities.readonly", "conversations/message.readonly"

EVENT_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        **{f"Contact{name}": _OF_CONTACTS for name in ("Create", "Update", "Delete", "TagUpdate", "DndUpdate")},
        **{f"Task{name}": _OF_CONTACTS for name in ("Create", "Complete", "Delete")},
        **{f"Note{name}": _OF_CONTACTS for name in ("Create", "Update", "Delete")},
        **{f"Appointment{name}": _OF_EVENTS for name in ("Create", "Update", "Delete")},
        **{f"Opportunity{name}": _OF_DEALS for name in ("Create", "Update", "Delete", "StageUpdate", "StatusUpdate")},
        **{f"Opportunity{name}": _OF_DEALS for name in ("AssignedToUpdate", "MonetaryValueUpdate")},
        **{f"{name}Message": _OF_MESSAGES for name in ("Inbound", "Outbound")},
        "CampaignStatusUpdate": "campaigns.readonly",
        **{f"Location{name}": "locations.readonly" for name in ("Create", "Update")},
        "UserCreate": "users.readonly",
    }
)
"""The right that an app needs to be sent an event of GHL. `AppInstall` and `AppUninstall` need none."""


def flow(
    vendor: Vendor, title: str, on: str, *calls: str, test: str, setting: str = "", limits: str = ""
) -> CatalogueRow:
    """What happens at one vendor and what we do at the other. `on` are events, with commas between."""
    return CatalogueRow(vendor, "flow", title, "works", _names(on), calls, (), setting, test, limits)


def trigger(vendor: Vendor, title: str, on: str, *, test: str, setting: str = "", limits: str = "") -> CatalogueRow:
    """An event that the pipeline acts on."""
    return CatalogueRow(vendor, "trigger", title, "works", _names(on), (), (), setting, test, limits)


def action(vendor: Vendor, title: str, *calls: str, test: str, setting: str = "", limits: str = "") -> CatalogueRow:
    """Something that the pipeline does."""
    return CatalogueRow(vendor, "action", title, "works", (), calls, (), setting, test, limits)


def lookup(vendor: Vendor, title: str, *calls: str, test: str, setting: str = "", limits: str = "") -> CatalogueRow:
    """Something that the pipeline reads."""
    return CatalogueRow(vendor, "lookup", title, "works", (), calls, (), setting, test, limits)


def client_only(vendor: Vendor, kind: RowKind, title: str, *calls: str, reason: str) -> CatalogueRow:
    """What our client can do and nothing calls."""
    return CatalogueRow(vendor, kind, title, "client only", (), calls, reason=reason)


def allowed(
    vendor: Vendor, kind: RowKind, title: str, *calls: str, on: str = "", scopes: str = "", reason: str
) -> CatalogueRow:
    """What the vendor allows and we do not do. `scopes` are words with spaces between."""
    return CatalogueRow(vendor, kind, title, "vendor allows", _names(on), calls, tuple(scopes.split()), reason=reason)


def refused(vendor: Vendor, kind: RowKind, title: str, reason: str) -> CatalogueRow:
    """What the vendor's interface has no way to do."""
    return CatalogueRow(vendor, kind, title, "vendor refuses", reason=reason)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
