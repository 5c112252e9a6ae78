"""A view of every page, filled as a busy day fills it, and once more with hostile values."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

from streams.console.auth.people_access import AccountSeen
from streams.console.errors import Fault
from streams.console.pages.views.audit_view import AuditRow, AuditView
from streams.console.pages.views.backfill_view import BackfillCard, BackfillsView
from streams.console.pages.views.conflicts_view import ConflictsView, conflicts_view
from streams.console.pages.views.connection_acts_view import bulk_run_view, question
from streams.console.pages.views.connection_form import ConnectionForm, groups_of
from streams.console.pages.views.connection_import_view import ConnectionImportView, import_view
from streams.console.pages.views.connections_list import ListChoice, connection_list
from streams.console.pages.views.connections_view import ConnectionCard, ConnectionsView, VendorAccess
from streams.console.pages.views.contacts_view import (
    EntityInGhl,
    TimelineStep,
    TimelineView,
    WaitingEntity,
)
from streams.console.pages.views.installations_view import LocationForm, installations_view
from streams.console.pages.views.leads_view import LeadChoice, leads_view, no_leads
from streams.console.pages.views.mapping_field_view import field_form
from streams.console.pages.views.mapping_table_view import MappingTableView, PastEdit, table_row
from streams.console.pages.views.mapping_view import DiffLine, EditorView, FieldPreview, LeadPreview, SaveConflict
from streams.console.pages.views.notifications_view import NotificationsView, notifications_view
from streams.console.pages.views.overview_view import (
    ApiLimit,
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
from streams.console.pages.views.parked_causes import Cause
from streams.console.pages.views.parked_view import (
    CauseCard,
    CausesView,
    CauseView,
    ParkedRecordRow,
    ParkedRecordView,
    retry_card,
)
from streams.console.pages.views.people_view import (
    AccountView,
    MadeSecret,
    PeopleView,
    WelcomeView,
    account_card,
)
from streams.console.pages.views.recipient_form import RecipientForm
from streams.console.pages.views.replay_view import DryRunView, ReplayExample, ReplayForm, ReplayRun, ReplayView
from streams.console.pages.views.sign_in_view import KeptFormView, SignInView
from streams.console.pages.views.verification_view import verification_view, verifications_view
from streams.console.services.audit import ActSeen
from streams.console.services.bulk_acts import BulkRow, BulkRun
from streams.console.services.conflicts import ConflictList
from streams.console.services.connection_edits import EditableConnection
from streams.console.services.connection_imports import ImportedRow, ImportReport
from streams.console.services.connections import ConnectionState, Setting, SideState
from streams.console.services.contacts import Timeline
from streams.console.services.installations import InstalledAccount, WaitingLocation
from streams.console.services.lead import Lead
from streams.console.services.leads import LeadChoices, LeadPage
from streams.console.services.mapping_table import LeadExample
from streams.console.services.parked import ParkedGroup, ParkedRecord, ParkedRow
from streams.console.services.recipient_state import NotificationsState, RecipientState, WaitingMessage
from streams.console.services.replay import ReplayState
from streams.console.services.retry_outcomes import RetryOutcome
from streams.console.services.verdict import Answer
from streams.console.services.verifications import Verification as VerificationRun
from streams.console.services.verifications import result_from
from streams.core.to_ghl.directory import Directory
from streams.mapping_versions.form.rows import rows_of
from streams.mapping_versions.listing import MappingState, MappingText
from streams.mapping_versions.problems import TextProblem
from streams.messages.notification import NotificationTest, SentMessage
from streams.messages.worker_status import BudgetStatus
from streams.operations.conflicts.open_conflicts import ConflictItem, ConflictPerson
from streams.operations.history.index.lead_rows import LeadState
from streams.operations.history.timeline import Event
from tests.browser import samples_of_catalogue, samples_of_doctor, samples_of_runs, samples_of_steps

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
        conflicts=3,
    )


def _series(base: float, swing: float) -> list[tuple[int, float | None]]:
    return [
        (
            NOW - (180 - at) * 2 * MINUTE // 2,
            None if 70 <= at < 74 else max(0.0, base + swing * (((at * 37) % 23) / 23 - 0.4) + (at % 60) * swing / 90),
        )
        for at in range(0, 181, 2)
    ]


def _budget(dispatcher: str, used: int, limit: int, quota: int | None = None) -> BudgetStatus:
    return BudgetStatus.model_validate(
        {
            "dispatcher": dispatcher,
            "budget": "b",
            "window_used": used,
            "window_limit": limit,
            "window_seconds": 10,
            "quota_limit": quota,
        }
    )


def _card(
    title: str, help_text: str, connection: str, count: int, href: str, oldest_ms: int, words: str = ""
) -> CauseCard:
    group = ParkedGroup(connection, "deliver", title, count, oldest_ms, NOW - 4 * MINUTE, words)
    return CauseCard(group, Cause(title, help_text), connection, urlencode({"reason": title}), href)


def _replay(run: str, state: str, began_ms: int) -> ReplayState:
    return ReplayState(run, "lofty.snapshots", "", {}, "ann", began_ms, NOW, state, 12_480, 7_738, 0, 0, "")


OVERVIEW = OverviewView(
    verdict=StatusText("ok", "Running, and up to date"),
    because=("Changes reach GHL within 2.4 s.", "27 problems need attention."),
    next_steps=(Hyperlink("See what needs attention", "/console/parked"),),
    numbers=(
        Figure("In GHL", "12 480", "contacts", "/console/contacts"),
        Figure("Written today", "3 214", "98 unchanged"),
        Figure("Freshness", "2.4 s", "99 of 100 changes"),
        Figure("Waiting", "18", "4 being written"),
        Figure("Needs attention", "27", "3 causes", "/console/parked"),
    ),
    stages=(
        StageCard("intake", "From Lofty", 41.5, 0, None, StatusText("ok", "")),
        StageCard("dedupe", "Without repeats", 36.0, 0, None, StatusText("ok", "")),
        StageCard("read", "Read from Lofty", 22.4, 4, 1.2, StatusText("ok", "")),
        StageCard(
            "write", "Written to GHL", 19.8, 14, 210.0, StatusText("warn", "Paused: 429"), "acme: until 14:02:40"
        ),
        StageCard("record", "Confirmed", 19.8, 0, None, StatusText("ok", "")),
    ),
    back_stages=(
        StageCard("event", "From GHL", 3.0, 0, None, StatusText("ok", "")),
        StageCard("respond", "Processed", 3.0, 0, None, StatusText("ok", "")),
        StageCard("write back", "Written to Lofty", 0.0, 0, None, StatusText("ok", "")),
    ),
    oldest=OldestChange(
        "Ada Lovelace", "/console/contacts/acme/600123", NOW - 210_000, "its turn to be written to GHL"
    ),
    no_oldest="",
    limits=(
        ApiLimit(
            _budget("write", 82, 100, 200_000),
            "acme",
            "GHL",
            "requests in 10 s",
            41_200,
            StatusText("warn", "Paused for 20 s: 429"),
            14,
            "resets in 9 h 4 min",
        ),
        ApiLimit(_budget("read", 120, 500), "our-app", "Lofty", "requests a minute", waiting=4),
        ApiLimit(
            _budget("write", 3, 100, 200_000), "borealis", "GHL", "requests in 10 s", 1_200, None, 0, "resets in 9 h"
        ),
    ),
    plots=(
        Plot("Changes in GHL", "a minute", _series(18, 14), "written, last 3 h"),
        Plot("Freshness", "s", _series(2.2, 1.9), "99 of 100 changes, last 3 h"),
        Plot("Waiting", "changes", _series(12, 30), "not yet in GHL, last 3 h"),
        Plot("Needs attention", "problems", [(NOW - MINUTE, None)], "open, last 3 h"),
    ),
    causes=(
        _card("GHL refuses the phone number", "", "acme", 18, "/console/parked/group/1", NOW - 3 * 3_600_000),
        _card("Webhook of an unknown shape", "", "borealis", 6, "/console/parked/group/2", NOW - 40 * MINUTE),
        _card("Lead not found in Lofty", "", "acme", 3, "/console/parked/group/3", NOW - 12 * MINUTE),
    ),
    workers=(
        WorkerRow("worker-7f3a", StatusText("ok", "working"), 6, NOW - 1_200),
        WorkerRow("worker-91bc", StatusText("warn", "no report"), 6, NOW - 45_000),
    ),
    measured_ms=NOW - 900,
)

EMPTY_OVERVIEW = OverviewView(
    verdict=StatusText("bad", "The sync engine is not running"),
    because=("No worker reports. Changes from Lofty and GHL are kept, and synced once one runs.",),
    next_steps=(),
    numbers=(Figure("In GHL", "0", "contacts"), Figure("Waiting", "0"), Figure("Needs attention", "0")),
    stages=OVERVIEW.stages[:1],
    back_stages=(),
    oldest=None,
    no_oldest="Not known while the sync engine is not running. Nothing is lost: changes are kept.",
    limits=(),
    plots=(),
    causes=(),
    workers=(),
    measured_ms=NOW,
)

NEW_OVERVIEW = replace(
    EMPTY_OVERVIEW,
    verdict=StatusText("idle", "No connection works yet"),
    because=("A connection carries the leads of one Lofty team to one GoHighLevel location.",),
    next_steps=(Hyperlink("See connections", "/console/connections"),),
    workers=OVERVIEW.workers[:1],
    is_empty=True,
)

CONNECTIONS = ConnectionsView(
    (
        ConnectionCard(
            ConnectionState(
                "acme",
                "US",
                "acme",
                (lofty := SideState("lofty", "123456", "token", True, "connected with an API key")),
                (
                    ghl := SideState(
                        "ghl",
                        "ve9EPM428h8vShlRW1KT",
                        "oauth",
                        True,
                        "connected by OAuth",
                        ("contacts.readonly", "contacts.write", "locations/customFields.readonly", "users.readonly"),
                        ("locations/customFields.write",),
                        NOW + 9 * 3_600_000,
                    )
                ),
                "full",
                NOW - 9 * MINUTE,
                NOW - 6 * 3_600_000,
                21,
                (Setting("GHL limit", "100 requests in 10 s"),),
            ),
            StatusText("warn", "Works, with a missing permission"),
            VendorAccess(lofty, "Lofty", "team 123456", "Connected with an API key", StatusText("ok", "Connected")),
            VendorAccess(
                ghl,
                "GHL",
                "location ve9EPM428h8vShlRW1KT",
                "Connected by OAuth",
                StatusText("warn", "1 permission missing"),
                "/console/connect/ghl/acme",
            ),
            "checking all leads",
            12_480,
            14,
        ),
        ConnectionCard(
            ConnectionState(
                "borealis",
                "US",
                "default",
                (lofty := SideState("lofty", "777001", "oauth", True, "connected by OAuth")),
                (ghl := SideState("ghl", "loc-borealis", "oauth", False, "nobody has granted access yet")),
                "",
                0,
                0,
                0,
                (),
            ),
            StatusText("bad", "Waiting for access to GHL"),
            VendorAccess(
                lofty,
                "Lofty",
                "team 777001",
                "Connected by OAuth",
                StatusText("ok", "Connected"),
                "/console/connect/lofty/borealis",
            ),
            VendorAccess(
                ghl,
                "GHL",
                "location loc-borealis",
                "Nobody has granted access yet",
                StatusText("bad", "Not connected"),
                "/console/connect/ghl/borealis",
            ),
            "none yet",
            None,
            None,
        ),
    )
)
MANY = tuple(
    replace(one, connection=replace(one.connection, name=f"{one.connection.name}-{number}"))
    for number in range(100)
    for one in CONNECTIONS.connections
)


IMPORTED = import_view(
    ImportReport(
        True,
        2,
        1,
        2,
        (
            ImportedRow(2, "harbor-realty", "new", (), (), ""),
            ImportedRow(3, "acme-west", "new", ("ghl_token",), (), ""),
            ImportedRow(4, "acme", "unchanged", (), (), "it is in the configuration file"),
            ImportedRow(
                *(5, "borealis", "refused", ()),
                (
                    Fault("region", "a region's two letters", "'Texas'", "such as US or CA", 5),
                    Fault("ghl_token", "GHL's private token", "nothing", "paste it again, alone", 5),
                ),
                "",
            ),
            ImportedRow(6, "", "refused", (), (Fault("name", "the connection's name", "nothing", "", 6),), ""),
        ),
    ),
    sealed="sealed",
)
_WAITING = WaitingLocation("ve9EPM428h8vShlRW1KT", "Harbor Realty", "company-1", "company", NOW - 3_600_000, "")
INSTALLATIONS = installations_view(
    (
        _WAITING,
        WaitingLocation("loc-west", "", "loc-west", "location", NOW - 60_000, ""),
        WaitingLocation("loc-acme", "Acme Homes", "company-1", "company", NOW - 3_600_000, "acme"),
    ),
    (
        InstalledAccount("loc-west", "location", 1, NOW - 60_000),
        InstalledAccount("company-1", "company", 2, NOW - 3_600_000),
    ),
    LocationForm(
        *(_WAITING, "Not a name", "123456", "The connection is not right."),
        (Fault("name", "a name of small letters, digits, dashes and underscores", "'Not a name'"),),
    ),
)
UNREADABLE = ConnectionImportView(
    "The table cannot be read, so nothing was done.",
    "bad",
    faults=(Fault("the headers", "a known column", "'regoin'", "did you mean 'region'?", 1),),
)
_FAULTS = (
    Fault("connections.borealis.region", "a region's two letters", "'Texas'", "such as US or CA"),
    Fault("connections.borealis.ghl.requests_per_day", "a whole number of at least 1", "'many'"),
    Fault("connections.borealis.tags.prefix", "a text", "7"),
)
_SETTINGS = {
    "lofty": {"team_id": "777001", "auth": "oauth"},
    "ghl": {"location_id": "loc-borealis", "requests_per_day": "many"},
    "region": "Texas",
}
CONNECTION_FORM = ConnectionForm(
    EditableConnection("borealis", "borealis-west", 3, "console", False, _SETTINGS, ("ghl_token",)),
    "",
    "borealis-west",
    "3",
    groups_of(_SETTINGS, ("default", "acme"), _FAULTS, is_new=False),
    needs=("ghl_token",),
    problem="Nothing was saved: 3 problems to fix.",
    faults=_FAULTS[2:],
)
NEW_CONNECTION = ConnectionForm(
    None, "", "", "0", groups_of({}, ("default", "acme"), is_new=True), needs=("lofty_api_key", "ghl_token")
)


def _lead(lead: str, name: str, state: LeadState, ago_ms: int, connection: str = "acme", **more: Any) -> Lead:
    values = {
        "emails": (),
        "phones": (),
        "agent": "",
        "tags": (),
        "ghl_id": "",
        **more,
    }
    ghl = f"https://app.gohighlevel.com/v2/location/loc/contacts/detail/{values['ghl_id']}" if values["ghl_id"] else ""
    return Lead(
        *(connection, connection, lead, name),
        state=state,
        read_ms=NOW - ago_ms,
        pending=int(state == "waiting"),
        parked=int(state == "attention"),
        lofty_url=f"https://crm.lofty.com/admin/home/detail?leadId={lead}",
        ghl_url=ghl,
        **values,  # type: ignore[arg-type]  # texts and tuples by their fields' names
    )


_LEADS = (
    _lead(
        *("600123", "Ada Lovelace", "synced", 4 * MINUTE),
        emails=("ada@example.com",),
        phones=("+1 206 555 0142",),
        agent="Grace Hopper",
        tags=("Buyer", "Open house", "Relocating in the spring", "VIP", "Zillow"),
        ghl_id="ocQHyuzHvysMo5N5VsXc",
    ),
    _lead(
        *("600124", "Adam Smith", "attention", 40 * MINUTE, "borealis"),
        emails=("adam.smith.of.the.very.long.estate@example-realty.com",),
        agent="Ben Franklin-Washington of the Northern Office",
    ),
    _lead("600125", "Adaline Grace", "waiting", 1_000, phones=("+1 206 555 0144",), tags=("Seller",)),
    _lead("600127", "Ida Noether", "conflict", 3 * MINUTE, emails=("ida@example.com",), ghl_id="x7"),
    _lead("600128", "Emmy Noether", "absent", 9 * MINUTE),
    _lead("600126", "", "deleted", 40 * 86_400_000),
)
_LEAD_COUNTS: dict[LeadState, int] = {
    "synced": 12_300,
    "waiting": 41,
    "attention": 43,
    "absent": 80,
    "conflict": 6,
    "deleted": 10,
}
_TWO = (("acme", "acme"), ("borealis", "borealis"))
_CHOICES = LeadChoices(("Ben Franklin-Washington of the Northern Office", "Grace Hopper"), ("Buyer", "Seller"))
_LEAD_PAGE = LeadPage(_LEADS, "1.2.0", _LEAD_COUNTS, 12_480, 3.4, True, 0)
LEADS = leads_view(LeadChoice(), _TWO, _LEAD_PAGE, _CHOICES)
LEADS_FILTERED = leads_view(
    LeadChoice(connection="acme", state="synced", agent="Grace Hopper", tag="buyer", since="2026-01-02", after="1.2.0"),
    _TWO,
    replace(_LEAD_PAGE, leads=_LEADS[:1]),
    _CHOICES,
)
SEARCH = leads_view(LeadChoice("ada"), _TWO, _LEAD_PAGE, _CHOICES)
NOTHING_FOUND = leads_view(LeadChoice("nobody"), _TWO[:1], replace(_LEAD_PAGE, leads=(), after=""), _CHOICES)
NO_LEADS = leads_view(
    LeadChoice(), (), replace(_LEAD_PAGE, leads=(), after="", counts=dict.fromkeys(_LEAD_COUNTS, 0), known=0), _CHOICES
)
LEADS_REFUSED = no_leads(LeadChoice("a"), _TWO, "Type at least 2 characters.")

_CONTACT = "acme:600123:contact:600123"
_NOTE = "acme:600123:note:880"


def _event(
    ago_ms: int, stage: str, place: str, entity: str = _CONTACT, status: int | None = None, answer: str = ""
) -> Event:
    trace = "0f2c-77" if status == 400 else ""
    return Event(NOW - ago_ms, entity, stage, "", place, status=status, answer=answer, trace_id=trace)


_REFUSAL = json.dumps({"statusCode": 400, "message": "phone must be a valid phone number"}, indent=2)
_DAY = 86_400_000
TIMELINE = TimelineView(
    story=Timeline(
        connection="acme",
        lead="600123",
        name="Ada Lovelace",
        emails=("ada@example.com",),
        phones=("+1 206 555 0142",),
        ghl_id="ocQHyuzHvysMo5N5VsXc",
        is_gone=False,
        answer=Answer("bad", "Not in GHL as Lofty has it"),
        events=(),
        standing=(),
        pending=(),
        is_cut=False,
        source="index",
        took_ms=1.0,
        is_complete=True,
        parked_ids=("3@41",),
    ),
    name="Ada Lovelace",
    because="GHL refused the phone number: “phone must be a valid phone number”. It waits for you since 4 min.",
    next_steps=(
        Hyperlink("Open the problem", "/console/parked/3@41"),
        Hyperlink("What would be written?", "/console/mapping/acme?leads=600123"),
    ),
    waiting=(
        WaitingEntity("contact", "a person: GHL refused it", "bad", "/console/parked/3@41"),
        WaitingEntity("note 881", "its contact, which is not in GHL yet", "idle"),
    ),
    in_ghl=(
        EntityInGhl("contact", "is in GHL, a newer state is on its way", "ocQHyuzHvysMo5N5VsXc"),
        EntityInGhl("note 880", "is in GHL", "n0te1"),
        EntityInGhl("task 12", "was deleted"),
    ),
    steps=(
        TimelineStep(
            _event(4 * MINUTE, "parked", "parked/3@41", status=400),
            "Parked",
            "bad",
            "contact",
            "GHL refused: phone must be a valid phone number",
            href="/console/parked/3@41",
        ),
        TimelineStep(
            _event(4 * MINUTE + 20, "write", "ghl.receipts/2@118", status=400, answer=_REFUSAL),
            "GHL refused",
            "bad",
            "contact",
            "phone must be a valid phone number",
            ("phone", "lastName"),
            json.dumps({"phone": "12", "lastName": "Lovelace"}, indent=2),
        ),
        TimelineStep(
            _event(4 * MINUTE + 400, "read", "lofty.snapshots/2@77"),
            "Read from Lofty",
            "idle",
            "contact",
            "fingerprint 8f2e11aa",
        ),
        TimelineStep(
            _event(4 * MINUTE + 900, "change", "lofty.changes/1@301"),
            "Lofty reported a change",
            "idle",
            "contact",
            "contact updated, by webhook",
        ),
        TimelineStep(
            _event(_DAY, "write", "ghl.receipts/2@90", _NOTE, 201),
            "Written to GHL",
            "ok",
            "note 880",
            "created",
            ("body",),
        ),
        TimelineStep(_event(_DAY + 800, "read", "lofty.snapshots/2@60", _NOTE), "Read from Lofty", "idle", "note 880"),
        TimelineStep(
            _event(3 * _DAY, "write", "ghl.receipts/2@70", status=201),
            "Written to GHL",
            "ok",
            "contact",
            "created",
            ("firstName", "email", "tags"),
        ),
    ),
    kinds=(("contact", 5), ("note", 2)),
    more=Hyperlink("Show 260 older lines", "/console/contacts/acme/600123?lines=all#more"),
    lofty_href="https://crm.lofty.com/admin/home/detail?leadId=600123",
    ghl_href="https://app.gohighlevel.com/v2/location/loc/contacts/detail/ocQHyuzHvysMo5N5VsXc",
)

GROUP = _card(
    "GHL refuses the phone number",
    "Correct the number in Lofty: the lead is then retried by itself. Or map the phone differently, and retry.",
    "acme",
    18,
    "/console/parked/group/acme.deliver.refused",
    NOW - 3 * 3_600_000,
    "phone must be a valid phone number",
)
RETRY = retry_card(RetryOutcome("r1", NOW - MINUTE, "ann", 43, 12, 3, 28, 0))
KEPT_FORM = KeptFormView(
    "/console/mapping/acme", "a-token", (("text", "extends = 1\n"), ("do", "check")), (("text", "extends = 1\n"),)
)
PARKED = CausesView(
    (
        GROUP,
        _card(
            "Webhook of an unknown shape",
            "Lofty sent something that lofty-ghl does not know. We kept a copy. Retry after an update, or discard.",
            "borealis",
            6,
            "/console/parked/group/b.intake.unknown",
            NOW - 3 * 3_600_000,
            "expected an object with leadId, got a list",
        ),
        _card(
            "Lead not found in Lofty",
            "It may be hidden from the API key's owner.",
            "acme",
            1,
            "/console/parked/group/c.fetch.missing",
            NOW - 3 * 3_600_000,
            "404: lead not exist",
        ),
    )
)
PARKED_GROUP = CauseView(
    GROUP,
    tuple(
        ParkedRecordRow(
            ParkedRow(
                f"3@{41 + index}",
                "acme",
                "deliver",
                "refused",
                _CONTACT,
                "phone must be a valid phone number",
                400,
                NOW - index * MINUTE,
            ),
            f"Ada Lovelace {index}",
            "contact",
            f"/console/parked/record/3@{41 + index}",
        )
        for index in range(6)
    ),
    None,
    Hyperlink("Older", "?offset=50"),
)
RECORD = ParkedRecordView(
    record=ParkedRecord(
        id="3@41",
        connection="acme",
        stage="deliver",
        reason="refused",
        entity=_CONTACT,
        words="phone must be a valid phone number",
        status=400,
        trace_id="0f2c-77",
        source="lofty.snapshots/2@77",
        at_ms=NOW - 4 * MINUTE,
        original="",
        original_bytes=2_130,
        is_cut=False,
        is_open=True,
        same_cause=18,
    ),
    cause=GROUP.cause,
    who="Ada Lovelace",
    connection="acme",
    entity="contact",
    original=json.dumps(
        {"leadId": 600123, "firstName": "Ada", "phones": ["12"], "emails": ["ada@example.com"]}, indent=2
    ),
    original_form="JSON",
    contact_href="/console/contacts/acme/600123",
    group_href="/console/parked/group/acme.deliver.refused",
)

MAPPINGS = MappingState(
    3,
    3,
    (
        MappingText("acme", "", "edited", True, ("acme",), 3, NOW - 3_600_000, "ann"),
        MappingText("default", "", "built in", False, ("borealis",)),
    ),
    {"acme": "acme", "borealis": "default"},
    (),
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
VERIFIED = VerificationRun(
    id="ab12cd34",
    connection="acme",
    lead="",
    is_repair=False,
    by="ann",
    began_ms=NOW - 95_000,
    doing="reading",
    done=120,
    of=200,
)
FOUND = {
    "leads": 200,
    "fields_compared": 5_210,
    "requests": 604,
    "counts": {"ok": 598, "pending": 3, "parked": 1, "missing": 1, "different": 1},
    "findings": [
        {
            "entity": "acme:600123:contact:600123",
            "state": "different",
            "because": "",
            "differences": [{"field": "custom:Lofty stage", "wanted": "Hot", "found": None}],
            "advice": "",
            "repair": ["write"],
            "is_undecided": False,
        },
        {
            "entity": "acme:600124:note:77",
            "state": "missing",
            "because": "it was deleted in GHL",
            "differences": [],
            "advice": "write it again in Lofty",
            "repair": [],
            "is_undecided": False,
        },
    ],
    "mended": [
        {
            "entity": "acme:600125:contact:600125",
            "state": "different",
            "because": "",
            "differences": [{"field": "source", "wanted": "Zillow", "found": "by hand"}],
            "advice": "",
            "repair": ["write"],
            "is_undecided": False,
        }
    ],
    "left_out": {"Plan: no option of the field": 7},
    "remarks": ["the location has no calendar"],
    "unfinished": ["12 leads were not read in time"],
}
UNDECIDED = FOUND | {
    "counts": {"ok": 598, "conflict": 1},
    "findings": [
        {
            "entity": "acme:600124:contact:600124",
            "state": "conflict",
            "because": "phone: GHL contact c-Ann1204 has it, that of 600123",
            "differences": [],
            "advice": "nobody has decided: see `lofty-ghl conflicts`",
            "repair": [],
            "is_undecided": True,
        }
    ],
    "mended": [],
    "left_out": {},
    "remarks": [],
    "unfinished": [],
}
VERIFICATION_RUNNING = verification_view(VERIFIED)
VERIFICATION = verification_view(replace(VERIFIED, ended_ms=NOW, result=result_from(FOUND)))
VERIFICATION_UNDECIDED = verification_view(replace(VERIFIED, ended_ms=NOW, result=result_from(UNDECIDED)))
VERIFICATIONS = verifications_view(
    [VERIFIED, replace(VERIFIED, lead="600123", ended_ms=NOW, problem="Kafka cannot be used: timeout")],
    ["acme", "harbor"],
    "acme",
    "",
)

LEAD_EXAMPLE = LeadExample(
    "Ada Lovelace",
    {"firstName": "Ada", "stage": "Hot", "customAttributes": [{"attributeName": "Pool", "value": "Yes"}]},
)
MAPPING_ROWS = rows_of(
    "acme",
    {
        "acme": {
            "fields": {
                "source": {"value": "Lofty"},
                "state": False,
                "custom:Pool": "customAttributes[?attributeName=='Pool'].value | [0]",
                "custom:Emails": "length(emails)",
                "custom:Plan": {
                    "from": "(stage == 'Hot' && (preQual || mortgage)) || `null`",
                    "transform": [{"values": {"Yes": "ready", "*": "open"}}, "upper"],
                    "type": "SINGLE_OPTIONS",
                    "options": ["READY", "OPEN"],
                },
            }
        }
    },
)
MAPPING_TABLE = MappingTableView(
    name="acme",
    groups=tuple(
        (title, tuple(table_row(row, "acme", LEAD_EXAMPLE, Directory({"lofty stage": "f1"})) for row in rows))
        for title, rows in (
            ("Fields that every GHL contact has", [row for row in MAPPING_ROWS if not row.is_custom]),
            ("Custom fields of GHL", [row for row in MAPPING_ROWS if row.is_custom]),
        )
    ),
    used_by=("acme",),
    connection="acme",
    connections=("acme", "harbor"),
    example="Ada Lovelace",
    example_problem="",
    is_built_in=False,
    can_delete=True,
    history=(
        PastEdit(
            7,
            NOW - 60_000,
            "ann",
            (DiffLine("removed", 'source = "source"'), DiffLine("added", 'source = { value = "Lofty" }')),
            True,
        ),
        PastEdit(5, NOW - 90_000_000, "bob", (DiffLine("added", "state = false"),), False),
    ),
)
MAPPING_TABLE_BUILT_IN = replace(
    MAPPING_TABLE,
    name="default",
    is_built_in=True,
    used_by=(),
    can_delete=False,
    history=(),
    example="",
    example_problem="No lead of this connection has been read yet, so no values are shown.",
)
MAPPING_FIELD = field_form("acme", next(row for row in MAPPING_ROWS if row.name == "Plan"), (LEAD_EXAMPLE,))
MAPPING_FIELD_NEW = replace(
    MAPPING_FIELD,
    target="",
    title="New field",
    custom="Budgt",
    known_custom=("budget", "plan"),
    confirm=("“Budgt” (Money) in the location of acme. Did you mean 'budget'?",),
    problem="Choose a field of Lofty, or another source.",
)
MAPPING_FIELD_TEXT = replace(MAPPING_FIELD, why_text="it has the key unchecked")

EDITOR = EditorView("acme", TEXT, "3", ("acme",), "acme", ("acme",), changed_ms=NOW - 3_600_000, changed_by="ann")
EDITOR_WRONG = replace(
    EDITOR,
    faults=(
        TextProblem(9, 1, "fields.website.from", "a field of a Lofty lead", "'facebok'", "did you mean 'facebook'?"),
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
            flags=("Lofty Pre approval: 'no' is left out: GHL cannot tell it from 'Pre-approval'",),
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
            "not known yet: the first page from Lofty says how many leads there are.",
            True,
            None,
            "Last: 3 100 leads, 12 changes",
            NOW - 8 * 86_400_000,
        ),
    )
)
_COUNTS = (("Checked", 12_480), ("Would be written", 412), ("Unchanged", 12_060), ("Parked", 8))
REPLAY = ReplayView(
    ReplayForm(rate="200"),
    (
        ("lofty.snapshots", "Latest data from Lofty"),
        ("lofty.changes", "Changes: read from Lofty again"),
        ("parked", "What needs attention"),
    ),
    ("acme", "borealis"),
    ("refused", "unreadable"),
    DryRunView(
        StatusText("ok", "Done"),
        12_480,
        _COUNTS,
        (("lastName", 380), ("country", 412), ("Lofty stage", 12)),
        (ReplayExample("Ada Lovelace", "contact", "update", "lastName, country", "/console/contacts/acme/600123"),),
        "It took 2.1 s and asked no vendor.",
        412,
        "A replay of these takes about 1 min at 200 records a second.",
    ),
    (
        ReplayRun(
            _replay("r1", "running", NOW - MINUTE),
            StatusText("busy", "Running"),
            "Snapshots of acme",
            "ann",
            ProgressBar(0.62, "7 738 of 12 480 records", "24 s left"),
            True,
            counts=(("Updated", 7_738),),
        ),
        ReplayRun(
            _replay("r0", "done", NOW - 3 * 3_600_000),
            StatusText("ok", "Done"),
            "Changes of lead 600123",
            "bob",
            ProgressBar(1.0, "14 of 14 records"),
            False,
        ),
    ),
)


def _act(ago_ms: int, who: str, did: str, state: StatusText, role: str = "operator", **about: str) -> AuditRow:
    act = ActSeen("1", NOW - ago_ms, who, role, "password", "10.0.0.7", did, about, "done", "", NOW)
    return AuditRow(act, did, state, "10.0.0.7", tuple(about.items()))


AUDIT = AuditView(
    (
        _act(MINUTE, "ann", "retried problems", StatusText("ok", ""), cause="refused at deliver, acme"),
        _act(9 * MINUTE, "bob", "discarded parked records", StatusText("bad", "refused: a viewer may not"), "viewer"),
        _act(3_600_000, "ann", "saved a mapping", StatusText("ok", ""), mapping="acme"),
        _act(86_400_000, "ann", "signed in", StatusText("ok", "")),
    ),
    "",
    ("ann", "bob"),
    Hyperlink("Older", "?before=1"),
)

_ANN = ConflictPerson("acme", "600123", "Ann Vale", "ann.vale@example.com", "+15305550104")
_BEN = ConflictPerson("acme", "600124", "Ben Vale", "ben.vale@example.com", "+15305550104")
CONFLICTS = conflicts_view(
    ConflictList(
        (
            ConflictItem(_BEN, "phone", _BEN.phone, "left out", "c-Ben8821", "c-Ann1204", _ANN, "", ""),
            ConflictItem(_ANN, "email", _ANN.email, "shared", "", "c-Ben8821", _BEN, "", ""),
            ConflictItem(_ANN, "phone", _ANN.phone, "left out", "c-Ann1204", "c-Zoe3310", None, "", ""),
            ConflictItem(
                *(_BEN, "email", _BEN.email, "left out", "c-Ben8821", "c-Ann1204", _ANN, "same"),
                "Merge the contacts c-Ben8821 and c-Ann1204 in GHL: its API cannot. The merge is then followed by itself.",
            ),
        ),
        3,
    )
)

NOTIFICATIONS = notifications_view(
    NotificationsState(
        (
            RecipientState(
                *(
                    "operations",
                    "email",
                    ("ann@example.com", "bob@example.com"),
                    (),
                    (),
                    "21:00 to 07:00, but for the worst",
                ),
                *("08:00", 1, None),
                (
                    SentMessage(id="a", kind="news", at_ms=NOW - MINUTE, subject="acme: Lofty refuses our access"),
                    SentMessage(
                        id="b",
                        kind="summary",
                        at_ms=NOW - 7 * 3_600_000,
                        subject="lofty-ghl, daily summary: all is well",
                        attempts=3,
                        note="bob@example.com (550)",
                    ),
                ),
                NotificationTest(recipient="operations", at_ms=NOW - 86_400_000, by="ann"),
            ),
            RecipientState(
                *("acme-chat", "webhook", (), ("acme", "acne"), ("acne",), "", "", 0),
                WaitingMessage(
                    *("acme: Lofty refuses our access", NOW - 9 * MINUTE, 4, NOW - 9 * MINUTE, NOW + 3 * MINUTE),
                    "the webhook answered 404: no_service",
                ),
                (),
                NotificationTest(recipient="acme-chat", at_ms=NOW - MINUTE, by="ann", error="the webhook answered 404"),
            ),
            RecipientState(
                *("sales-chat-1f2e3d4c", "webhook", (), ("acme",), (), "21:00 to 07:00", "08:00", 0, None, (), None),
                *("Sales chat", "console", 3, "hooks.slack.com", "broke", "America/Chicago", NOW - MINUTE, "ann"),
            ),
        ),
        True,
        False,
    )
)
_SALES_CHAT = {
    "label": "Sales chat",
    "way": "webhook",
    "emails": "",
    "reports": "broke",
    "time_zone": "America/Chicago",
    "daily_summary": "08:00",
    "quiet_begin": "21:00",
    "quiet_end": "07:00",
    "but_worst": "yes",
}
RECIPIENT = RecipientForm(
    "sales-chat-1f2e3d4c", 3, _SALES_CHAT, ("acme", "paused"), ("acme", "harbor"), True, "hooks.slack.com"
)
NEW_RECIPIENT = RecipientForm("", 0, {"way": "email", "reports": "broke and recovered"}, None, ("acme", "harbor"), True)
WRONG_RECIPIENT = RecipientForm(
    *("", 0, {**_SALES_CHAT, "daily_summary": "22:00"}, (), ("acme", "harbor"), False),
    problem="The recipient is not right.",
    faults=(
        Fault("recipient", "a daily summary outside of the quiet hours", "another one", "not 22:00"),
        Fault("webhook_url", "a server on the internet", "an address of a private network"),
    ),
)

_LONG = "a-connection-with-a-long-name-of-one-agency"
PEOPLE = PeopleView(
    can_mail=True,
    people=tuple(
        map(
            account_card,
            (
                AccountSeen("ann", "admin", None, "file", "in use"),
                AccountSeen("nora@example.com", "operator", ("acme", _LONG), "console", "in use", None, 4, NOW, "ann"),
                AccountSeen("ben", "viewer", ("acme",), "console", "invited", NOW + 3_600_000, 5, NOW, "ann"),
                AccountSeen("zoe", "viewer", None, "console", "disabled", None, 6, NOW, "ann"),
            ),
        )
    ),
    programs=tuple(
        map(
            account_card,
            (
                AccountSeen("nightly", "viewer", None, "file", "in use", used_ms=NOW - 3_600_000),
                AccountSeen("report", "viewer", ("acme",), "console", "expired", NOW - 3_600_000, 7, NOW, "ann"),
            ),
        )
    ),
    connections=("acme", "harbor", _LONG),
    provider="Okta",
    used_since_ms=NOW - 7_200_000,
)
PEOPLE_MADE = replace(
    PEOPLE, made=MadeSecret("Link to set a password", "Send it to ben.", f"https://x.example/{'k' * 43}"), problem=""
)
ACCOUNT = AccountView("nora@example.com", "can edit", "acme", "a password", NOW, NOW + 3_600_000, is_editable=True)
ACCOUNT_OF_FILE = replace(
    ACCOUNT, is_editable=False, why_not="You are in the configuration file.", problem="Too short."
)
_BULK = (
    BulkRow("acme", "acme", "done", "All is as it should be: 12480 leads.", "a1"),
    BulkRow("borealis", "Borealis Realty of the Far North", "differs", "3 wrong, 0 repaired; 911 leads read.", "a2"),
    BulkRow("cascade", "cascade", "failed", "No worker answers: is one running?"),
    BulkRow("delta", "delta", "skipped", "It was paused already."),
    BulkRow("eagle", "eagle", "running"),
    BulkRow("foothills", "foothills"),
)
BULK_RUN = bulk_run_view(BulkRun(id="b1", act="compare", by="ann", began_ms=NOW - MINUTE, rows=_BULK))
BULK_QUESTION = question(
    "pause", [(f"c{number:03}", f"Agency {number}") for number in range(143)], "/console/connections"
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
    Sample("overview-new", "overview.html", NEW_OVERVIEW, {}),
    Sample("connections", "connections.html", connection_list(CONNECTIONS.connections, ListChoice()), {}),
    Sample("connections-many", "connections.html", connection_list(MANY, ListChoice(state="warn", page=1)), {}),
    Sample("connections-acts", "connection_acts.html", BULK_RUN, {}),
    Sample("connections-ask", "question.html", BULK_QUESTION, {}),
    Sample("connections-empty", "connections.html", connection_list((), ListChoice()), {}),
    Sample("connection-new", "connection_form.html", NEW_CONNECTION, {}),
    Sample("connection-settings", "connection_form.html", CONNECTION_FORM, {}),
    Sample("connection-import", "connection_import.html", IMPORTED, {}),
    Sample("installations", "installations.html", INSTALLATIONS, {}),
    Sample("installations-none", "installations.html", installations_view(()), {}),
    Sample("connection-import-new", "connection_import.html", UNREADABLE, {}),
    Sample("leads", "contacts.html", LEADS, {}),
    Sample("leads-filtered", "contacts.html", LEADS_FILTERED, {}),
    Sample("leads-none", "contacts.html", NO_LEADS, {}),
    Sample("leads-refused", "contacts.html", LEADS_REFUSED, {}),
    Sample("contacts", "contacts.html", SEARCH, {}),
    Sample("contacts-none", "contacts.html", NOTHING_FOUND, {}),
    Sample("timeline", "timeline.html", TIMELINE, {}),
    Sample("parked", "parked.html", PARKED, {}),
    Sample("parked-retried", "parked.html", replace(PARKED, retry=RETRY), {}),
    Sample("parked-empty", "parked.html", CausesView(()), {}),
    Sample("parked-group", "parked_group.html", PARKED_GROUP, {}),
    Sample("parked-record", "parked_record.html", RECORD, {}),
    Sample("conflicts", "conflicts.html", CONFLICTS, {}),
    Sample("conflicts-empty", "conflicts.html", ConflictsView((), 0, 0), {}),
    Sample("notifications", "notifications.html", NOTIFICATIONS, {}),
    Sample("notifications-empty", "notifications.html", NotificationsView(()), {}),
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
    Sample("verifications", "verifications.html", VERIFICATIONS, {}),
    Sample("verification", "verification.html", VERIFICATION, {}),
    Sample("verification-undecided", "verification.html", VERIFICATION_UNDECIDED, {}),
    Sample("verification-running", "verification.html", VERIFICATION_RUNNING, {}),
    *(Sample(name, template, view, {}) for name, template, view in samples_of_doctor.SAMPLES),
    *(Sample(name, template, view, {}) for name, template, view in samples_of_runs.SAMPLES),
    *(Sample(name, template, view, {}) for name, template, view in samples_of_catalogue.SAMPLES),
    Sample("steps", "steps.html", samples_of_steps.STEPS, {}),
    Sample("steps-new", "steps.html", samples_of_steps.STEPS_NEW, {}),
    Sample("steps-invited", "steps.html", samples_of_steps.STEPS_INVITED, {}),
    Sample("connection-mapping", "connection_mapping.html", samples_of_steps.CONNECTION_MAPPING, {}),
    Sample("rehearsal", "rehearsal.html", samples_of_steps.REHEARSAL, {}),
    Sample("rehearsal-running", "rehearsal.html", samples_of_steps.REHEARSAL_RUNNING, {}),
    Sample("rehearsal-empty", "rehearsal.html", samples_of_steps.REHEARSAL_EMPTY, {}),
    Sample("mapping-table", "mapping_table.html", MAPPING_TABLE, {}),
    Sample("mapping-table-built-in", "mapping_table.html", MAPPING_TABLE_BUILT_IN, {}),
    Sample("mapping-field", "mapping_field.html", MAPPING_FIELD, {}),
    Sample("mapping-field-new", "mapping_field.html", MAPPING_FIELD_NEW, {}),
    Sample("mapping-field-text", "mapping_field.html", MAPPING_FIELD_TEXT, {}),
    Sample("editor", "editor.html", EDITOR, {}),
    Sample("editor-wrong", "editor.html", EDITOR_WRONG, {}),
    Sample("editor-preview", "editor.html", EDITOR_PREVIEW, {}),
    Sample("editor-conflict", "editor.html", EDITOR_CONFLICT, {}),
    Sample("editor-saved", "editor.html", EDITOR_SAVED, {}),
    Sample("backfill", "backfill.html", BACKFILL, {}),
    Sample("replay", "replay.html", REPLAY, {}),
    Sample("kept-form", "kept_form.html", KEPT_FORM, {}),
    Sample("recipient", "recipient.html", RECIPIENT, {}),
    Sample("recipient-new", "recipient.html", NEW_RECIPIENT, {}),
    Sample("recipient-wrong", "recipient.html", WRONG_RECIPIENT, {}),
    Sample("audit", "audit.html", AUDIT, {}),
    Sample("people", "people.html", PEOPLE, {}),
    Sample("people-made", "people.html", PEOPLE_MADE, {}),
    Sample("account", "account.html", ACCOUNT, {}),
    Sample("account-file", "account.html", ACCOUNT_OF_FILE, {}),
    Sample("welcome", "welcome.html", WelcomeView("token", "ben", "link"), {}),
    Sample("welcome-none", "welcome.html", WelcomeView("token", "", "", "This link was used already."), {}),
    Sample("audit-empty", "audit.html", AuditView((), "", ()), {}),
    Sample(
        "trouble",
        "trouble.html",
        ErrorView(
            404,
            "Page not found",
            "The address is wrong, or the page does not exist any longer.",
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
        if not is_dataclass(value) or isinstance(value, type):
            return value
        return replace(value, **{one.name: changed(getattr(value, one.name), one.name) for one in fields(value)})

    return changed(view)


__all__ = ["HOSTILE", "NOW", "SAMPLES", "Notice", "Sample", "hostile", "page_context"]
