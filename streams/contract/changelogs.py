"""The changelogs of the tables: what a worker remembers. Shown, and promised to nobody: only its own release reads them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streams.contract.form import ANY_KEY, Form, TopicContract
from streams.core.rows import FetchRow, LinkRow, OutboxRow, SeenRow, SweepRow, SweptRow, TokenRow
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.to_lofty.rows import BacklinkRow, EventRow, ExternalEditRow, LoftyCommandRow, WebhookRow
from streams.messages import topics
from streams.messages.message import Message

ROWS: Mapping[str, type[Message]] = MappingProxyType(
    {
        topics.SEEN_TABLE: SeenRow,
        topics.FETCHES_TABLE: FetchRow,
        topics.OUTBOX_TABLE: OutboxRow,
        topics.LINKS_TABLE: LinkRow,
        topics.BUDGETS_TABLE: BudgetRow,
        topics.SWEEPS_TABLE: SweepRow,
        topics.SWEPT_TABLE: SweptRow,
        topics.BACKLINKS_TABLE: BacklinkRow,
        topics.WEBHOOKS_TABLE: WebhookRow,
        topics.EVENTS_TABLE: EventRow,
        topics.HEARD_TABLE: ExternalEditRow,
        topics.ERRANDS_TABLE: LoftyCommandRow,
        topics.TOKENS_TABLE: TokenRow,
        topics.CONFLICTS_TABLE: LinkRow,
    }
)
"""The row of each table (`streams/worker/tables.py` makes them)."""

CHANGELOGS: tuple[TopicContract, ...] = tuple(
    TopicContract(
        topics.TopicNames().changelog(table),
        "changelog",
        (Form(ROWS[table], ANY_KEY, removes="the row is deleted"),),
        table=table,
        described=("key of the row", "as the topic that the table follows", f"changelog of the table `{table}`"),
    )
    for table in topics.TABLES
)
