"""Endpoints of the mapping editor."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Asked, Endpoint, Input
from streams.console.services.mapping import Previews
from streams.mapping_versions.listing import MappingState
from streams.mapping_versions.problems import TextProblem

NAME = Field(max_length=63, pattern=r"^[a-z0-9][a-z0-9_-]*$")
TEXT = Field(
    max_length=200_000, description="TOML as in the configuration: [mappings.NAME], [mappings.NAME.fields], ..."
)


class TextToCheck(Input):
    """A text as it stands in an editor."""

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


async def _state(asked: Asked) -> MappingState:
    return await asked.services.mapping.state()


async def _check(asked: Asked) -> tuple[TextProblem, ...]:
    return await asked.services.mapping.validate(asked.body.name, asked.body.text)


async def _preview(asked: Asked) -> Previews:
    body = asked.body
    return await asked.services.mapping.preview(body.name, body.text, body.connection, body.leads)


async def _save(asked: Asked) -> MappingState:
    body = asked.body
    return await asked.services.mapping.save(asked.by, asked.path["name"], body.text, body.expected_version)


async def _use(asked: Asked) -> MappingState:
    body = asked.body
    return await asked.services.mapping.use(asked.by, asked.path["connection"], body.name, body.expected_version)


async def _revert(asked: Asked) -> MappingState:
    return await asked.services.mapping.revert(asked.by, asked.body.to_version, asked.body.expected_version)


ENDPOINTS = (
    Endpoint(
        *("GET", "/mappings", "get-mappings", "mappings", "All mappings, who uses them, and their history.", "viewer"),
        *(MappingState, _state),
    ),
    Endpoint(
        *(
            "POST",
            "/mappings/check",
            "check-mapping",
            "mappings",
            "What is wrong with a text; nothing is saved.",
            "viewer",
        ),
        *(tuple[TextProblem, ...], _check),
        body=TextToCheck,
        refuses=(404,),
    ),
    Endpoint(
        *("POST", "/mappings/preview", "preview-mapping", "mappings"),
        *("What a text would make of leads; nothing is saved or written.", "viewer", Previews, _preview),
        body=TextToPreview,
        refuses=(404,),
    ),
    Endpoint(
        *("PUT", "/mappings/{name}", "save-mapping", "mappings", "Save a text.", "operator", MappingState, _save),
        body=SavedText,
        refuses=(404, 409),
    ),
    Endpoint(
        *("PUT", "/connections/{connection}/mapping", "use-mapping", "mappings"),
        *("Give a connection another mapping.", "operator", MappingState, _use),
        body=UsedMapping,
        refuses=(404, 409),
    ),
    Endpoint(
        *("POST", "/mappings/revert", "revert-mappings", "mappings", "All mappings as at a version.", "operator"),
        *(MappingState, _revert),
        body=ToVersion,
        refuses=(404, 409),
    ),
)
