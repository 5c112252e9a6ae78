"""GoHighLevel: its client, its wire models, and its sandbox (`connectors.sandbox.ghl`).

The names are imported when they are first asked for: whoever needs one module of this package pays for no HTTP client.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.ghl.answers import BulkTagged, ContactPage, Followers, Upserted
    from connectors.ghl.client import GhlClient
    from connectors.ghl.operations import OPERATIONS
    from connectors.ghl.wire import (
        CustomValue,
        GhlAppointment,
        GhlContact,
        GhlCustomField,
        GhlNote,
        GhlTask,
        LocationTag,
        User,
    )

__all__ = [
    "OPERATIONS",
    "BulkTagged",
    "ContactPage",
    "CustomValue",
    "Followers",
    "GhlAppointment",
    "GhlClient",
    "GhlContact",
    "GhlCustomField",
    "GhlNote",
    "GhlTask",
    "LocationTag",
    "Upserted",
    "User",
]

_HOMES = {
    "OPERATIONS": "operations",
    "GhlClient": "client",
    **dict.fromkeys(("BulkTagged", "ContactPage", "Followers", "Upserted"), "answers"),
    **dict.fromkeys(
        ("GhlAppointment", "GhlContact", "GhlCustomField", "CustomValue", "LocationTag", "GhlNote", "GhlTask", "User"),
        "wire",
    ),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
