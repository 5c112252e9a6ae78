"""The client of Lofty's open API: one method for each operation of the catalogue."""

from __future__ import annotations

from connectors.lofty.leads import LeadCalls
from connectors.lofty.notes import LoftyNoteCalls
from connectors.lofty.tasks import LoftyTaskCalls
from connectors.lofty.team import TeamCalls
from connectors.lofty.transactions import TransactionCalls


class LoftyClient(LeadCalls, LoftyNoteCalls, LoftyTaskCalls, TransactionCalls, TeamCalls):
    """Lofty, with the rights of one API key (`StaticAuth("token", key)`) or OAuth token (`StaticAuth("Bearer", …)`).

    `LoftyClient(transport, auth, *, base_url=…, on_answer=…)`. It keeps no state, retries nothing and knows no limits:
    those who call it decide by `OPERATIONS[…].retry_class` and by the rate headers that `on_answer` brings.
    Every method raises `ConnectorError` (see `connectors/errors.py`), and no other error.
    """
