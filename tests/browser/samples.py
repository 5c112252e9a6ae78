"""A view of every page, filled as a busy day fills it, and once more with hostile values."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from streams.console.pages.views.audit_view import AuditRow, AuditView
from streams.console.pages.views.backfill_view import BackfillCard, BackfillsView
from streams.console.pages.views.connections_view import ConnectionCard, ConnectionsView, LastSweep, VendorAccess
from streams.console.pages.views.contacts_view import (
    ContactRow,
    EntityInGhl,
    SearchView,
    TimelineStep,
    TimelineView,
    WaitingEntity,
)
from streams.console.pages.views.mapping_view import (
    DiffLine,
    EditorView,
    FieldPreview,
    LeadPreview,
    MappingRow,
    MappingsView,
    SaveConflict,
    TextFault,
)
from streams.console.pages.views.overview_view import (
    ApiLimit,
    CauseRow,
    Figure,
    OldestChange,
    OverviewView,
    Plot,
    StageCard,
    WorkerRow,
)
from streams.console.pages.views.page_view import (
    CurrentUser,
    ErrorView,
    Hyperlink,
    Notice,
    PageContext,
    ProgressBar,
    Question,
    StatusText,
)
from streams.console.pages.views.parked_view import CauseCard, CausesView, CauseView, ParkedRecordRow, ParkedRecordView
from streams.console.pages.views.replay_view import (
    DryRunView,
    FieldCount,
    ReplayExample,
    ReplayForm,
    ReplayRun,
    ReplayView,
)
from streams.console.pages.views.sign_in_view import SignInView

NOW = 1_764_042_000_000
MINUTE = 60_000

HOSTILE = (
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "مرحبا بالعالم \u202e gnirts desrever",
    "W" * 400,
    "👩🏽‍🚀🏳️‍🌈 Zoë O'Brien-Łukasiewicz",
    "{{ 7 * 7 }} ${7 * 7} <%= 7 %>",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A page by its template, with its view."""

    name: str
    template: str
    view: Any
    more: dict[str, Any]


def page_context(name: str = "overview", *, theme: Any = "auto", role: Any = "operator") -> PageContext:
    """Who looks: an operator, at the time of the samples."""
    return PageContext(
        here=f"/console/{name}",
        now_ms=NOW,
        person=CurrentUser("ann", role),
        csrf="a-token",
        theme=theme,
        parked=27,
    )


def _series(base: float, swing: float) -> list[tuple[int, float | None]]:
    return [
        (
            NOW - (180 - at) * 2 * MINUTE // 2,
            None if 70 <= at < 74 else max(0.0, base + swing * (((at * 37) % 23) / 23 - 0.4) + (at % 60) * swing / 90),
        )
        for at in range(0, 181, 2)
    ]


OVERVIEW = OverviewView(
    verdict=StatusText("ok", "Running, and up to date"),
    because=("Changes reach GHL within 2.4 s.", "27 records are parked and wait for you."),
    next_steps=(Hyperlink("Look at what is parked", "/console/parked"),),
    numbers=(
        Figure("In GHL", "12 480", "contacts", "/console/contacts"),
        Figure("Written today", "3 214", "98 unchanged"),
        Figure("Freshness", "2.4 s", "99 of 100 changes"),
        Figure("Waiting", "18", "4 being written"),
        Figure("Parked", "27", "3 causes", "/console/parked"),
    ),
    stages=(
        StageCard("intake", "Lofty told", 41.5, 0, None, StatusText("ok", "")),
        StageCard("dedupe", "Let through once", 36.0, 0, None, StatusText("ok", "")),
        StageCard("read", "Read from Lofty", 22.4, 4, 1.2, StatusText("ok", "")),
        StageCard(
            "write", "Written to GHL", 19.8, 14, 210.0, StatusText("warn", "Paused: 429"), "acme: until 14:02:40"
        ),
        StageCard("record", "Recorded", 19.8, 0, None, StatusText("ok", "")),
    ),
    back_stages=(
        StageCard("event", "GHL told", 3.0, 0, None, StatusText("ok", "")),
        StageCard("respond", "Judged", 3.0, 0, None, StatusText("ok", "")),
        StageCard("write back", "Written to Lofty", 0.0, 0, None, StatusText("ok", "")),
    ),
    oldest=OldestChange(
        "Ada Lovelace", "/console/contacts/acme/600123", NOW - 210_000, "a slot of GHL's budget to be written"
    ),
    budgets=(
        ApiLimit(
            "acme",
            "GHL",
            82,
            100,
            "in 10 s",
            41_200,
            200_000,
            0.25,
            StatusText("warn", "Paused: 429 until 14:02:40"),
            14,
            "about 92 000 by midnight",
        ),
        ApiLimit("our-app", "Lofty", 120, 500, "a minute", waiting=4),
        ApiLimit("borealis", "GHL", 3, 100, "in 10 s", 1_200, 200_000, 0.25, None, 0, "about 2 900 by midnight"),
    ),
    plots=(
        Plot("Changes in GHL", "a minute", _series(18, 14), "written, last 3 h"),
        Plot("Freshness", "s", _series(2.2, 1.9), "99 of 100 changes, last 3 h"),
        Plot("Waiting", "changes", _series(12, 30), "not yet in GHL, last 3 h"),
        Plot("Parked", "records", [(NOW - MINUTE, None)], "open, last 3 h"),
    ),
    causes=(
        CauseRow("GHL refuses the phone number", "acme", 18, "/console/parked/group/1", NOW - 3 * 3_600_000),
        CauseRow("Webhook of an unknown shape", "borealis", 6, "/console/parked/group/2", NOW - 40 * MINUTE),
        CauseRow("Lead not found in Lofty", "acme", 3, "/console/parked/group/3", NOW - 12 * MINUTE),
    ),
    workers=(
        WorkerRow("worker-7f3a", StatusText("ok", "working"), 6, NOW - 1_200),
        WorkerRow("worker-91bc", StatusText("warn", "not heard from"), 6, NOW - 45_000),
    ),
    measured_ms=NOW - 900,
)

EMPTY_OVERVIEW = OverviewView(
    verdict=StatusText("bad", "No worker is running"),
    because=("Changes are kept in Kafka, and carried once a worker runs.",),
    next_steps=(),
    numbers=(Figure("In GHL", "0", "contacts"), Figure("Waiting", "0"), Figure("Parked", "0")),
    stages=OVERVIEW.stages[:1],
    back_stages=(),
    oldest=None,
    budgets=(),
    plots=(),
    causes=(),
    workers=(),
    measured_ms=NOW,
)

CONNECTIONS = ConnectionsView(
    (
        ConnectionCard(
            "acme",
            StatusText("warn", "Works, with a missing scope"),
            VendorAccess("Lofty", "team 123456", "API key", StatusText("ok", "Works")),
            VendorAccess(
                "GHL",
                "ve9EPM428h8vShlRW1KT",
                "OAuth",
                StatusText("warn", "1 scope is missing"),
                "/console/connect/ghl/acme",
                granted=("contacts.readonly", "contacts.write", "locations/customFields.readonly", "users.readonly"),
                missing=("locations/customFields.write",),
                expires_ms=NOW + 9 * 3_600_000,
            ),
            LastSweep("all leads read, 3 changes found", NOW - 9 * MINUTE, NOW - 6 * 3_600_000),
            "acme",
            "/console/mapping/acme",
            12_480,
            14,
            21,
        ),
        ConnectionCard(
            "borealis",
            StatusText("bad", "Waits for access to GHL"),
            VendorAccess("Lofty", "team 777001", "OAuth", StatusText("ok", "Works"), "/console/connect/lofty/borealis"),
            VendorAccess(
                "GHL",
                "loc-borealis",
                "OAuth",
                StatusText("bad", "Not connected"),
                "/console/connect/ghl/borealis",
                False,
            ),
            LastSweep("none yet", None, None),
            "default",
            "/console/mapping/default",
            None,
            None,
            0,
        ),
    )
)

_FOUND = (
    ContactRow(
        "Ada Lovelace",
        "ada@example.com",
        "+1 206 555 0142",
        "acme",
        "600123",
        "ocQHyuzHvysMo5N5VsXc",
        StatusText("ok", "In GHL"),
        "/console/contacts/acme/600123",
        NOW - 4 * MINUTE,
    ),
    ContactRow(
        "Adam Smith",
        "adam.smith.of.the.very.long.estate@example-realty.com",
        "",
        "borealis",
        "600124",
        "",
        StatusText("bad", "Parked: GHL refused"),
        "#",
        NOW - 40 * MINUTE,
    ),
    ContactRow(
        "Adaline Grace", "", "+1 206 555 0144", "acme", "600125", "", StatusText("busy", "On its way"), "#", NOW - 1_000
    ),
    ContactRow("", "", "", "acme", "600126", "", StatusText("idle", "Deleted in Lofty"), "#", NOW - 40 * 86_400_000),
)
SEARCH = SearchView("ada", "", ("acme", "borealis"), _FOUND, True, 12_480, 3.4)
NOTHING_FOUND = SearchView("nobody", "", ("acme",), (), False, 12_480, 1.2)

TIMELINE = TimelineView(
    "Ada Lovelace",
    "ada@example.com",
    "+1 206 555 0142",
    "acme",
    "600123",
    "ocQHyuzHvysMo5N5VsXc",
    StatusText("bad", "Not in GHL as Lofty has it"),
    "GHL refused the phone number: “phone must be a valid phone number”. It waits for you since 4 min.",
    (
        Hyperlink("Open the parked record", "/console/parked/3@41"),
        Hyperlink("What would be written?", "/console/mapping/acme?leads=600123"),
    ),
    (
        WaitingEntity("contact", "a person: GHL refused it", "bad", "/console/parked/3@41"),
        WaitingEntity("note 881", "its contact, which is not in GHL yet", "idle"),
    ),
    (
        EntityInGhl("contact", "is in GHL, a newer state is on its way", "ocQHyuzHvysMo5N5VsXc"),
        EntityInGhl("note 880", "is in GHL", "n0te1"),
        EntityInGhl("task 12", "was deleted"),
    ),
    (
        TimelineStep(
            NOW - 4 * MINUTE,
            "parked",
            "Parked",
            "bad",
            "contact",
            "GHL refused: phone must be a valid phone number",
            status=400,
            place="parked/3@41",
            trace_id="0f2c-77",
            href="/console/parked/3@41",
        ),
        TimelineStep(
            NOW - 4 * MINUTE - 20,
            "write",
            "GHL refused",
            "bad",
            "contact",
            "phone must be a valid phone number",
            ("phone", "lastName"),
            400,
            json.dumps({"phone": "12", "lastName": "Lovelace"}, indent=2),
            json.dumps({"statusCode": 400, "message": "phone must be a valid phone number"}, indent=2),
            "0f2c-77",
            "ghl.receipts/2@118",
        ),
        TimelineStep(
            NOW - 4 * MINUTE - 400,
            "read",
            "Read from Lofty",
            "idle",
            "contact",
            "fingerprint 8f2e11aa",
            place="lofty.snapshots/2@77",
        ),
        TimelineStep(
            NOW - 4 * MINUTE - 900,
            "change",
            "Lofty told",
            "idle",
            "contact",
            "contact updated, by webhook",
            place="lofty.changes/1@301",
        ),
        TimelineStep(
            NOW - 86_400_000,
            "write",
            "Written to GHL",
            "ok",
            "note 880",
            "created",
            ("body",),
            201,
            place="ghl.receipts/2@90",
        ),
        TimelineStep(
            NOW - 86_400_000 - 800, "read", "Read from Lofty", "idle", "note 880", place="lofty.snapshots/2@60"
        ),
        TimelineStep(
            NOW - 3 * 86_400_000,
            "write",
            "Written to GHL",
            "ok",
            "contact",
            "created",
            ("firstName", "email", "tags"),
            201,
            place="ghl.receipts/2@70",
        ),
    ),
    (("contact", 5), ("note", 2)),
)

GROUP = CauseCard(
    "acme.deliver.refused",
    "GHL refuses the phone number",
    "Correct the number in Lofty: the lead is then tried again by itself. Or map the phone differently, and retry.",
    "acme",
    "deliver",
    "refused",
    18,
    NOW - 3 * 3_600_000,
    NOW - 4 * MINUTE,
    "phone must be a valid phone number",
    "/console/parked/group/acme.deliver.refused",
)
PARKED = CausesView(
    (
        GROUP,
        replace(
            GROUP,
            key="b.intake.unknown",
            title="Webhook of an unknown shape",
            help="Lofty sent something that lofty-ghl does not know. Its bytes are kept. Retry after an update, or discard.",
            connection="borealis",
            count=6,
            words="expected an object with leadId, got a list",
        ),
        replace(
            GROUP,
            key="c.fetch.missing",
            title="Lead not found in Lofty",
            help="It may be hidden from the API key's owner.",
            count=1,
            words="404: lead not exist",
        ),
    ),
    25,
)
PARKED_GROUP = CauseView(
    GROUP,
    tuple(
        ParkedRecordRow(
            f"3@{41 + index}",
            f"Ada Lovelace {index}",
            "contact",
            "phone must be a valid phone number",
            400,
            NOW - index * MINUTE,
            f"/console/parked/record/3@{41 + index}",
        )
        for index in range(6)
    ),
    None,
    Hyperlink("Older", "?offset=50"),
)
RECORD = ParkedRecordView(
    "3@41",
    "GHL refuses the phone number",
    "Correct the number in Lofty: the lead is then tried again by itself.",
    "Ada Lovelace",
    "acme",
    "deliver",
    "refused",
    "phone must be a valid phone number",
    400,
    "0f2c-77",
    "lofty.snapshots/2@77",
    "contact",
    NOW - 4 * MINUTE,
    json.dumps({"leadId": 600123, "firstName": "Ada", "phones": ["12"], "emails": ["ada@example.com"]}, indent=2),
    "JSON",
    2_130,
    True,
    "",
    "/console/contacts/acme/600123",
    "/console/parked/group/acme.deliver.refused",
    18,
)

MAPPINGS = MappingsView(
    (
        MappingRow("acme", "/console/mapping/acme", ("acme",), "v3", NOW - 3_600_000, "ann"),
        MappingRow("default", "/console/mapping/default", ("borealis",), "", None, "", True),
    ),
    (("acme", "acme"), ("borealis", "default")),
)
TEXT = """extends = "default"
custom_attributes = "none"

[fields]
firstName = "firstName"
lastName = { from = "lastName", transform = ["trim", { truncate = 40 }] }
phone = { from = "phones", transform = ["phone"] }
country = { value = "US" }
website = { from = "facebok" }
"custom:Lofty stage" = { from = "stage" }
"""
EDITOR = EditorView("acme", TEXT, "3", ("acme",), "acme", ("acme",), changed_ms=NOW - 3_600_000, changed_by="ann")
EDITOR_WRONG = replace(
    EDITOR,
    faults=(
        TextFault(
            9, "fields.website.from", "expected a field of a Lofty lead, got 'facebok'", "did you mean 'facebook'?"
        ),
    ),
    is_checked=True,
)
EDITOR_PREVIEW = replace(
    EDITOR,
    is_checked=True,
    previews=(
        LeadPreview(
            "Ada Lovelace",
            "600123",
            "acme",
            "/console/contacts/acme/600123",
            (
                FieldPreview("firstName", "Ada", "Ada", "", "stays"),
                FieldPreview("lastName", " Lovelace ", "Lovelace", "Byron", "is written", True),
                FieldPreview("phone", "206-555-0142", "+12065550142", "", "stays"),
                FieldPreview("country", "", "US", "", "is written", True),
                FieldPreview("custom:Lofty stage", "New Leads", "New Leads", "", "stays"),
                FieldPreview("dateOfBirth", "31.02.1990", "", "", "left out", flag="cannot be read as a date"),
            ),
            2,
            empty=("address1", "city", "Lofty pond"),
        ),
    ),
)
EDITOR_CONFLICT = replace(
    EDITOR,
    conflict=SaveConflict(
        "bob",
        NOW - 2 * MINUTE,
        "4",
        TEXT,
        (
            DiffLine("same", "[fields]"),
            DiffLine("removed", 'country = { value = "CA" }'),
            DiffLine("added", 'country = { value = "US" }'),
        ),
    ),
)
EDITOR_SAVED = replace(
    EDITOR, saved=Hyperlink("Replay the snapshots", "/console/replay?topic=lofty.snapshots"), is_checked=True
)

BACKFILL = BackfillsView(
    (
        BackfillCard(
            "acme",
            StatusText("busy", "Running"),
            "12 480 leads: about 1 h 40 min at 500 requests a minute.",
            False,
            ProgressBar(0.37, "4 620 of 12 480 leads read, 210 changes found", "1 h 3 min left"),
        ),
        BackfillCard(
            "borealis",
            StatusText("idle", "Not running"),
            "Lofty tells with the first page how many leads there are.",
            True,
            None,
            "Last: 3 100 leads, 12 changes",
            NOW - 8 * 86_400_000,
        ),
    )
)
_COUNTS = (("Looked at", 12_480), ("Would be written", 412), ("Unchanged", 12_060), ("Parked", 8))
REPLAY = ReplayView(
    ReplayForm(rate="200"),
    (
        ("lofty.snapshots", "Snapshots: what Lofty said"),
        ("lofty.changes", "Changes: read from Lofty anew"),
        ("parked", "Parked records"),
    ),
    ("acme", "borealis"),
    ("refused", "unreadable"),
    DryRunView(
        StatusText("ok", "Done"),
        12_480,
        _COUNTS,
        (FieldCount("lastName", 380), FieldCount("country", 412), FieldCount("custom:Lofty stage", 12)),
        (ReplayExample("Ada Lovelace", "contact", "update", "lastName, country", "/console/contacts/acme/600123"),),
        "It took 2.1 s and asked no vendor.",
        412,
        "A replay of these takes about 1 min at 200 records a second.",
    ),
    (
        ReplayRun(
            "r1",
            StatusText("busy", "Running"),
            "Snapshots of acme",
            "ann",
            NOW - MINUTE,
            ProgressBar(0.62, "7 738 of 12 480 records", "24 s left"),
            True,
            counts=(("Handed on", 7_738),),
        ),
        ReplayRun(
            "r0",
            StatusText("ok", "Done"),
            "Changes of lead 600123",
            "bob",
            NOW - 3 * 3_600_000,
            ProgressBar(1.0, "14 of 14 records"),
            False,
        ),
    ),
)

AUDIT = AuditView(
    (
        AuditRow(
            NOW - MINUTE,
            "ann",
            "operator",
            "retried",
            "18 parked records",
            StatusText("ok", ""),
            "10.0.0.7",
            (("cause", "refused at deliver, acme"),),
        ),
        AuditRow(
            NOW - 9 * MINUTE,
            "bob",
            "viewer",
            "tried to discard",
            "6 parked records",
            StatusText("bad", "refused: a viewer may not"),
            "10.0.0.9",
        ),
        AuditRow(NOW - 3_600_000, "ann", "operator", "saved the mapping", "acme", StatusText("ok", ""), "10.0.0.7"),
        AuditRow(NOW - 86_400_000, "ann", "operator", "signed in", "", StatusText("ok", ""), "10.0.0.7"),
    ),
    "",
    ("ann", "bob"),
    None,
    Hyperlink("Older", "?before=1"),
)

SAMPLES: tuple[Sample, ...] = (
    Sample(
        "sign-in",
        "sign_in.html",
        SignInView("token", "ann", "Name or password is wrong.", provider="Okta", provider_href="/console/oidc/start"),
        {},
    ),
    Sample("overview", "overview.html", OVERVIEW, {}),
    Sample("overview-empty", "overview.html", EMPTY_OVERVIEW, {}),
    Sample("connections", "connections.html", CONNECTIONS, {}),
    Sample("connections-empty", "connections.html", ConnectionsView(()), {}),
    Sample("contacts", "contacts.html", SEARCH, {}),
    Sample("contacts-none", "contacts.html", NOTHING_FOUND, {}),
    Sample("timeline", "timeline.html", TIMELINE, {}),
    Sample("parked", "parked.html", PARKED, {}),
    Sample("parked-empty", "parked.html", CausesView((), 0), {}),
    Sample("parked-group", "parked_group.html", PARKED_GROUP, {}),
    Sample("parked-record", "parked_record.html", RECORD, {}),
    Sample(
        "question",
        "question.html",
        Question(
            "Discard 18 records?",
            "They are not tried again by this console. The leads are tried again when they change in Lofty.",
            "/console/parked/discard",
            "Discard 18 records",
            "/console/parked",
            is_dangerous=True,
        ),
        {},
    ),
    Sample("mappings", "mappings.html", MAPPINGS, {}),
    Sample("editor", "editor.html", EDITOR, {}),
    Sample("editor-wrong", "editor.html", EDITOR_WRONG, {}),
    Sample("editor-preview", "editor.html", EDITOR_PREVIEW, {}),
    Sample("editor-conflict", "editor.html", EDITOR_CONFLICT, {}),
    Sample("editor-saved", "editor.html", EDITOR_SAVED, {}),
    Sample("backfill", "backfill.html", BACKFILL, {}),
    Sample("replay", "replay.html", REPLAY, {}),
    Sample("audit", "audit.html", AUDIT, {}),
    Sample("audit-empty", "audit.html", AuditView((), "", ()), {}),
    Sample(
        "trouble",
        "trouble.html",
        ErrorView(
            404,
            "There is nothing here",
            "The address is wrong, or what stood here is gone.",
            (Hyperlink("Go to the overview", "/console/"),),
        ),
        {},
    ),
)


FREE = frozenset(
    {
        "name",
        "who",
        "email",
        "phone",
        "words",
        "lofty",
        "mapped",
        "now",
        "original",
        "request",
        "answer",
        "text",
        "wanted",
    }
    | {"because", "what"}
)
"""The fields of views whose text comes from outside."""


def hostile(view: Any, first: int) -> Any:
    """The same view with hostile texts in all that comes from outside, one after another, beginning with the `first`."""
    words = cycle((*HOSTILE[first:], *HOSTILE[:first]))

    def changed(value: Any, name: str = "") -> Any:
        if isinstance(value, tuple):
            return tuple(changed(one) for one in value)
        if isinstance(value, str):
            return next(words) if value and name in FREE else value
        names = getattr(value, "__dataclass_fields__", ())
        return replace(value, **{one: changed(getattr(value, one), one) for one in names}) if names else value

    return changed(view)


__all__ = ["HOSTILE", "NOW", "SAMPLES", "Notice", "Sample", "hostile", "page_context"]
