"""GoHighLevel: its client, its wire models, and its sandbox (`connectors.ghl.sandbox`)."""

from connectors.ghl.answers import BulkTagged, ContactPage, Followers, Upserted
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import OPERATIONS
from connectors.ghl.wire import Appointment, Contact, CustomField, CustomValue, LocationTag, Note, Task, User

__all__ = [
    "OPERATIONS",
    "Appointment",
    "BulkTagged",
    "Contact",
    "ContactPage",
    "CustomField",
    "CustomValue",
    "Followers",
    "GhlClient",
    "LocationTag",
    "Note",
    "Task",
    "Upserted",
    "User",
]
