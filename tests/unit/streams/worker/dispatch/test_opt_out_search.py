"""The search for opt-outs: pages of contacts, compared with what the links say; only what differs costs more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.ghl.answers import ContactPage
from connectors.ghl.wire import GhlContact
from streams.core.rows import LinkRow, SweepRow
from streams.core.scheduling.dispatcher import Item
from streams.core.to_lofty.rows import BacklinkRow
from streams.mapping.opt_outs import OPT_OUTS, mark
from streams.messages import Entity
from streams.worker.dispatch import opt_out_search
from streams.worker.dispatch.loop import AGAIN, DONE
from streams.worker.dispatch.opt_out_search import OptOutSearch

HOUR_MS = 3_600_000


class Rows(dict[str, Any]):
    """A table of one partition."""

    def get(self, partition: int, key: str) -> Any:  # type: ignore[override]  # a table's, not a dict's
        return super().get(key)

    def put(self, partition: int, key: str, row: Any) -> None:
        self[key] = row

    async def flush(self) -> None:
        return None

    def items(self, partition: int, prefix: str) -> list[tuple[str, Any]]:  # type: ignore[override]  # a table's, not a dict's
        return [(key, row) for key, row in super().items() if key.startswith(prefix)]


class Desk:
    """A location whose contacts come in pages of two."""

    def __init__(self, *contacts: dict[str, Any]) -> None:
        self.contacts, self.now_ms = contacts, 10 * HOUR_MS
        self.asked: list[dict[str, Any]] = []
        self.offered: list[Item] = []
        self.differing: list[str] = []
        self.in_lofty: list[tuple[str, frozenset[str]]] = []
        self.sweeps, self.links, self.backlinks = Rows(), Rows(), Rows()
        location = SimpleNamespace(client=self, location_id="l", budget="l", partition=0, window_seconds=10.0)
        loop = SimpleNamespace(offer_item=self.offered.append)
        self.search = OptOutSearch(
            loop=cast("Any", loop),
            locations={"acme": cast("Any", location)},
            intervals_ms={"acme": HOUR_MS},
            sweeps=cast("Any", self.sweeps),
            backlinks=cast("Any", self.backlinks),
            links=cast("Any", self.links),
            differ=self.differ,
            close_in_lofty=self.close_in_lofty,
            now_ms=lambda: self.now_ms,
        )

    async def search_contacts(self, search: dict[str, Any]) -> ContactPage:
        self.asked.append(search)
        at = int(search.get("searchAfter", [0])[0])
        page = self.contacts[at : at + 2]
        return ContactPage(tuple(GhlContact.model_validate(one) for one in page), 3, (at + len(page),))

    async def differ(self, entity: Entity) -> None:
        self.differing.append(entity.lead)

    async def close_in_lofty(self, entity: Entity, channels: frozenset[str]) -> None:
        self.in_lofty.append((entity.lead, channels))

    def link(self, lead: str, contact: str, **more: Any) -> None:
        entity = Entity.contact("acme", lead)
        self.links[entity.key] = LinkRow(**{"ghl_id": contact, **more})
        self.backlinks[f"contact:{contact}"] = BacklinkRow(entity=entity.key)

    async def run(self) -> None:
        """One whole search."""
        slot = SimpleNamespace(answered=lambda **_: None)
        key = f"{opt_out_search.TENANT}:acme"
        item = Item(key, key, "l", opt_out_search.TENANT)
        while (result := await self.search(item, cast("Any", slot))) is AGAIN:
            pass
        assert result is DONE


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opt_out_search, "PAGE", 2)


async def test_only_contacts_of_ours_that_differ_are_looked_at() -> None:
    """All others cost their part of a page."""
    stop = {"dndSettings": {"SMS": {"status": "permanent"}}}
    desk = Desk(
        {"id": "a", **stop}, {"id": "b", **stop}, {"id": "c"}, {"id": "d", **stop}, {"id": "e", **stop}, {"id": "f"}
    )
    desk.link("1", "a")
    desk.link("2", "b", fields={OPT_OUTS: mark({"SMS"})})
    desk.link("3", "c", fields={OPT_OUTS: mark({"Call"})})
    desk.link("4", "d", is_gone=True)
    desk.link("5", "e", is_deleted=True)
    desk.link("6", "f")
    await desk.run()
    assert desk.differing == ["1", "3"]
    assert [one.get("searchAfter") for one in desk.asked] == [None, [2], [4], [6]]


async def test_what_a_shared_contact_has_closed_is_closed_for_each_of_its_leads() -> None:
    """The lead that writes it is compared in its lane; the others get their flags."""
    desk = Desk({"id": "a", "dnd": True})
    desk.link("1", "a")
    for lead, fields in (
        ("2", {}),
        ("3", {OPT_OUTS: mark({"Call", "Email", "SMS"})}),
        ("4", {OPT_OUTS: mark({"Call"})}),
    ):
        entity = Entity.contact("acme", lead)
        desk.links[entity.key] = LinkRow(ghl_id="a", shares="acme:1:contact:1", fields=fields)
        desk.backlinks[f"shared:a:{entity.key}"] = BacklinkRow(entity=entity.key)
    await desk.run()
    assert desk.differing == ["1"]
    assert desk.in_lofty == [("2", {"Call", "Email", "SMS"}), ("4", {"Email", "SMS"})]


async def test_searches_come_an_interval_apart_and_the_first_after_one() -> None:
    """Whoever takes the connection over knows when the last one ended."""
    desk = Desk()
    desk.search.acquire("acme")
    assert desk.offered == []
    desk.now_ms += HOUR_MS
    desk.search.acquire("acme")
    assert len(desk.offered) == 1
    await desk.run()
    assert desk.sweeps[f"{opt_out_search.TENANT}:acme"] == SweepRow(full_ended_ms=11 * HOUR_MS)
    desk.search.acquire("acme")
    assert len(desk.offered) == 1
    desk.search.release("acme")
