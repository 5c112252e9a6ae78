"""A history: everything that a run left behind, as values. The judge reads nothing else.

Times are seconds since the epoch, as the sandboxes' ledgers have them; receipts and parked records have milliseconds.
All of them come from clocks of one machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from connectors.sandbox.shared.ledger import Entry
from streams.messages import Entity, Parked, Receipt
from streams.messages.fence import Fence
from streams.settings import Connection, Settings, parse_settings

KILLED, FROZEN, ENDED, DELETED_BY_HAND = "killed", "frozen", "ended", "deleted by hand"
FORGOT = "memory lost"
PAUSED, REMOVED = "paused", "removed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to the system. `whom` is the worker's process, or a GHL contact's id for `deleted by hand`.

    | kind | `at`, `until` |
    | --- | --- |
    | `killed` | when it was dead, as soon as that is known |
    | `frozen` | from SIGSTOP until just after SIGCONT; a process that never woke has no `until` |
    | `ended` | when a process ended by itself, in disorder |
    | `deleted by hand` | when a contact was deleted in GHL by its control API, which the ledger does not see |
    | `memory lost` | when the deployment went on without its memory |

    Other kinds (a broker stopped, a token revoked, memory lost) excuse nothing.
    """

    kind: str
    whom: str
    at: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt and its position in its topic."""

    partition: int
    offset: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fence where it stands among the receipts. `of` is how many partitions its topic has; 0: as many as at the end."""

    partition: int
    offset: int
    fence: Fence
    of: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit in Lofty. `version` is the one in the text since then (`v000123`); 0 says that it was deleted, or left its lead in a merge."""

    at: float
    entity: Entity
    version: int


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done and must have had effects. `seen` names each that it must have, and how often it was seen.

    Of an outage (`is_outage`) `at` is when Kafka went and `until` when it was back: what was edited in between must be
    written soon after.
    """

    act: str
    at: float
    until: float
    seen: Mapping[str, int]
    is_outage: bool = False


@dataclass(frozen=True, slots=True)
class Stray:
    """Something unreadable or too large that was given to us. It must be found on `parked`.

    By `sign`, which the original or the entity's key contains, or by `source` (`topic/partition@offset`).
    """

    what: str
    sign: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A conflict that the product lists: a lead's value that another contact has. `is_shared`: both are one contact."""

    connection: str
    lead: str
    field: str
    value: str
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """A connection, with its location and team, of which nobody may ask anything from `at` until `until` (None: the end).

    `why` is `paused` or `removed`. `left` is what a removed one still had then: subscriptions, keys, tokens.
    """

    connection: str
    location: str
    team: str
    why: str
    at: float
    until: float | None = None
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """A run. Sequences are in order of time.

    - `configs`: the texts of the configuration, in the order in which they were in force; the last one counts at the end.
      A mapping that was edited while workers ran is in them as if it had been written into the file.
    - `ghl`, `lofty`: the ledgers of both sandboxes, whole.
    - `limits`: a ledger's budget → its limit and window in seconds, as its sandbox counts them. A Lofty budget that
      connections share may also be here under its own name.
    - `leads`: connection → rows of the Lofty sandbox's `GET /_sandbox/leads?trash=true`.
    - `contacts`: connection → the answer of the GHL sandbox's `GET /_sandbox/contacts`.
    - `receipts`, `fences`: the topic of receipts, taken apart. `parked`: the topic of parked records.
    - `nemesis`: what was done to the system.
    - `edits`: what agents did in Lofty, if it has a version.
    - `planned`: the acts that were to be done, each of them once at least; `deeds`: what was done, with its effects.
    - `strays`: what nobody can read, or nobody can carry.
    - `silences`: when nobody may ask for a connection.
    - `grows_to`: how many partitions the deployment was to have at the end; 0 where it was not to grow. `partitions`: how many the topics
      have that it uses at the end.
    - `before`: connection → the ids of contacts that GHL had before us. `listed`: the conflicts that the product lists at the end.
    """

    configs: tuple[str, ...]
    ghl: Sequence[Entry]
    lofty: Sequence[Entry]
    limits: Mapping[str, tuple[int, float]]
    leads: Mapping[str, Sequence[Mapping[str, Any]]]
    contacts: Mapping[str, Mapping[str, Any]]
    receipts: Sequence[Received]
    fences: Sequence[Fenced] = ()
    parked: Sequence[Parked] = ()
    nemesis: Sequence[Event] = ()
    edits: Sequence[Edit] = ()
    planned: Sequence[str] = ()
    deeds: Sequence[Deed] = ()
    strays: Sequence[Stray] = ()
    silences: Sequence[Silence] = ()
    grows_to: int = 0
    partitions: int = 0
    before: Mapping[str, Sequence[str]] = field(default_factory=dict)
    listed: Sequence[Listed] = ()

    def lasting(self) -> History:
        """The same without what concerns connections that were removed: the configuration at the end does not know them."""
        removed = [one for one in self.silences if one.why == REMOVED]
        names = {one.connection for one in removed}
        budgets = {one.location for one in removed} | {one.team for one in removed}
        return replace(
            self,
            ghl=[one for one in self.ghl if one.budget not in budgets],
            lofty=[one for one in self.lofty if one.budget not in budgets],
            receipts=[one for one in self.receipts if one.receipt.connection not in names],
        )

    @cached_property
    def settings(self) -> Settings:
        """The configuration at the end, without credentials."""
        return parse_settings(self.configs[-1], {})

    @cached_property
    def mappings_of(self) -> Mapping[str, tuple[Connection, ...]]:
        """Connection → itself under each configuration that was in force."""
        every = [parse_settings(text, {}).connections for text in self.configs]
        return {name: tuple(one[name] for one in every if name in one) for name in self.settings.connections}

    @cached_property
    def connection_at(self) -> Mapping[str, Connection]:
        """GHL's budget (the location's id) → its connection. One connection a location."""
        return {one.ghl_budget: one for one in self.settings.connections.values()}

    @cached_property
    def lofty_budget_of(self) -> Mapping[str, str]:
        """Lofty's account, as its ledger names it (the team's id) → the budget that the pipeline knows."""
        return {one.lofty.team_id: one.lofty_budget for one in self.settings.connections.values()}
