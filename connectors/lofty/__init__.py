"""Lofty: its client, its webhooks, its times, and its sandbox (`connectors.sandbox.lofty`).

The names are imported when they are first asked for: whoever needs one module of this package pays for no HTTP client.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.lofty.client import LoftyClient
    from connectors.lofty.leads import LeadPage
    from connectors.lofty.operations import OPERATIONS
    from connectors.lofty.times import parse_time_ms
    from connectors.lofty.wire import (
        CustomAttribute,
        Lead,
        LoftyAppointment,
        LoftyNote,
        LoftyTask,
        Member,
        Subscription,
    )

__all__ = [
    "OPERATIONS",
    "CustomAttribute",
    "Lead",
    "LeadPage",
    "LoftyAppointment",
    "LoftyClient",
    "LoftyNote",
    "LoftyTask",
    "Member",
    "Subscription",
    "parse_time_ms",
]

_HOMES = {
    "OPERATIONS": "operations",
    "LoftyClient": "client",
    "LeadPage": "leads",
    "parse_time_ms": "times",
    **dict.fromkeys(
        ("LoftyAppointment", "CustomAttribute", "Lead", "Member", "LoftyNote", "Subscription", "LoftyTask"), "wire"
    ),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
