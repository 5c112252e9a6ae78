"""The topics that other programs may rely on, with records as this release writes them, about made-up people."""

from __future__ import annotations

from streams.contract.form import (
    ANY_KEY,
    CONTACT_KEY,
    ENTITY_KEY,
    ID_KEY,
    Form,
    KeyForm,
    TopicContract,
)
from streams.contract.status import STATUS_CONTRACT
from streams.messages import FENCE_KEY, Change, Conflict, Fence, GhlEvent, Parked, ParkedDecision, Receipt, Snapshot
from streams.messages.audit_entry import Act
from streams.messages.lofty_command import LoftyReceipt
from streams.messages.run import Run
from streams.messages.topics import (
    AUDIT,
    CHANGES,
    GHL_CHANGES,
    LOFTY_RECEIPTS,
    PARKED,
    RECEIPTS,
    RESOLVED,
    RUNS,
    SNAPSHOTS,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AT = 1_790_000_000_000
"""The time of the samples, in epoch milliseconds."""

LEAD, NOTE = "600123", "81001"
CONTACT_ID = "ocQHyuzHvysMo5N5VsXc"

CHANGED = Change(
    connection="acme",
    lead=LEAD,
    kind="contact",
    id=LEAD,
    operation="updated",
    update_time_ms=AT,
    accepted_ms=AT + 300,
    trace=TRACE,
)
BY_HAND = Change(
    connection="acme",
    lead=LEAD,
    kind="note",
    id=NOTE,
    operation="created",
    update_time_ms=AT,
    accepted_ms=AT + 300,
    origin="backfill",
    hanging=("note:81001",),
)
SNAPSHOT = Snapshot(
    connection="acme",
    lead=LEAD,
    kind="contact",
    id=LEAD,
    state={"leadId": 600123, "firstName": "Ada", "lastName": "Example", "emails": ["ada@example.com"]},
    version_ms=AT,
    fingerprint="5f1c8a0e9b7d4c33",
    read_ms=AT + 900,
    update_time_ms=AT,
    accepted_ms=AT + 300,
    trace=TRACE,
)
GONE = Snapshot(
    connection="acme",
    lead=LEAD,
    kind="note",
    id=NOTE,
    state=None,
    version_ms=AT + 5_000,
    fingerprint="gone",
    read_ms=AT + 5_900,
    update_time_ms=AT + 5_000,
    accepted_ms=AT + 5_300,
    origin="sweep",
    moved_to="600124",
)
APPLIED = Receipt(
    connection="acme",
    lead=LEAD,
    kind="contact",
    id=LEAD,
    outcome="applied",
    step="create-contact",
    at_ms=AT + 1_500,
    version_ms=AT,
    settled="d1b0c7a4e2f59886",
    fingerprint="5f1c8a0e9b7d4c33",
    ghl_id=CONTACT_ID,
    fields={"firstName": "3c6e0b8a", "email": "a87ff679"},
    tags=("lofty-buyer",),
    doubtful_tags=("lofty-seller",),
    is_new=True,
    status=201,
    trace_id="b6e2c3f0",
    flags=("postalCode: not cleared in GHL",),
    update_time_ms=AT,
    accepted_ms=AT + 300,
    identifiers={"email": "ada@example.com"},
    heard={"city": "e4da3b7f"},
    lacks=("user 4711",),
    epoch=12,
    trace=TRACE,
)
REFUSED = Receipt(
    connection="acme",
    lead=LEAD,
    kind="contact",
    id=LEAD,
    outcome="refused",
    step="update-contact",
    at_ms=AT + 9_000,
    version_ms=AT + 8_000,
    status=400,
    message="phone must be a valid phone number",
    refused={"phone": "1679091c"},
    conflicts={"email": Conflict(hash="8f14e45f", contact_id="Zk2dWqLr0sJmXo7NnVfT", lead="acme:600124")},
    shares="acme:600124",
    parted_from="Zk2dWqLr0sJmXo7NnVfT",
    decided={"Zk2dWqLr0sJmXo7NnVfT": "apart"},
    epoch=12,
)
NOTE_APPLIED = Receipt(
    connection="acme",
    lead=LEAD,
    kind="note",
    id=NOTE,
    outcome="applied",
    step="create-note",
    at_ms=AT + 2_500,
    version_ms=AT,
    settled="c81e728d9d4c2f63",
    ghl_id="n7Gd0cVQ1wXhM3tYbEaK",
    refers_to=CONTACT_ID,
    status=201,
    epoch=12,
)
EVENT = GhlEvent(
    type="ContactUpdate",
    location="loc-acme",
    id=CONTACT_ID,
    contact=CONTACT_ID,
    at_ms=AT + 60_000,
    accepted_ms=AT + 60_400,
    webhook="e0f3b4c2-1111-4c7a-9a55-000000000001",
    trace=TRACE,
    body={"id": CONTACT_ID, "firstName": "Ada", "lastName": "Example", "tags": ["lofty-buyer"]},
)
WRITTEN = LoftyReceipt(
    connection="acme",
    lead=LEAD,
    about="task:tK1s9",
    outcome="applied",
    step="create-task",
    at_ms=AT + 61_000,
    lofty_id="92001",
    status=200,
    message="ok",
    because="rule: tag added, task",
    accepted_ms=AT + 60_400,
)
PARKED_NOTE = Parked(
    stage="deliver",
    reason="rejected",
    message="body is too long",
    at_ms=AT + 3_000,
    source="lofty.snapshots/3@1842",
    entity=f"acme:{LEAD}:note:{NOTE}",
    connection="acme",
    status=422,
    trace_id="b6e2c3f1",
    original="eyJ2IjoxfQ==",
    original_size=7,
)
ACT = Act(
    id="4d1c2e0b9a",
    at_ms=AT + 70_000,
    who="ann",
    role="operator",
    via="console",
    address="192.0.2.7",
    action="parked retry",
    about={"connection": "acme", "reason": "rejected"},
    outcome="done",
    detail="2 records retried",
)
RUN = Run(
    id="a1b2c3d4e5f6",
    kind="verify",
    connections=("acme",),
    lead=LEAD,
    by="ann",
    holder="host-1 4711",
    began_ms=AT,
    moved_ms=AT + 20_000,
    ended_ms=AT + 20_000,
    doing="comparing leads",
    done=40,
    of=40,
    failure="Kafka is not there",
    words="40 leads are equal",
    counts={"read": 40},
    detail='{"differences": 0}',
)

PUBLIC: tuple[TopicContract, ...] = (
    TopicContract(
        CHANGES,
        "public",
        (Form(Change, CONTACT_KEY, ((f"acme:{LEAD}", CHANGED), (f"acme:{LEAD}", BY_HAND))),),
        is_input=True,
    ),
    TopicContract(
        SNAPSHOTS,
        "public",
        (
            Form(
                Snapshot,
                ENTITY_KEY,
                ((f"acme:{LEAD}:contact:{LEAD}", SNAPSHOT), (f"acme:{LEAD}:note:{NOTE}", GONE)),
                removes="a person cleaned the key away: nothing is wanted of this entity",
            ),
        ),
    ),
    TopicContract(
        RECEIPTS,
        "public",
        (
            Form(
                Receipt,
                ENTITY_KEY,
                (
                    (f"acme:{LEAD}:contact:{LEAD}", APPLIED),
                    (f"acme:{LEAD}:contact:{LEAD}", REFUSED),
                    (f"acme:{LEAD}:note:{NOTE}", NOTE_APPLIED),
                ),
            ),
            Form(
                Fence,
                KeyForm("the text @fence", r"^@fence$"),
                ((FENCE_KEY.decode(), Fence(worker="3fa9c1d2", epoch=12, at_ms=AT)),),
            ),
        ),
    ),
    TopicContract(
        GHL_CHANGES,
        "public",
        (Form(GhlEvent, KeyForm("location:contact", r"^[^:]+:.+$"), ((f"loc-acme:{CONTACT_ID}", EVENT),)),),
    ),
    TopicContract(LOFTY_RECEIPTS, "public", (Form(LoftyReceipt, CONTACT_KEY, ((f"acme:{LEAD}", WRITTEN),)),)),
    TopicContract(PARKED, "public", (Form(Parked, ANY_KEY, ((f"acme:{LEAD}:note:{NOTE}", PARKED_NOTE),)),)),
    TopicContract(
        RESOLVED,
        "public",
        (
            Form(
                ParkedDecision,
                KeyForm("partition@offset of the parked record", r"^[0-9]+@[0-9]+$"),
                (("3@17", ParkedDecision(record="3@17", decision="retried", at_ms=AT + 70_000, by="ann")),),
            ),
        ),
    ),
    STATUS_CONTRACT,
    TopicContract(AUDIT, "public", (Form(Act, ID_KEY, ((ACT.id, ACT),)),)),
    TopicContract(RUNS, "public", (Form(Run, ID_KEY, ((RUN.id, RUN),), removes="the run is old and was deleted"),)),
)
