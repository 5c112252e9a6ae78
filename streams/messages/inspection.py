"""Inspections and observations: how `lofty-ghl verify` asks the owner of a GHL budget what GHL holds.

The command never calls GHL itself: a budget has one spender, the worker that owns it.
So a question travels to that worker, and the answer comes back on a topic of its own.
Everything is idempotent: a question that was not answered is asked again under the same number.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.messages.message import Message
from streams.messages.receipt import Conflict
from streams.messages.snapshot import Snapshot

Question = Literal["directory", "bearers", "contact", "mend", "read"]
Subject = Literal[
    "owner",
    "members",
    "leads",
    "notes",
    "tasks",
    "appointments",
    "location",
    "fields",
    "users",
    "contacts",
    "one contact",
]
"""What a question `read` asks for: the first six are Lofty's, the others GHL's."""
TOO_LARGE = "_tooLarge"
"""In a row of an answer, the key that stands for what was too large to be sent, with its size in bytes."""

OF_LOFTY: tuple[Subject, ...] = ("owner", "members", "leads", "notes", "tasks", "appointments")
Answer = Literal["waiting", "seen", "not found", "refused", "mended", "not mended"]
Cure = Literal["doubt", "forget", "leave", "adopt", "ask", "remove", "same", "apart"]


class _Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Remedy(_Part):
    """How one entity is repaired, always by its own link and the pipeline.

    - `doubt`: `fields` and `tags` are unknown now, so they are written again.
    - `forget`: GHL holds nothing for it, so it is created again; `ghl_id` is what the link named and is not there.
    - `leave`: the contact `ghl_id` is another lead's: this one leaves it, with what hangs on it, and gets its own.
    - `adopt`: `ghl_id` is what GHL holds for it; every field is written again.
    - `ask`: the contact `ghl_id` has the id of a lead that no link names: Lofty is asked whether it was deleted, or merged into
      another one, on which what is `hanging` on the contact is now (each as `kind:id`). Needs no snapshot.
    - `same`, `apart`: `by` says that the lead and the contact `contact_id` are one person, or two. Needs no snapshot.
    - `remove`: the note, task or appointment `ghl_id` is one too many. Refused for the one that the link names.

    `contact_id` is the GHL contact on which it hangs; `in_calendar` says that it is an appointment there.
    `cure` is the way, as listed.
    """

    cure: Cure
    fields: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ghl_id: str | None = None
    contact_id: str | None = None
    in_calendar: bool = False
    by: str = ""
    hanging: tuple[str, ...] = ()


class Standing(_Part):
    """What our own tables said of an entity while GHL was looked at.

    `settled` is the fingerprint of the snapshot and the mapping that GHL should be at.
    `written` are the fields that we wrote, `tags` the tags: only they are ours to compare when nothing is wanted there.
    `refused` are the fields of which GHL refused a value, or that another contact has, with the value's hash.
    `conflicts` are those that another contact has. `decided` are the contacts about which a person has said who is who.
    `shares` is the key of the lead whose contact it is, too, and which alone is written on it.
    `is_recalled`: an earlier memory wrote the contact, and which of its values are ours is not known.
    `parked` is why it waits for a person; `is_pending` says that a newer state is on its way.
    `ghl_id` is what the link names, `is_deleted` says that we deleted it there, `version_ms` is the version that was written.
    """

    ghl_id: str | None = None
    is_deleted: bool = False
    settled: str = ""
    version_ms: int = 0
    written: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_pending: bool = False
    parked: str = ""
    refused: dict[str, str] = Field(default_factory=dict)
    conflicts: dict[str, Conflict] = Field(default_factory=dict)
    decided: tuple[str, ...] = ()
    shares: str = ""
    is_recalled: bool = False


class Inspection(Message):
    """One question of one run of verify. `number` identifies a question of a run; times are epoch milliseconds.

    - `directory`: what the location calls its custom fields (with their types and options by id) and users. No request; with
      `is_fresh`, it is read from GHL once more before. `takes_over`: the marks of other deployments there are deleted.
    - `bearers`: one page of all contacts with a Lofty id in the custom field `field_id`; `after` is the page's cursor.
      With `lead` only those with that id.
    - `contact`: the contact of `lead` with its notes and tasks, three requests at most (where appointments are in a
      calendar, one more, and one for each of them; where stages have pairs, one more); `entities` are the keys whose
      standing is asked for. With `ghl_id` that contact is read, alone, or `with_children`.
    - `mend`: apply `remedy` to `entity`, then bring it to `snapshot` once more.
    - `read`: one request for `subject`, also while the connection is paused; it only reads. `after` is where the page begins,
      `lead` or `ghl_id` whose it is. Asked of the owner of the budget that it takes: Lofty's or GHL's.

    After `expires_ms` nobody waits for the answer, and no request is spent on it.
    `run` is the id of the run of verify, `connection` is what it is about, `question` what is asked. `limit` is the most rows of a page.
    """

    run: str
    number: int
    connection: str
    question: Question
    expires_ms: int
    lead: str = ""
    entities: tuple[str, ...] = ()
    ghl_id: str | None = None
    field_id: str | None = None
    after: tuple[Any, ...] | None = None
    entity: str = ""
    remedy: Remedy | None = None
    snapshot: Snapshot | None = None
    with_children: bool = False
    is_fresh: bool = False
    takes_over: bool = False
    subject: Subject | None = None
    limit: int = 100

    @property
    def lane(self) -> str:
        """The contact that it is about, or the connection: its key on the topic."""
        return f"{self.connection}:{self.lead}" if self.lead else self.connection


class Observation(Message):
    """What GHL held at `at_ms`, in answer to one question.

    `answer` is `waiting` for a question that was taken and has its turn still to come; `message` are GHL's words for a
    refusal, or why something was not repaired. `requests` is what the answer cost.
    `contact` holds GHL's fields, `customFields` by id, and `tags`. Of `notes`, `tasks` and `appointments` it holds only
    ours: they have a marker, or a link names them. `bearers` are pairs of a Lofty id and a GHL contact's id.
    `opportunities` are all that the contact has where a link names none, else that one.
    `pipelines` are the ids of the location's by name, `stages` those of each one's stages.
    `remade_fields` are the custom fields that somebody deleted and made again, with the ids that they had before.
    `taken_over` are the ids of the deployments whose marks are deleted.
    `mapping` is the fingerprint of the mapping in force there.
    `rows` is what a `read` found, `total` how many there are in all, if the vendor says so.
    `run`, `number`, `connection` and `lead` are those of the question. `standings` are by the entity's key. `after` is the cursor of the next page, None at the end.
    `custom_fields` are names by id, `field_types` their types, `field_options` their options. `users` are the location's users, names by id; `calendar_team` are those of the calendar.
    """

    run: str
    number: int
    connection: str
    answer: Answer
    at_ms: int
    lead: str = ""
    message: str = ""
    requests: int = 0
    standings: dict[str, Standing] = Field(default_factory=dict)
    contact: dict[str, Any] | None = None
    notes: tuple[dict[str, Any], ...] = ()
    tasks: tuple[dict[str, Any], ...] = ()
    appointments: tuple[dict[str, Any], ...] = ()
    opportunities: tuple[dict[str, Any], ...] = ()
    bearers: tuple[tuple[str, str], ...] = ()
    after: tuple[Any, ...] | None = None
    custom_fields: dict[str, str] = Field(default_factory=dict)
    users: dict[str, str] = Field(default_factory=dict)
    calendar_team: tuple[str, ...] = ()
    pipelines: dict[str, str] = Field(default_factory=dict)
    stages: dict[str, dict[str, str]] = Field(default_factory=dict)
    field_types: dict[str, str] = Field(default_factory=dict)
    field_options: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    remade_fields: dict[str, str] = Field(default_factory=dict)
    taken_over: tuple[str, ...] = ()
    mapping: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    total: int | None = None

    @property
    def lane(self) -> str:
        """Its key on the topic."""
        return f"{self.connection}:{self.lead}" if self.lead else self.connection
