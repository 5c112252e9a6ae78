"""The catalogue as its page shows it: what works comes with where it is switched on, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from streams.catalogue.entry import CatalogueEntry
from streams.catalogue.row import KINDS, STATES, VENDORS, RowKind, State, Vendor
from streams.console.pages.views.page_view import StatusText
from streams.console.services.catalogue import CataloguePage

STATE_WORDS: dict[State, StatusText] = {
    "works": StatusText("ok", "Works"),
    "client only": StatusText("idle", "Prepared, not used yet"),
    "vendor allows": StatusText("idle", "Possible, not built"),
    "vendor refuses": StatusText("warn", "Not possible"),
}
VENDOR_WORDS: dict[Vendor, str] = {"lofty": "Lofty", "ghl": "GoHighLevel"}
KIND_WORDS: dict[RowKind, str] = {
    "flow": "From one side to the other",
    "trigger": "Trigger",
    "action": "Action",
    "lookup": "Look-up",
}
_BACK = "Connections: what flows back into Lofty"
_SEARCH = "Connections: how often it is checked"
SETTING_WORDS: dict[str, str] = {
    "connections.NAME.stages": "Connections: stages of pipelines",
    "connections.NAME.appointments.calendar": "Connections: calendar of appointments",
    "connections.NAME.back.appointments": f"{_BACK}, appointments",
    "connections.NAME.back.fields": f"{_BACK}, whose value wins",
    "connections.NAME.back.finish_tasks": f"{_BACK}, finished tasks",
    "connections.NAME.back.notes": f"{_BACK}, notes",
    "connections.NAME.back.rules": f"{_BACK}, rules",
    "connections.NAME.back.tasks": f"{_BACK}, tasks",
    "connections.NAME.ghl.auth": "Connections: access to GoHighLevel by permission",
    "connections.NAME.opt_outs": "Connections: opt-outs (on unless switched off)",
    "connections.NAME.policies.create_custom_fields": "Connections: custom fields are created (on unless switched off)",
    "connections.NAME.policies.lead_deleted": "Connections: what happens when a lead is deleted",
    "connections.NAME.sweep.children": f"{_SEARCH}, notes and tasks",
    "connections.NAME.sweep.full_hours": f"{_SEARCH}, all leads",
    "connections.NAME.sweep.new_minutes": f"{_SEARCH}, new leads",
    "connections.NAME.sweep.opt_outs_minutes": f"{_SEARCH}, opt-outs",
    "connections.NAME.tags": "Connections: tags",
    "gateway.public_url": "Set once, by whoever runs lofty-ghl: the public address",
    "mappings.NAME.fields": "Mapping: fields",
    "oauth.ghl.agency": "Set once, by whoever runs lofty-ghl: whole agencies give access",
}
"""Where a person finds the setting of a row."""


@dataclass(frozen=True, slots=True)
class CatalogueRowView:
    """One row. `on` says where it is switched on. `details` are for engineers: a name and its texts."""

    id: str
    title: str
    where: str
    state: StatusText
    on: str
    note: str
    details: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CatalogueSection:
    """Rows about one subject."""

    title: str
    rows: tuple[CatalogueRowView, ...]


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """The page. The filters are values with their words; `counts` are those of what is shown."""

    sections: tuple[CatalogueSection, ...]
    counts: tuple[tuple[StatusText, int], ...]
    states: tuple[tuple[str, str], ...]
    vendors: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    state: str
    vendor: str
    kind: str
    words: str


def catalogue_view(
    found: CataloguePage, state: State | None, vendor: Vendor | None, kind: RowKind | None, words: str
) -> CatalogueView:
    """The rows that were asked for, by their subjects."""
    grouped = groupby(found.entries, key=lambda entry: entry.section)
    return CatalogueView(
        sections=tuple(CatalogueSection(title, tuple(map(_row, entries))) for title, entries in grouped),
        counts=tuple((STATE_WORDS[one], number) for one, number in found.counts.items() if number),
        states=tuple((one, STATE_WORDS[one].words) for one in STATES),
        vendors=tuple((one, VENDOR_WORDS[one]) for one in VENDORS),
        kinds=tuple((one, KIND_WORDS[one]) for one in KINDS),
        state=state or "",
        vendor=vendor or "",
        kind=kind or "",
        words=words,
    )


def _row(entry: CatalogueEntry) -> CatalogueRowView:
    details = (
        ("Event", entry.events),
        ("Request", entry.requests),
        ("Permission", entry.scopes),
        ("Setting", (entry.setting,) if entry.setting else ()),
        ("Test", (entry.test,) if entry.test else ()),
    )
    where = VENDOR_WORDS[entry.vendor]
    on = SETTING_WORDS.get(entry.setting, entry.setting) if entry.setting else "Always on"
    return CatalogueRowView(
        id=entry.id,
        title=entry.title,
        where=where if entry.kind == "flow" else f"{where}, {KIND_WORDS[entry.kind].lower()}",
        state=STATE_WORDS[entry.state],
        on=on if entry.state == "works" else "",
        note=entry.reason or entry.limits,
        details=tuple((name, texts) for name, texts in details if texts),
    )
