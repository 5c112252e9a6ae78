"""The steps of a connection and its rehearsal, filled, for the gallery."""

from __future__ import annotations

from dataclasses import replace

from streams.console.pages.views.connection_mapping_view import ConnectionMappingView, MappingChoice
from streams.console.pages.views.rehearsal_view import rehearsal_view
from streams.console.pages.views.steps_view import steps_view
from streams.console.services.connection_access import ConsentInvitation
from streams.console.services.connections import ConnectionState, SideState
from streams.console.services.rehearsals import Rehearsal
from streams.operations.rehearsal.report import Effort, Encounter, FieldSide, LeadSides, NewField, RehearsalReport

NOW = 1_780_000_000_000

REPORT = RehearsalReport(
    connection="harbor",
    location="Harbor Realty",
    location_id="loc-harbor",
    leads=5_120,
    total=5_120,
    contacts=3_400,
    new=2_810,
    matching={"email": 2_100, "phone": 140, "Lofty id": 3},
    shared=41,
    conflicting=24,
    refused={"nameless": 2},
    unchanged=310,
    sides=(
        LeadSides(
            "600123",
            "Ada Bell",
            "matching",
            "email",
            "c-1",
            "",
            (
                FieldSide("first name", "Ada", "Ada", "same"),
                FieldSide("city", None, "Chico", "GoHighLevel", "Lofty has none"),
                FieldSide("street address", "12 Elm Street", "12 Elm St", "Lofty"),
                FieldSide("Lofty stage", "Hot", None, "Lofty", "the custom field is made first"),
            ),
            ("buyer", "open-house"),
        ),
        LeadSides(
            "600124",
            "Ben Bell",
            "conflicting",
            "",
            "",
            "",
            (
                FieldSide(
                    "primary phone, E.164",
                    "+15305550104",
                    None,
                    "nobody",
                    "another contact has it, so it goes into a custom field of its own",
                ),
            ),
            (),
        ),
        LeadSides(
            "600125", "", "refused", "nameless", "", "the lead has no e-mail, phone, first name or last name", (), ()
        ),
    ),
    conflicts=(Encounter("600124", "Ben Bell", "phone", "+15305550104", "Ada Bell", "600123", "c-1"),),
    alike=(Encounter("600130", "Joe Kerr", "name", "Joe Kerr", "Joe Kerr", "", "c-9"),),
    unlisted=12,
    new_fields=(NewField("Lofty stage", "TEXT"), NewField("Lofty price from", "MONETORY")),
    new_tags=("buyer", "open-house"),
    left_out={"assignedTo: no GHL user has the e-mail ann@example.com": 12},
    unreadable={},
    effort=Effort(21_000, 9_300, 520, 10, 3.5, "Lofty"),
    read={"lofty": 90, "ghl": 60},
    remarks=("the location is also that of another connection: which contacts are those of its leads was not read",),
)
DONE = Rehearsal(
    id="1a2b3c4d",
    connection="harbor",
    sample=None,
    by="ann",
    began_ms=NOW - 400_000,
    ended_ms=NOW - 60_000,
    result=REPORT,
)
REHEARSAL = rehearsal_view("harbor", "harbor", DONE)
REHEARSAL_RUNNING = rehearsal_view(
    "harbor", "harbor", replace(DONE, ended_ms=0, result=None, doing="leads", done=1_200, of=5_120)
)
REHEARSAL_EMPTY = rehearsal_view("harbor", "harbor", None)

_LOFTY = SideState("lofty", "123456", "token", True, "connected with an API key")
_GHL = SideState("ghl", "loc-harbor", "oauth", False, "nobody has granted access yet")
_NEW = ConnectionState(
    *("harbor", "US", "default", _LOFTY, _GHL, "", 0, 0, 0, ()),
    label="harbor",
    managed="console",
    version=1,
    state="paused",
)
STEPS_NEW = steps_view(_NEW, None, None, None)
STEPS_INVITED = replace(
    STEPS_NEW,
    invitation=ConsentInvitation(
        f"https://marketplace.gohighlevel.com/oauth/chooselocation?client_id=app-1&state={'k0~' + 'x7Q' * 60}",
        *("harbor", "loc-harbor", NOW + 3 * 86_400_000),
    ),
)
STEPS = steps_view(replace(_NEW, ghl=replace(_GHL, is_connected=True, words="connected by OAuth")), DONE, None, None)

CONNECTION_MAPPING = ConnectionMappingView(
    *("harbor", "harbor-realty", "default", "harbor-realty"),
    choices=(
        MappingChoice("default", "built in, used by acme", True),
        MappingChoice("sellers", "used by summit", False),
    ),
)
