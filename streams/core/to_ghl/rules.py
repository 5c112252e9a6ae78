"""What a connection's settings say of its contacts, as planning takes it."""

from __future__ import annotations

from streams.core.to_ghl.planning import SEARCH_LAG_MS, Rules
from streams.settings import Connection


def rules_of(connection: Connection, search_lag_ms: int = SEARCH_LAG_MS) -> Rules:
    """The mapping and the policies of a connection."""
    policies = connection.policies
    return Rules(
        mapping=connection.mapping,
        region=connection.region,
        lead_deleted=policies.lead_deleted,
        lead_deleted_tag=policies.lead_deleted_tag,
        search_lag_ms=search_lag_ms,
        owners=connection.back.owners,
        calendar=connection.appointments.calendar,
        runs_automations=connection.appointments.automations,
        opt_outs=connection.opt_outs,
    )
