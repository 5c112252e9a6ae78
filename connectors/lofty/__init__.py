"""Lofty: its client, its webhooks, its times, and its sandbox (`connectors.lofty.sandbox`)."""

from connectors.lofty.client import LoftyClient
from connectors.lofty.leads import LeadPage
from connectors.lofty.operations import OPERATIONS
from connectors.lofty.times import parse_time_ms
from connectors.lofty.wire import Appointment, CustomAttribute, Lead, Member, Note, Subscription, Task

__all__ = [
    "OPERATIONS",
    "Appointment",
    "CustomAttribute",
    "Lead",
    "LeadPage",
    "LoftyClient",
    "Member",
    "Note",
    "Subscription",
    "Task",
    "parse_time_ms",
]
