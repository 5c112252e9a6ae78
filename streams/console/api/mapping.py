"""Endpoints of the mapping editor."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.mapping import Previews
from streams.mapping_versions.listing import MappingState
from streams.mapping_versions.problems import TextProblem

NAME = Field(max_length=63, pattern=r"^[a-z0-9][a-z0-9_-]*$")
TEXT = Field(
    max_length=200_000, description="TOML as in the configuration: [mappings.NAME], [mappings.NAME.fields], ..."
)


class TextToCheck(Input):
    """A mapping's text, as somebody edits it."""

    name: str = NAME
    text: str = TEXT


class TextToPreview(TextToCheck):
    """The same, and whose leads it is tried on; the newest where no lead is named."""

    connection: str = Field(max_length=63)
    leads: list[str] = Field(default_factory=list, max_length=10)


class SavedText(Input):
    """A text to be saved; null takes back what was edited. `expected_version` is the version that was edited."""

    text: str | None = TEXT
    expected_version: int = Field(ge=0)


class UsedMapping(Input):
    """Which mapping a connection has; null: the one that the file says."""

    name: str | None = NAME
    expected_version: int = Field(ge=0)


class ToVersion(Input):
    """The version to go back to; 0 is the file."""

    to_version: int = Field(ge=0)
    expected_version: int = Field(ge=0)


ENDPOINTS = (
    Endpoint(
        *("GET", "/mappings", "get-mappings", "mappings", "All mappings, who uses them, and their history.", "viewer"),
        *(MappingState, lambda call: call.services.mapping.state()),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/mappings/check", "check-mapping", "mappings", "What is wrong with a text; nothing is saved."),
        *("viewer", tuple[TextProblem, ...], lambda call: call.services.mapping.validate(**call.arguments)),
        body=TextToCheck,
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/mappings/preview", "preview-mapping", "mappings"),
        *("What a text would write for some leads; nothing is saved or written.", "viewer", Previews),
        lambda call: call.services.mapping.preview(**call.arguments),
        body=TextToPreview,
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("PUT", "/mappings/{name}", "save-mapping", "mappings", "Save a text.", "operator", MappingState),
        lambda call: call.services.mapping.save(call.by, **call.path, **call.arguments),
        body=SavedText,
        errors=(404, 409),
        concerns="deployment",
    ),
    Endpoint(
        *("PUT", "/connections/{connection}/mapping", "use-mapping", "mappings"),
        *("Give a connection another mapping.", "operator", MappingState),
        lambda call: call.services.mapping.use(call.by, **call.path, **call.arguments),
        body=UsedMapping,
        errors=(404, 409),
    ),
    Endpoint(
        *("POST", "/mappings/revert", "revert-mappings", "mappings", "All mappings as at a version.", "operator"),
        *(MappingState, lambda call: call.services.mapping.revert(call.by, **call.arguments)),
        body=ToVersion,
        errors=(404, 409),
        concerns="deployment",
    ),
)
