"""What a GHL location calls things: custom fields by name or key with their options, users by e-mail, and its calendar's team.

GHL answers 200 and drops the value of a custom field that was deleted, of a select that has no such option, and of a user whom
the location does not have (third parties, measured). So names are resolved here before anything is sent, and what the location
lacks is left out and named (`LinkRow.lacks`). A contact whose link rests on a directory that has changed since is planned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.ghl.wire import GhlCustomField, Pipeline
from streams.core.rows import LinkRow
from streams.core.to_ghl.plan import ASSIGNED, CUSTOM
from streams.mapping import LEAD_ID_FIELD

ONE_OPTION = frozenset({"SINGLE_OPTIONS", "RADIO"})
"""The types of custom fields whose value is one of the field's options."""


@dataclass(frozen=True, slots=True)
class PipelineIds:
    """A pipeline's id, and its stages by name."""

    id: str
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """Names to ids of one location. Names are compared without case and outer blanks.

    `calendar_team` are the ids of the users whom an appointment of the connection's calendar can be assigned to.
    `takes_duplicates` says that the location allows several contacts with one e-mail or phone, or that nobody could tell us.
    `types` are the kinds of the custom fields by id, in GHL's words; what GHL did not say is not there.
    `options` are those of the fields that take nothing else, by id.
    `pipelines` are those of the location by name; nobody reads them for a connection that has no table of stages.
    """

    custom_fields: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    calendar_team: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    takes_duplicates: bool = False
    pipelines: Mapping[str, PipelineIds] = field(default_factory=dict)

    def custom_field_id(self, reference: str) -> str | None:
        """The id of a custom field, by its name (`Lofty stage`) or its key (`contact.lofty_stage`)."""
        return self.custom_fields.get(fold(reference))

    def user_id(self, email: str) -> str | None:
        """The id of a user, by e-mail."""
        return self.users.get(fold(email))

    def stage_ids(self, pipeline: str, stage: str) -> tuple[str | None, str | None]:
        """The ids of a pipeline and of its stage, by their names; None for what the location has not."""
        found = self.pipelines.get(_part(pipeline))
        return (None, None) if found is None else (found.id, found.stages.get(_part(stage)))

    def knows_stage(self, pipeline_id: str, stage_id: str) -> bool:
        """Whether the location had this stage of this pipeline when its pipelines were read."""
        return any(one.id == pipeline_id and stage_id in one.stages.values() for one in self.pipelines.values())

    def stage_names(self, pipeline_id: str, stage_id: str) -> tuple[str, str]:
        """The names of a pipeline and of its stage, as they are compared; the ids of what is not known."""
        for name, one in self.pipelines.items():
            if one.id == pipeline_id:
                return name, next((stage for stage, id_ in one.stages.items() if id_ == stage_id), stage_id)
        return pipeline_id, stage_id

    def takes(self, field_id: str, value: Any) -> bool:
        """Whether a custom field takes a value: any, but for a select whose options are known."""
        return value is None or field_id not in self.options or self.as_option(field_id, value) is not None

    def as_option(self, field_id: str, value: Any) -> str | None:
        """The option of a select that a value means, as GHL writes it; None without such an option."""
        return next((one for one in self.options.get(field_id, ()) if fold(one) == fold(str(value))), None)

    def missing(self, references: Iterable[str]) -> tuple[str, ...]:
        """The custom fields of a mapping that the location does not have."""
        return tuple(reference for reference in references if fold(reference) not in self.custom_fields)

    def has(self, lack: str) -> bool:
        """Whether the location has now what an entry of `LinkRow.lacks` names. Kinds that are not known say no."""
        kind, _, name = lack.partition(":")
        match kind:
            case "field":
                return name in self.custom_fields
            case "user":
                return name in self.users
            case "option":
                field_id, _, value = name.partition(":")
                return self.takes(field_id, value)
            case "pipeline":
                return name in self.pipelines
            case "stage":
                pipeline, _, stage = name.partition(":")
                return pipeline in self.pipelines and stage in self.pipelines[pipeline].stages
        return False

    def dead_fields(self, names: Iterable[str]) -> frozenset[str]:
        """The custom fields among a link's fields that the location no longer has. A list without any field says nothing."""
        known = {CUSTOM + one for one in self.custom_fields.values()}
        return frozenset(name for name in names if known and name.startswith(CUSTOM) and name not in known)

    def outdates(self, link: LinkRow) -> bool:
        """Whether a contact must be planned again for the directory's sake.

        A field that we wrote is gone (perhaps made again under the same name), what was lacking is there, or GHL dropped a value that
        only the directory explains.
        """
        if link.ghl_id is None or link.is_deleted:
            return False
        dropped = (
            name for name, hash_ in link.refused.items() if hash_ and (name.startswith(CUSTOM) or name == ASSIGNED)
        )
        return bool(self.dead_fields(link.fields)) or any(map(self.has, link.lacks)) or any(dropped)


def named_fields(found: Iterable[GhlCustomField]) -> Directory:
    """The custom fields of a location by name and by key, with their types and options."""
    ids, types, options = {}, {}, {}
    for one in found:
        ids[fold(one.name)] = one.id
        if one.data_type:
            types[one.id] = one.data_type
        if one.data_type in ONE_OPTION and one.picklist_options and not one.is_allowed_custom_option:
            options[one.id] = one.picklist_options
        if one.field_key:
            ids[fold(one.field_key)] = one.id
    return Directory(custom_fields=ids, types=types, options=options)


def named_pipelines(found: Iterable[Pipeline]) -> dict[str, PipelineIds]:
    """The pipelines of a location by name, with their stages. Of several with one name the first counts."""
    named: dict[str, PipelineIds] = {}
    for one in found:
        stages: dict[str, str] = {}
        for stage in one.stages:
            stages.setdefault(_part(stage.name), stage.id)
        named.setdefault(_part(one.name), PipelineIds(one.id, stages))
    return named


def fields_needed_first(references: Iterable[str]) -> set[str]:
    """The custom fields that a location must have before the first contact is written: the one by which a contact is found again.

    Each other field is created when a contact first has a value for it.
    """
    return {one for one in references if fold(one) == fold(LEAD_ID_FIELD)}


def lacking_field(reference: str) -> str:
    """The entry for a custom field that the location has not."""
    return f"field:{fold(reference)}"


def lacking_user(email: str) -> str:
    """The entry for a user whom the location has not."""
    return f"user:{fold(email)}"


def lacking_option(field_id: str, value: Any) -> str:
    """The entry for an option that a custom field has not."""
    return f"option:{field_id}:{fold(str(value))}"


def lacking_pipeline(pipeline: str) -> str:
    """The entry for a pipeline that the location has not."""
    return f"pipeline:{_part(pipeline)}"


def lacking_stage(pipeline: str, stage: str) -> str:
    """The entry for a stage that a pipeline has not."""
    return f"stage:{_part(pipeline)}:{_part(stage)}"


def _part(name: str) -> str:
    """A name as a part of an entry, which a colon ends."""
    return fold(name).replace(":", " ")


def fold(name: str) -> str:
    """A name as it is compared."""
    return name.strip().casefold()
