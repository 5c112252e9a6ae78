"""What GHL answers with, read tolerantly: only the id is needed, every other field may be missing, null or odd.

Fields that are not named here are kept (`model_extra`); a field of an unexpected type reads as None rather than failing
a whole answer. Times are left as GHL writes them: some have no offset (`GET /contacts/{id}/appointments`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.http.error_texts import LONGEST_ID


def _text(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _texts(value: Any) -> Any:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def _objects(value: Any) -> Any:
    return [one for one in value if isinstance(one, dict) and one.get("id")] if isinstance(value, list | tuple) else ()


def _tables(value: Any) -> Any:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else ()


Text = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class GhlObject(BaseModel):
    """One object of GHL's: frozen, camel case on the wire, unknown fields kept."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True
    )

    id: str = Field(min_length=1, max_length=LONGEST_ID, validation_alias=AliasChoices("id", "_id"))


class CustomValue(GhlObject):
    """A custom field's value on a contact. `value` is text, a number, a list or an object, by the field's type."""

    value: Any = Field(None, validation_alias=AliasChoices("value", "fieldValue", "field_value"))


class GhlContact(GhlObject):
    """A contact. `POST /contacts/search` gives the names in lower case only, and `address` for `address1`."""

    location_id: Text = None
    name: Text = None
    first_name: Text = Field(None, validation_alias=AliasChoices("firstName", "firstNameLowerCase"))
    last_name: Text = Field(None, validation_alias=AliasChoices("lastName", "lastNameLowerCase"))
    email: Text = None
    phone: Text = None
    address1: Text = Field(None, validation_alias=AliasChoices("address1", "address"))
    city: Text = None
    state: Text = None
    postal_code: Text = None
    country: Text = None
    website: Text = None
    timezone: Text = None
    source: Text = None
    company_name: Text = None
    date_of_birth: Text = None
    assigned_to: Text = None
    dnd: Flag = None
    dnd_settings: Any = None
    tags: Texts = ()
    custom_fields: Annotated[tuple[CustomValue, ...], BeforeValidator(_objects)] = ()
    date_added: Text = None
    date_updated: Text = None
    search_after: Any = None

    def custom(self, field_id: str) -> Any:
        """The value of a custom field, None when the contact has none."""
        return next((one.value for one in self.custom_fields if one.id == field_id), None)


class GhlTask(GhlObject):
    """A task of a contact. `due_date` is ISO 8601."""

    title: Text = None
    body: Text = None
    assigned_to: Text = None
    due_date: Text = None
    completed: Flag = None
    contact_id: Text = None


class GhlNote(GhlObject):
    """A note of a contact. `date_added` cannot be written."""

    body: Text = None
    title: Text = None
    user_id: Text = None
    date_added: Text = None
    contact_id: Text = None
    color: Text = None
    pinned: Flag = None


class GhlAppointment(GhlObject):
    """An appointment. Its times have an offset when read by id, and none when listed by contact.

    `description` is what is written; listed by contact, GHL's document knows `notes` only.
    """

    title: Text = None
    calendar_id: Text = None
    location_id: Text = None
    contact_id: Text = None
    group_id: Text = None
    appointment_status: Text = Field(None, validation_alias=AliasChoices("appointmentStatus", "appoinmentStatus"))
    assigned_user_id: Text = None
    address: Text = None
    notes: Text = None
    description: Text = None
    start_time: Text = None
    end_time: Text = None
    date_added: Text = None
    date_updated: Text = None


class TeamMember(BaseModel):
    """Somebody whom an appointment of a calendar can be assigned to."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    user_id: Text = None


class Calendar(GhlObject):
    """A calendar of a location."""

    name: Text = None
    team_members: Annotated[tuple[TeamMember, ...], BeforeValidator(_tables)] = ()

    @property
    def users(self) -> frozenset[str]:
        """The ids of its team."""
        return frozenset(one.user_id for one in self.team_members if one.user_id)


class PipelineStage(GhlObject):
    """A stage of a pipeline, in the pipeline's order."""

    name: str = ""


class Pipeline(GhlObject):
    """A pipeline of a location, with its stages."""

    name: str = ""
    stages: Annotated[tuple[PipelineStage, ...], BeforeValidator(_objects)] = ()


class GhlOpportunity(GhlObject):
    """An opportunity of a contact. `status` is `open`, `won`, `lost` or `abandoned`."""

    name: Text = None
    contact_id: Text = None
    location_id: Text = None
    pipeline_id: Text = None
    pipeline_stage_id: Text = None
    status: Text = None
    monetary_value: Annotated[float | None, BeforeValidator(_number)] = None
    assigned_to: Text = None
    source: Text = None
    lost_reason_id: Text = None
    created_at: Text = None
    updated_at: Text = None
    custom_fields: Annotated[tuple[CustomValue, ...], BeforeValidator(_objects)] = ()


class LostReason(GhlObject):
    """Why an opportunity was lost: one of a location's own list."""

    name: str = ""


class GhlCustomField(GhlObject):
    """A custom field of a location. `field_key` is like `contact.pincode`, `data_type` like `TEXT`.

    `is_allowed_custom_option` says that a select also takes what is none of its options.
    """

    name: str = ""
    field_key: Text = None
    data_type: Text = None
    model: Text = None
    picklist_options: Texts = ()
    is_allowed_custom_option: Flag = None


class GhlCustomValue(GhlObject):
    """A text of a location's own, which its templates can name by its key."""

    name: str = ""
    value: Text = None


class LocationTag(GhlObject):
    """A tag in a location's dictionary."""

    name: str = ""


class User(GhlObject):
    """A user of a location: whom `assignedTo` names."""

    name: Text = None
    first_name: Text = None
    last_name: Text = None
    email: Text = None
    deleted: Flag = None
