"""Keeps each location's directory: reads its custom fields, users and calendar, and creates the fields that a mapping needs.
Before a connection's first contact is written, the location is looked through for its own contacts (`own_contacts.py`).

A directory is loaded as work of its own budget, one request at a time, in a lane of its own.
Meanwhile its connection is on hold, so that no contact is written without the fields it should have.
What GHL refuses here for good (a missing scope, a full field list) is remembered and flagged on each contact; it stops
nothing. Where nothing can succeed (a revoked token, a suspended location), or a 404 does not say that there are no fields,
the connection stays on hold: a contact that was planned without the location's custom fields would lack them, and one whose
create is in doubt could not be found.

A location gets the custom field for the Lofty id first. Each other field of the mapping is created when a contact first has a value for
it (`lacks`), or when a contact was written without it (`try_lacking`). So to begin costs a few requests instead of one for each field,
and no location gets fields that nobody fills.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from connectors.errors import ConnectorError, NotSent
from connectors.outcome import NAMES_NOTHING, Disposition, classify
from streams.core.progress.repeats import Failure
from streams.core.scheduling.dispatcher import Item, Priority
from streams.core.scheduling.pauses import PAUSE_SECONDS, shuts_out
from streams.core.to_ghl.directory import (
    ONE_OPTION,
    Directory,
    PipelineIds,
    fields_needed_first,
    fold,
    lacking_field,
    named_fields,
    named_pipelines,
)
from streams.mapping import LEAD_ID_FIELD, CustomField
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, RequestSlot, WorkResult
from streams.worker.dispatch.own_contacts import OwnContacts

log = logging.getLogger("lofty_ghl.directory")

TENANT = "@directory"
RETRY_SECONDS = 5.0
SUSPECT_SECONDS = 2.0
"""So long after GHL dropped a value its directory is read again; twice as long with each time that nothing has changed."""
MOST_SUSPECT_SECONDS = 3600.0


@dataclass(slots=True)
class _Shelf:
    """One location's directory while it is loaded, a new one for each load. `wanted` are the fields that may be created, by reference,
    `needed` those that must be there before a contact is written, `made` the ids of those that were created.
    `is_searched`: there is no search for own contacts to be done. `is_stale`: the fields are read again before one is created, as
    somebody else may have created it since. `making` is the field that is being created, `refused` are those that GHL refused since then.

    An answer to a request of an earlier load is written to that load's shelf, and so changes nothing.
    """

    location: Location
    wanted: dict[str, CustomField]
    needed: set[str]
    fields: dict[str, str] | None = None
    takes_duplicates: bool | None = None
    users: dict[str, str] | None = None
    team: frozenset[str] | None = None
    pipelines: dict[str, PipelineIds] | None = None
    pipelines_at: float = 0.0
    types: dict[str, str] = field(default_factory=dict)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    is_searched: bool = False
    is_stale: bool = False
    making: str = ""
    refused: set[str] = field(default_factory=set)

    @property
    def is_listed(self) -> bool:
        """The location's fields were read, and nothing says that they are others by now."""
        return self.fields is not None and not self.is_stale

    def need(self, references: Collection[str]) -> None:
        """These must be there, too, before the next contact is written."""
        self.is_stale = self.is_stale or not self.needed.issuperset(references)
        self.needed.update(references)

    def list_fields(self, found: Directory) -> None:
        """These are the location's fields. What GHL refused and has not is given up."""
        self.types |= found.types
        self.options |= found.options
        self.fields = dict(found.custom_fields)
        self.is_stale = False
        self.given_up.update(one for one in self.refused if fold(one) not in self.fields)
        self.refused.clear()


@dataclass(slots=True)
class _Past:
    """What was known of a location when it was last read to the end, the id that each name ever had, and who suspects a change.

    `remade` are the custom fields that were made again since this process began: their names, with the ids before.
    """

    directory: Directory | None = None
    ids: dict[str, str] = field(default_factory=dict)
    remade: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = SUSPECT_SECONDS
    timer: asyncio.TimerHandle | None = None


class Directories:
    """The directories of all connections, with the custom fields that their mappings name.

    `changed` is called with a connection whose directory was read for the first time, or is not what it was.
    """

    def __init__(
        self,
        loop: DispatchLoop,
        locations: Mapping[str, Location],
        own_contacts: OwnContacts,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._loop = loop
        self._locations = locations
        self._own_contacts = own_contacts
        self._changed = changed
        self._shelves: dict[str, _Shelf] = {}
        self._past: dict[str, _Past] = {}

    def get(self, connection: str) -> Directory:
        """What is known of a connection's location."""
        shelf = self._shelf(connection)
        return Directory(
            shelf.fields or {},
            shelf.users or {},
            shelf.team or frozenset(),
            shelf.types,
            shelf.options,
            shelf.takes_duplicates is not False,
            shelf.pipelines or {},
        )

    def complete(self, connection: str) -> Directory | None:
        """What was known when the location was last read to the end; None before that."""
        past = self._past.get(connection)
        return past.directory if past is not None else None

    def remade(self, connection: str) -> dict[str, str]:
        """The custom fields that were deleted and made again under the same name or key, with the ids that they had."""
        return dict(self._past_of(connection).remade)

    def load(self, connection: str) -> None:
        """Read the directory (again). The connection is on hold until that is done."""
        before = self._shelf(connection)
        shelf = self._shelves[connection] = _Shelf(before.location, before.wanted, before.needed)
        self._go_on(connection, shelf)

    def forget(self, connection: str) -> None:
        """The connection is another from now on: what is known of its location is dropped, and read again by `load`."""
        self._shelves.pop(connection, None)
        past = self._past.pop(connection, None)
        if past is not None and past.timer is not None:
            past.timer.cancel()

    def suspect(self, connection: str) -> None:
        """GHL dropped a value, so the directory may no longer be true: read it again soon."""
        past = self._past_of(connection)
        if past.timer is None:
            past.timer = asyncio.get_running_loop().call_later(past.wait_seconds, self._look_again, connection)
            past.wait_seconds = min(2 * past.wait_seconds, MOST_SUSPECT_SECONDS)

    def lacks(self, connection: str, missing: dict[str, str]) -> bool:
        """A contact needs custom fields that the location lacks. True: they are being created, try again after that."""
        shelf = self._shelf(connection)
        fields = [shelf.wanted.get(reference) or CustomField(reference, kind) for reference, kind in missing.items()]
        creatable = {one.reference: one for one in fields if one.reference not in shelf.given_up and not one.is_key}
        if not creatable or not shelf.location.creates_custom_fields:
            return False
        shelf.wanted.update(creatable)
        shelf.need(creatable)
        self._go_on(connection, shelf)
        return True

    def reads_stages_again(self, connection: str, seconds: float) -> bool:
        """A stage is not there. True: pipelines that were read longer ago are being read again, try again after that."""
        shelf, now = self._shelf(connection), asyncio.get_running_loop().time()
        if shelf.pipelines is not None and now < shelf.pipelines_at + seconds:
            return False
        shelf.pipelines = None
        self._go_on(connection, shelf)
        return True

    def try_lacking(self, connection: str, lacks: Collection[str]) -> None:
        """Contacts were written without what these entries of `LinkRow.lacks` name: fields of the mapping among them are created."""
        shelf = self._shelf(connection)
        absent = shelf.wanted.keys() - shelf.needed - {one for one in shelf.wanted if fold(one) in (shelf.fields or {})}
        if fields := {one for one in absent if lacking_field(one) in lacks}:
            shelf.need(fields)
            self._go_on(connection, shelf)

    def handles(self, item: Item) -> bool:
        """Whether an item is work of a directory."""
        return item.tenant == TENANT

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Nothing: what GHL refuses is remembered and flagged."""
        return None

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """One request towards a complete directory."""
        connection = item.key.removeprefix(f"{TENANT}:")
        shelf = self._shelves[connection]
        if (wait_seconds := self._wait_seconds(shelf)) > 0:
            return WorkResult.retry(wait_seconds)
        was_sent = True
        try:
            was_sent = await self._next(shelf)
        except ConnectorError as error:
            outcome = classify(error)
            slot.answered(was_sent=not isinstance(error, NotSent))
            if shelf is not self._shelves[connection]:
                return AGAIN
            if shuts_out(outcome) or (not shelf.is_listed and outcome.name == NAMES_NOTHING):
                self._loop.pause(shelf.location.budget, PAUSE_SECONDS, f"{outcome.name}: {error}")
                return WorkResult.retry(RETRY_SECONDS)
            if outcome.disposition in (Disposition.RETRY, Disposition.THROTTLED):
                return WorkResult.retry(RETRY_SECONDS)
            self._give_up(connection, shelf, error)
        else:
            if was_sent:  # a contact that is refused meanwhile is refused alone
                self._loop.failures.served(shelf.location.budget, TENANT, item.key)
        slot.answered(was_sent=was_sent)
        if not self._is_complete(shelf) or shelf is not self._shelves[connection]:
            return AGAIN
        self._loop.release_tenant(shelf.location.budget, connection)
        self._remember(connection)
        return DONE

    def _shelf(self, connection: str) -> _Shelf:
        location = self._locations[connection]
        if (shelf := self._shelves.get(connection)) is None:
            wanted = _creatable(location)
            shelf = self._shelves[connection] = _Shelf(location, wanted, fields_needed_first(wanted))
        return shelf

    def _past_of(self, connection: str) -> _Past:
        return self._past.setdefault(connection, _Past())

    def _look_again(self, connection: str) -> None:
        self._past[connection].timer = None
        if self._loop.core.owns(self._locations[connection].budget):
            self.load(connection)

    def _remember(self, connection: str) -> None:
        """The directory was read to the end: say so if it is not what it was."""
        past, now = self._past_of(connection), self.get(connection)
        if now == past.directory:
            return
        alive = set(now.custom_fields.values())
        for name, field_id in now.custom_fields.items():
            before = past.ids.get(name, field_id)
            if before != field_id and before not in alive:
                past.remade[name] = before
                log.warning(
                    "connection %s: custom field %r was made again in GHL: all its values are written again",
                    connection,
                    name,
                )
        past.ids |= now.custom_fields
        # A copy: fields that are made for a contact are added to what `now` shows.
        fields, types, options = dict(now.custom_fields), dict(now.types), dict(now.options)
        past.directory = replace(now, custom_fields=fields, types=types, options=options)
        past.wait_seconds = SUSPECT_SECONDS
        self._changed(connection)

    def _go_on(self, connection: str, shelf: _Shelf) -> None:
        key = f"{TENANT}:{connection}"
        self._loop.hold_tenant(shelf.location.budget, connection)
        self._loop.offer_item(Item(key, key, shelf.location.budget, TENANT, Priority.LIVE))

    async def _next(self, shelf: _Shelf) -> bool:
        """Do one request; False when none was left to do."""
        if not self._is_read(shelf):
            await self._read_next(shelf)
            return True
        field_id, location = _lead_id_field(shelf), shelf.location
        is_due = field_id is not None and self._own_contacts.is_due(location)
        if field_id is None or not is_due or field_id in shelf.made:
            shelf.is_searched = True
            if is_due:  # no contact can have a value in a field that was just made
                await self._own_contacts.end(location)
            return False
        shelf.is_searched = await self._own_contacts.read_page(location, field_id)
        return True

    async def _read_next(self, shelf: _Shelf) -> None:
        client, location_id = shelf.location.client, shelf.location.location_id
        shelf.making = ""
        if not shelf.is_listed:
            shelf.list_fields(named_fields(await client.list_custom_fields(location_id, model="contact")))
            return
        if shelf.takes_duplicates is None:
            shelf.takes_duplicates = await client.takes_duplicates(location_id)
            return
        if shelf.users is None:
            users = await client.list_users(location_id)
            shelf.users = {fold(user.email): user.id for user in users if user.email}
            return
        if shelf.team is None and (calendar := shelf.location.rules.calendar) is not None:
            shelf.team = (await client.get_calendar(calendar)).users
            return
        if shelf.pipelines is None and shelf.location.rules.stages:
            shelf.pipelines_at = asyncio.get_running_loop().time()
            shelf.pipelines = named_pipelines(await client.list_pipelines(location_id))
            return
        reference = self._first_missing(shelf)
        if reference is None:
            return
        wanted, shelf.making = shelf.wanted[reference], reference
        body: dict[str, object] = {"name": reference, "dataType": wanted.type, "model": "contact"}
        if wanted.options:
            body["textBoxListOptions"] = [{"label": option, "prefillValue": ""} for option in wanted.options]
        made = await client.create_custom_field(location_id, body)
        shelf.making = ""
        log.info("created custom field %r in location %s", reference, location_id)
        fields = shelf.fields = shelf.fields or {}
        fields[fold(reference)] = made.id
        shelf.made.add(made.id)
        shelf.types[made.id] = wanted.type
        if wanted.type in ONE_OPTION and made.picklist_options and not made.is_allowed_custom_option:
            shelf.options[made.id] = made.picklist_options
        if made.field_key:
            fields[fold(made.field_key)] = made.id

    def _give_up(self, connection: str, shelf: _Shelf, error: ConnectorError) -> None:
        """What GHL refuses is left out from now on; the next load tries again."""
        if shelf.making:
            shelf.refused.add(shelf.making)
            shelf.is_stale = True
            part = f"custom field {shelf.making!r} cannot be created, and is left out unless it is there by now"
        elif self._is_read(shelf):
            shelf.is_searched = True
            part = "its contacts with a Lofty id cannot be searched: a lead that has another e-mail and telephone may be made twice"
        elif shelf.fields is None:
            shelf.fields = {}
            shelf.given_up.update(shelf.wanted)
            part = "its custom fields cannot be read"
        elif shelf.is_stale:
            shelf.is_stale = False
            shelf.given_up.update(shelf.refused)
            part = "its custom fields cannot be read again"
        elif shelf.takes_duplicates is None:
            shelf.takes_duplicates = True
            part = "whether it allows duplicate contacts cannot be read, so each new contact is looked for first"
        elif shelf.users is None:
            shelf.users = {}
            part = "its users cannot be read, contacts stay unassigned"
        elif shelf.team is None and shelf.location.rules.calendar is not None:
            shelf.team = frozenset()
            part = f"its calendar {shelf.location.rules.calendar} cannot be read, appointments stay unassigned"
        else:
            shelf.pipelines = {}
            part = "its pipelines cannot be read, opportunities are parked"
        log.error("connection %s: %s: %s", connection, part, error)

    def _is_complete(self, shelf: _Shelf) -> bool:
        return self._is_read(shelf) and shelf.is_searched

    def _wait_seconds(self, shelf: _Shelf) -> float:
        """How long the search for own contacts must wait, if it is what comes next and the location may have some."""
        is_next = self._is_read(shelf) and _lead_id_field(shelf) not in (None, *shelf.made)
        is_due = is_next and self._own_contacts.is_due(shelf.location)
        return self._own_contacts.wait_seconds(shelf.location) if is_due else 0.0

    def _is_read(self, shelf: _Shelf) -> bool:
        has_team = shelf.team is not None or shelf.location.rules.calendar is None
        has_stages = shelf.pipelines is not None or not shelf.location.rules.stages
        has_all = shelf.users is not None and has_team and has_stages
        return shelf.is_listed and has_all and self._first_missing(shelf) is None

    @staticmethod
    def _first_missing(shelf: _Shelf) -> str | None:
        fields = shelf.fields or {}
        needed = (reference for reference in shelf.wanted if reference in shelf.needed)
        return next((r for r in needed if r not in shelf.given_up and fold(r) not in fields), None)


def _lead_id_field(shelf: _Shelf) -> str | None:
    return (shelf.fields or {}).get(fold(LEAD_ID_FIELD))


def _creatable(location: Location) -> dict[str, CustomField]:
    if not location.creates_custom_fields:
        return {}
    return {name: one for name, one in location.rules.mapping.custom_fields.items() if not one.is_key}
