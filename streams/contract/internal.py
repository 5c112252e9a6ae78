"""The topics by which the processes of a deployment work together: shown, and not promised to other programs.

The same rules hold for them, because an older and a newer release run side by side while a deployment is upgraded.
"""

from __future__ import annotations

from streams.contract.edits import EDITS
from streams.contract.form import CONNECTION_KEY, CONTACT_KEY, ENTITY_KEY, ID_KEY, Form, KeyForm, TopicContract
from streams.contract.public import AT, CHANGED, CONTACT_ID, LEAD, SNAPSHOT
from streams.contract.status import AT_WORK, GROWTH
from streams.messages import (
    BackfillOrder,
    Change,
    Conflict,
    Inspection,
    Observation,
    Redelivery,
    Remedy,
    Replay,
    Selection,
    Standing,
)
from streams.messages.growth import AT_WORK_KEY, GROWTH_KEY, AtWork, Growth
from streams.messages.lofty_command import LoftyCommand
from streams.messages.sealed_token import SealedToken
from streams.messages.topics import (
    FETCHES,
    INSPECTIONS,
    LOFTY_WRITES,
    OBSERVATIONS,
    REPLAY_RUNS,
    REPLAYS,
    SWEEPS,
    TOKENS,
)

_LANE = f"acme:{LEAD}"
_CONTACT = f"acme:{LEAD}:contact:{LEAD}"

ASKED = Inspection(
    run="a1b2c3d4e5f6",
    number=3,
    connection="acme",
    question="mend",
    expires_ms=AT + 60_000,
    lead=LEAD,
    entities=(_CONTACT,),
    ghl_id=CONTACT_ID,
    field_id="f1eLd",
    after=("600122", AT),
    entity=_CONTACT,
    remedy=Remedy(
        cure="doubt",
        hanging=("note:n7Gd0cVQ1wXhM3tYbEaK",),
        fields=("email",),
        tags=("lofty-buyer",),
        ghl_id=CONTACT_ID,
        contact_id=CONTACT_ID,
        by="ann",
    ),
    snapshot=SNAPSHOT,
    subject="leads",
)
OBSERVED = Observation(
    run="a1b2c3d4e5f6",
    number=3,
    connection="acme",
    answer="seen",
    at_ms=AT + 2_000,
    lead=LEAD,
    message="not found",
    requests=3,
    standings={
        _CONTACT: Standing(
            ghl_id=CONTACT_ID,
            settled="d1b0c7a4e2f59886",
            version_ms=AT,
            written=("email",),
            tags=("lofty-buyer",),
            parked="rejected",
            refused={"phone": "1679091c"},
            conflicts={"email": Conflict(hash="8f14e45f", contact_id="Zk2dWqLr0sJmXo7NnVfT")},
            decided=("Zk2dWqLr0sJmXo7NnVfT",),
            shares="acme:600124",
        )
    },
    contact={"id": CONTACT_ID, "firstName": "Ada", "tags": ["lofty-buyer"]},
    opportunities=({"id": "oP5q2", "pipelineStageId": "s7Tg"},),
    notes=({"id": "n7Gd0cVQ1wXhM3tYbEaK", "body": "Called."},),
    tasks=({"id": "tK1s9", "title": "Call back"},),
    appointments=({"id": "aP2x7", "title": "Showing"},),
    bearers=((LEAD, CONTACT_ID),),
    after=("600122", AT),
    custom_fields={"f1eLd": "Lofty lead id"},
    users={"u5eR": "Agent Example"},
    calendar_team=("u5eR",),
    field_types={"f1eLd": "TEXT"},
    field_options={"f2Opt": ("buyer", "seller")},
    remade_fields={"f1eLd": "f0Old"},
    pipelines={"Buyers": "p6Ln"},
    stages={"p6Ln": {"New": "s7Tg"}},
    taken_over=("9b8a7c6d",),
    mapping="e2fc714c",
    rows=({"leadId": 600123},),
    total=1,
)
COMMAND = LoftyCommand(
    connection="acme",
    lead=LEAD,
    about="task:tK1s9",
    target="task",
    state={"content": "Call back", "deadline": "2026-09-22"},
    at_ms=AT + 60_000,
    accepted_ms=AT + 60_400,
    because="rule: tag added, task",
    lofty_id="92001",
    base={"content": "c51ce410"},
    contact="cK7p1",
)
REPLAY = Replay(
    run="0a1b2c3d",
    selection=Selection(
        topic="parked",
        connection="acme",
        contact=LEAD,
        since_ms=AT,
        until_ms=AT + 60_000,
        partition=3,
        from_offset=10,
        to_offset=20,
        stage="deliver",
        reason="rejected",
    ),
    by="ann",
    began_ms=AT,
    moved_ms=AT + 5_000,
    holder="host-1 4711",
    mapping="e2fc714c",
    state="done",
    position="3/17",
    chosen=4,
    handed=3,
    passed=1,
)

INTERNAL: tuple[TopicContract, ...] = (
    TopicContract(FETCHES, "internal", (Form(Change, CONTACT_KEY, ((_LANE, CHANGED),)),)),
    TopicContract(
        INSPECTIONS,
        "internal",
        (
            Form(Inspection, CONTACT_KEY, ((_LANE, ASKED),)),
            Form(Inspection, CONNECTION_KEY),
        ),
    ),
    TopicContract(
        OBSERVATIONS,
        "internal",
        (
            Form(Observation, CONTACT_KEY, ((_LANE, OBSERVED),)),
            Form(Observation, CONNECTION_KEY),
        ),
    ),
    TopicContract(
        SWEEPS,
        "internal",
        (
            Form(
                BackfillOrder,
                CONNECTION_KEY,
                (("acme", BackfillOrder(connection="acme", id="0c9d8e7f6a5b", at_ms=AT, by="ann")),),
            ),
        ),
    ),
    TopicContract(LOFTY_WRITES, "internal", (Form(LoftyCommand, CONTACT_KEY, ((_LANE, COMMAND),)),)),
    TopicContract(
        TOKENS,
        "internal",
        (
            Form(
                SealedToken,
                KeyForm("ghl:LOCATION or lofty-connection:NAME", r"^(ghl|lofty-connection):.+$"),
                (("ghl:loc-acme", SealedToken(token="ghl:loc-acme", sealed="k1:c2VhbGVk", at_ms=AT)),),
                removes="the tokens are taken away",
            ),
        ),
    ),
    TopicContract(
        REPLAYS,
        "internal",
        (Form(Redelivery, ENTITY_KEY, ((_CONTACT, Redelivery(run="0a1b2c3d", snapshot=SNAPSHOT)),)),),
    ),
    TopicContract(REPLAY_RUNS, "internal", (Form(Replay, ID_KEY, ((REPLAY.run, REPLAY),)),)),
    *EDITS,
    TopicContract(
        "growth",
        "internal",
        (
            Form(Growth, KeyForm("the text growth", r"^growth$"), ((GROWTH_KEY.decode(), GROWTH),)),
            Form(AtWork, KeyForm("the text at work", r"^at work$"), ((AT_WORK_KEY.decode(), AT_WORK),)),
        ),
        described=("growth", "one partition", "how far a move to more partitions is"),
    ),
)
