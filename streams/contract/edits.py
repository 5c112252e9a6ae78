"""The topics that hold what people set: mappings, connections, accounts, recipients of notifications."""

from __future__ import annotations

from streams.contract.form import ID_KEY, Form, KeyForm, TopicContract
from streams.messages.account_edit import AccountEdit
from streams.messages.connection_edit import ConnectionEdit, SealedCredential, credential_key
from streams.messages.installation import Installation, LocationReport, installation_key, location_key
from streams.messages.mapping_edit import MappingEdit
from streams.messages.notification import Issue, NotificationState, NotificationTest, Outgoing, SentMessage
from streams.messages.recipient_edit import RecipientEdit, recipient_key
from streams.messages.topics import CONNECTIONS, MAPPINGS, NOTIFICATIONS, PEOPLE

_AT = 1_790_000_000_000

MAPPING = MappingEdit(
    id="c4ca4238a0b923820dcc509a6f75849b",
    based_on=6,
    kind="text",
    name="acme",
    text="[mappings.acme]\n",
    to_version=5,
    at_ms=_AT,
    by="ann",
)
CONNECTION = ConnectionEdit(
    id="eccbc87e4b5ce2fe28308fd9f2a7baf3",
    connection="acme",
    based_on=1,
    kind="set",
    label="acme-realty",
    table={"region": "US"},
    words="a subscription could not be removed",
    at_ms=_AT,
    by="ann",
)
CREDENTIAL = SealedCredential(connection="acme", secret="lofty_api_key", sealed="k1:c2VhbGVk", at_ms=_AT, by="ann")
INSTALLATION = Installation(
    subject="co-example",
    kind="company",
    sealed="k1:c2VhbGVk",
    locations={"loc-acme": "Acme Realty"},
    at_ms=_AT,
    listed_ms=_AT + 5_000,
)
REPORT = LocationReport(location="loc-acme", company="co-example", is_installed=True, at_ms=_AT)
ACCOUNT = AccountEdit(
    id="a87ff679a2f3e71d9181a67b7542122c",
    based_on=2,
    kind="person",
    name="ann",
    role="operator",
    connections=("acme",),
    password_hash="$argon2id$v=19$made-up",
    link_hash="e4da3b7fbbce2345",
    link_until_ms=_AT + 86_400_000,
    token_hash="1679091c5a880faf",
    expires_ms=_AT + 86_400_000,
    signed_out_ms=_AT,
    at_ms=_AT,
    by="root",
)
RECIPIENT = RecipientEdit(
    id="8f14e45fceea167a5a36dedd4bea2543",
    name="office",
    based_on=0,
    label="The office",
    emails=("office@example.com",),
    webhook_sealed="k1:c2VhbGVk",
    webhook_host="hooks.example.com",
    connections=("acme",),
    time_zone="America/Chicago",
    daily_summary="07:30",
    quiet_begin="21:00",
    quiet_end="07:00",
    at_ms=_AT,
    by="ann",
)
NOTIFIED = NotificationState(
    recipient="office",
    by="77aa10be",
    at_ms=_AT,
    issues={
        "stale:acme": Issue(
            cause="stale",
            of="acme",
            connections=("acme",),
            number=4,
            since_ms=_AT - 60_000,
            seen_ms=_AT,
            reported_ms=_AT - 30_000,
            mentioned_ms=_AT - 30_000,
            mentioned_number=3,
            breaks=(_AT - 60_000,),
        )
    },
    outgoing=Outgoing(
        id="c9f0f895",
        kind="news",
        at_ms=_AT,
        subject="acme is late",
        text="4 changes wait.",
        attempts=1,
        first_failed_ms=_AT,
        next_ms=_AT + 60_000,
        error="connection refused",
    ),
    sent=(SentMessage(id="45c48cce", kind="summary", at_ms=_AT, subject="All is well", note="one address refused"),),
    composed_ms=(_AT,),
    waiting_since_ms=_AT,
    summary_ms=_AT,
)
TESTED = NotificationTest(
    recipient="office", at_ms=_AT, by="ann", error="connection refused", note="one address refused"
)

EDITS: tuple[TopicContract, ...] = (
    TopicContract(MAPPINGS, "internal", (Form(MappingEdit, ID_KEY, ((MAPPING.id, MAPPING),)),)),
    TopicContract(
        CONNECTIONS,
        "internal",
        (
            Form(ConnectionEdit, ID_KEY, ((CONNECTION.id, CONNECTION),)),
            Form(
                SealedCredential,
                KeyForm("credential:CONNECTION:SECRET", r"^credential:[^:]+:[^:]+$"),
                ((credential_key("acme", "lofty_api_key"), CREDENTIAL),),
                removes="the credential is removed",
            ),
            Form(
                Installation,
                KeyForm("installation:SUBJECT", r"^installation:.+$"),
                ((installation_key(INSTALLATION.subject), INSTALLATION),),
                removes="the installation is gone",
            ),
            Form(
                LocationReport,
                KeyForm("location:LOCATION", r"^location:.+$"),
                ((location_key(REPORT.location), REPORT),),
            ),
        ),
    ),
    TopicContract(PEOPLE, "internal", (Form(AccountEdit, ID_KEY, ((ACCOUNT.id, ACCOUNT),)),)),
    TopicContract(
        NOTIFICATIONS,
        "internal",
        (
            Form(NotificationState, KeyForm("state/RECIPIENT", r"^state/.+$"), (("state/office", NOTIFIED),)),
            Form(NotificationTest, KeyForm("test/RECIPIENT", r"^test/.+$"), (("test/office", TESTED),)),
            Form(
                RecipientEdit,
                KeyForm("recipient/NAME/EDIT", r"^recipient/[^/]+/[^/]+$"),
                ((recipient_key(RECIPIENT.name, RECIPIENT.id), RECIPIENT),),
                removes="the edit no longer counts",
            ),
        ),
    ),
)
