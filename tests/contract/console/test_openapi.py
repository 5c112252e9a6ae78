"""The API's own document: valid, and of every endpoint."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from streams.console.api.routes import ENDPOINTS, openapi

COMPONENTS = """
    AccessCheck AccountSeen ActSeen Answer AtWork AuditPage BackfillState BudgetStatus BulkRow BulkRun CatalogueEntry
    CataloguePage ChangedConnection ChangedPerson ChangedRecipient CheckLine Chosen ClonedConnection ConflictDecision
    ConflictItem ConflictList ConflictOutcome ConflictPerson ConnectLink ConnectionLabel ConnectionState
    ConnectionStatus ConnectionTable ConnectionView ConsentInvitation Contact Credentials Decided DoctorRun
    DryConnection DryExample DryRunState DryStep Edit EditableConnection Effort Encounter EntityFound Event Fault
    FieldFound FieldSide GatewayStatus GatewayView GrantedAccess Growth History ImportReport ImportedRow IndexState
    InstalledAccount InvitedPerson LagStatus Lead LeadPage LeadSides Left LocationToPair MadeLink MadeToken MappingState
    MappingText Me Move NewBulkAct NewConnection NewField NewLink NewRecipient NewRehearsal NewToken NewVerification
    NotificationTest NotificationsState OnVersion Ordered OtherDeployment Overview OverviewNow Paced PairedLocation
    ParkedChoice ParkedGroup ParkedGroups ParkedOpen ParkedPage ParkedRecord ParkedRow Pasted PastedCredential
    PausedConnection Pending PeopleList Point Preview Previews Problem RecipientState RecipientToTest RecipientVersion
    RefreshedLocation Rehearsal RehearsalReport ReplayState RetryOutcome Row RunPage RunSeen SavedRecipient SavedText
    Search Sent SentMessage Setting SideCheck SideState SideStatus Stands Step SweepStatus TableColumn TagsRow
    TestedRecipient TextProblem TextToCheck TextToPreview Timeline ToVersion UsedMapping Verification VerificationResult
    WaitingLocation WaitingMessage WorkerStatus WorkerView
"""


def test_the_document_is_valid() -> None:
    validate(openapi())  # type: ignore[arg-type]  # plain JSON


def test_the_check_would_find_a_broken_one() -> None:
    broken = openapi()
    broken["paths"]["/audit"]["get"]["responses"] = {"200": {"content": 7}}  # type: ignore[index]  # plain JSON
    with pytest.raises(OpenAPIValidationError):
        validate(broken)  # type: ignore[arg-type]  # as above


def test_every_endpoint_has_a_name_of_its_own_and_says_what_it_is_for() -> None:
    assert len({one.id for one in ENDPOINTS}) == len(ENDPOINTS)
    assert len({(one.method, one.path) for one in ENDPOINTS}) == len(ENDPOINTS)
    assert all(one.summary.endswith(".") for one in ENDPOINTS)


def test_what_changes_something_is_for_operators() -> None:
    """But for the session, and what only computes."""
    for one in ENDPOINTS:
        if one.method != "GET" and one.tag != "session" and one.id not in {"check-mapping", "preview-mapping"}:
            assert one.role in ("operator", "settings", "admin"), one.id
        if one.method == "GET" and one.tag != "session":
            assert one.role in ("viewer", "admin"), one.id


def test_the_components_keep_their_names() -> None:
    """Generated clients name their classes by them. A class that is renamed here keeps its name there, or this is a new API."""
    components = openapi()["components"]
    assert isinstance(components, dict)
    assert sorted(components["schemas"]) == COMPONENTS.split()
