"""What of values about the whole deployment somebody sees who is limited to some connections. Pure: the scope is an argument."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streams.console.auth.scope import Scope
from streams.mapping.compile import DEFAULT
from streams.mapping_versions.listing import Edit, MappingState
from streams.mapping_versions.problems import TextProblem
from streams.messages import WorkerStatus
from streams.messages.growth import AtWork, Move
from streams.messages.worker_status import BudgetStatus
from streams.operations.conflicts.open_conflicts import ConflictItem
from streams.operations.status.overview import ConnectionView, Overview

OTHERS_LEAD = "The other contact is of a connection that you do not see: ask somebody who sees both"


def visible_deployment(found: Overview, scope: Scope) -> Overview:
    """The deployment with the figures of some connections. Counts that are of all connections together are left out."""
    if not scope.is_limited:
        return found
    return replace(
        found,
        workers=tuple(replace(one, status=_worker(one.status, scope)) for one in found.workers),
        budgets=_budgets(found.budgets, scope),
        connections=tuple(_connection(one, scope) for one in found.connections if scope.includes(one.connection)),
        lags=(),
        stages={},
        totals={},
        gateways=None,
        configuration="",
        parked_open=(),
        move=None if found.move is None else _move(found.move),
    )


def _move(move: Move) -> Move:
    """That everything pauses, and for how long, concerns everybody; who makes it and how much is copied does not."""
    growth = move.growth.model_copy(update={"holder": "", "by": ""})
    at_work = None if move.at_work is None else AtWork(holder="", at_ms=move.at_work.at_ms)
    return Move(growth=growth, at_work=at_work)


def visible_mappings(state: MappingState, scope: Scope) -> MappingState:
    """The mappings that some connections use, with those that these extend, and the built-in one."""
    if not scope.is_limited:
        return state
    uses = {connection: name for connection, name in state.uses.items() if scope.includes(connection)}
    names = _with_extended(state, {DEFAULT, *uses.values()})

    def is_theirs(edit: Edit) -> bool:
        return (edit.kind == "text" and edit.name in names) or (edit.kind == "use" and scope.includes(edit.name))

    return replace(
        state,
        mappings=tuple(
            replace(one, used_by=tuple(filter(scope.includes, one.used_by)))
            for one in state.mappings
            if one.name in names
        ),
        uses=uses,
        history=tuple(filter(is_theirs, state.history)),
        broken=tuple(one for one in state.broken if _mapping_of(one) in names),
    )


def _mapping_of(problem: TextProblem) -> str:
    """The mapping that a problem is in, by its dotted key `mappings.NAME...`."""
    return problem.where.partition(".")[2].partition(".")[0]


def extended_by(name: str, text: str) -> str:
    """The mapping that a text extends; empty where it says none, or cannot be read."""
    try:
        tables: Mapping[str, Any] = tomllib.loads(text).get("mappings", {})
        found = tables.get(name, {}).get("extends", "")
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


def visible_conflict(item: ConflictItem, scope: Scope) -> ConflictItem:
    """A conflict, without the other person where they are of a connection that is not in the scope."""
    if item.other is None or scope.includes(item.other.connection):
        return item
    return replace(item, other=None, to_do=OTHERS_LEAD)


def _with_extended(state: MappingState, names: set[str]) -> set[str]:
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        mapping = state.mapping(name)
        if name in found or mapping is None:
            continue
        found.add(name)
        if parent := extended_by(name, mapping.text):
            left.append(parent)
    return found


def _worker(status: WorkerStatus, scope: Scope) -> WorkerStatus:
    """That it runs, and what it does for these connections."""
    connections = tuple(one for one in status.connections if scope.includes(one.connection))
    return WorkerStatus(
        instance=status.instance,
        release=status.release,
        started_ms=status.started_ms,
        at_ms=status.at_ms,
        is_stopping=status.is_stopping,
        is_ready=status.is_ready,
        mapping_version=status.mapping_version,
        partitions=status.partitions,
        fenced=status.fenced,
        recovering_since_ms=status.recovering_since_ms,
        budgets=_budgets(status.budgets, scope),
        connections=connections,
    )


def _connection(found: ConnectionView, scope: Scope) -> ConnectionView:
    return replace(
        found,
        reads=_budget(found.reads, scope) if found.reads is not None else None,
        writes=_budget(found.writes, scope) if found.writes is not None else None,
    )


def _budgets(budgets: tuple[BudgetStatus, ...], scope: Scope) -> tuple[BudgetStatus, ...]:
    return tuple(_budget(one, scope) for one in budgets if any(map(scope.includes, one.connections)))


def _budget(budget: BudgetStatus, scope: Scope) -> BudgetStatus:
    """A limit that is shared is theirs, too; with whom it is shared is not."""
    return budget.model_copy(update={"connections": tuple(filter(scope.includes, budget.connections))})
