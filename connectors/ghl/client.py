"""The client of GHL's API v2: one method for each operation of the catalogue."""

from __future__ import annotations

from connectors.ghl.calendars import CalendarCalls
from connectors.ghl.contacts import ContactCalls
from connectors.ghl.location import LocationCalls
from connectors.ghl.notes import GhlNoteCalls
from connectors.ghl.opportunities import OpportunityCalls
from connectors.ghl.relations import RelationCalls
from connectors.ghl.tasks import GhlTaskCalls


class GhlClient(
    ContactCalls, GhlNoteCalls, GhlTaskCalls, RelationCalls, LocationCalls, CalendarCalls, OpportunityCalls
):
    """GHL, for one location (or the agency, by the credential).

    `GhlClient(transport, auth, *, base_url=…, on_answer=…)`. It keeps no state, retries nothing and knows no limits:
    those who call it decide by `OPERATIONS[…].retry_class` and by the rate headers that `on_answer` brings.
    Every method raises `ConnectorError` (see `connectors/errors.py`), and no other error.
    """
