"""What a connection's settings say of its contacts, as planning takes it."""

from __future__ import annotations

from streams.core.to_ghl.planning import Rules
from streams.mapping import StageTable
from streams.settings import Connection


def rules_of(connection: Connection, search_lag_ms: int | None = None) -> Rules:
    """The mapping and the policies of a connection. `search_lag_ms` takes the place of the configured lag."""
    policies = connection.policies
    if search_lag_ms is None:
        search_lag_ms = round(connection.ghl.search_lag_seconds * 1000)
    return Rules(
        mapping=connection.mapping,
        region=connection.region,
        lead_deleted=policies.lead_deleted,
        lead_deleted_tag=policies.lead_deleted_tag,
        shared_email=policies.shared_email,
        shared_phone=policies.shared_phone,
        search_lag_ms=search_lag_ms,
        owners=connection.back.owners,
        calendar=connection.appointments.calendar,
        runs_automations=connection.appointments.automations,
        opt_outs=connection.opt_outs,
        stages=StageTable(connection.stages) if connection.stages else None,
        stage_owner=connection.back.stage if connection.stages else None,
    )
