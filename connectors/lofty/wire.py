"""Lofty's objects, read tolerantly: unknown fields are kept, ids are text, and what means "unset" is None.

The client returns leads, notes and tasks as Lofty's own JSON, since the mapping runs over that; these models are views
for code that wants names and types. `raw` of a view is the JSON that it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.alias_generators import to_camel

from connectors.lofty.times import parse_time_ms

_UNSET = (None, "", "N/A", -1, "-1", 0, "0")


def is_unset(value: Any) -> bool:
    """Whether a value is one of Lofty's many words for nothing. `0` is one for ids only, so ask this of those alone."""
    return not isinstance(value, bool) and value in _UNSET


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and not is_unset(value) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in {"", "N/A"} else None


def _flag(value: Any) -> bool:
    return value is True


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str) and one) if isinstance(value, list | tuple) else ()


def _objects(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


MaybeId = Annotated[str | None, BeforeValidator(_id)]
Id = Annotated[str, BeforeValidator(_id)]
Text = Annotated[str | None, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Time = Annotated[int | None, BeforeValidator(parse_time_ms)]
"""Epoch milliseconds."""


class LoftyObject(BaseModel):
    """One object of Lofty's."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        """A view of Lofty's JSON. Raises pydantic's `ValidationError` when its id is missing."""
        view = cls.model_validate(raw)
        view._raw = raw
        return view

    @property
    def raw(self) -> dict[str, Any]:
        """The JSON that it was made from."""
        return self._raw


class CustomAttribute(LoftyObject):
    """A custom field's value on a lead; in a team's list, the field itself."""

    attribute_name: str
    attribute_type: Text = None
    value: Any = None


class Lead(LoftyObject):
    """A lead."""

    lead_id: Id
    team_id: MaybeId = None
    first_name: Text = None
    last_name: Text = None
    emails: Texts = ()
    phones: Texts = ()
    stage: Text = None
    source: Text = None
    assigned_user: Text = None
    assigned_user_id: MaybeId = None
    pond_id: MaybeId = None
    hidden_flag: Flag = False
    custom_attributes: Annotated[tuple[CustomAttribute, ...], BeforeValidator(_objects)] = ()
    create_time: Time = None
    last_update_time: Time = None


class LoftyNote(LoftyObject):
    """A note; its id is `noteId`."""

    note_id: Id
    lead_id: MaybeId = None
    content: Text = None
    is_pin: Flag = False
    system_note: Flag = False
    delete_flag: Flag = False
    create_time: Time = None
    last_update: Time = None


class LoftyTask(LoftyObject):
    """A task, v2 or v1: `due_ms` is `endAt` of the one and `deadline` of the other."""

    id: Id
    lead_id: MaybeId = None
    content: Text = None
    type: Text = None
    assigned_role: Text = None
    assigned_user: Text = None
    finish_flag: Flag = False
    start_at: Time = None
    due_ms: Time = Field(None, validation_alias=AliasChoices("endAt", "deadline"))
    finish_time: Time = None
    create_time: Time = None
    last_update: Time = None


class LoftyAppointment(LoftyObject):
    """An appointment."""

    id: Id
    lead_id: MaybeId = None
    descr: Text = None
    address: Text = None
    finish_flag: Flag = False
    delete_flag: Flag = False
    starts_ms: Time = Field(None, validation_alias="deadline")
    end_time: Time = None
    create_time: Time = None
    last_update: Time = None


class Member(LoftyObject):
    """A member of a team. `id` matches no agent id on a lead."""

    id: Id
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    role_name: Text = None


class Subscription(LoftyObject):
    """A webhook subscription. `vendor_id` is its owner."""

    subscribe_id: Id
    team_id: MaybeId = None
    list_id: int
    callback_url: str
    vendor_id: MaybeId = None
    limit: int | None = None
    permission_mode: int | None = None


AnyWire = TypeVar("AnyWire", bound=LoftyObject)


def read_all(kind: type[AnyWire], found: Iterable[Any], malformed: Callable[[str], Exception]) -> tuple[AnyWire, ...]:
    """Views of objects; raises what `malformed` makes of the expectation when one of them is none."""
    try:
        return tuple(kind.read(one) for one in found)
    except ValidationError as error:
        raise malformed(f"a {kind.__name__.lower()} with its ids") from error
