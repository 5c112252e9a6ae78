"""What all values on topics have in common: JSON bytes, a version number, tolerance for unknown fields.

While a deployment is upgraded, older and newer processes read each other's records. So:

- A new field has a default, and an old reader ignores it: the version stays.
- A change that an old reader would misread raises the version, in two releases. The first reads it (`version`) and still writes
  the old one (`v`). The second writes it. Readers are one version ahead, so each release works beside the one before it.
- A record of a version that is newer still stops its reader (`NewerMessage`). It is never passed over.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.http.json_reader import MOST_DEPTH, UnreadableJson, read


class InvalidMessage(ValueError):
    """Bytes that are not the expected message. `expected` names its type, `why` says what is wrong."""

    def __init__(self, expected: str, why: str) -> None:
        self.expected = expected
        self.why = why
        super().__init__(f"expected a {expected}: {why}")


class NewerMessage(InvalidMessage):
    """A message of a version that this release does not read. `found` is that version, `read` the newest that is read.

    A newer release can read it. So a consumer that processes records stops in front of it, and one that only shows records may
    leave it out.
    """

    def __init__(self, expected: str, found: int, read: int) -> None:
        self.found = found
        self.read = read
        super().__init__(expected, f"version {found} is newer than {read}: upgrade this worker")


def _takes_any(schema: Any) -> bool:
    """Whether a pydantic schema has a part that takes any value."""
    if isinstance(schema, dict):
        return schema.get("type") == "any" or any(_takes_any(one) for one in schema.values())
    return isinstance(schema, list | tuple) and any(_takes_any(one) for one in schema)


class Message(BaseModel):
    """A frozen value that travels on a topic.

    `v` is the version of the record's form, by default the one that this release writes; `version` is the newest that it reads.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: ClassVar[int] = 1
    deepest: ClassVar[int] = MOST_DEPTH + 16
    """How deep it may be nested. A value inside of another message has less depth, so that the other can be read again."""
    v: int = 1
    _is_open: ClassVar[bool] = False
    """Whether it holds foreign JSON unchanged: then only the JSON reader knows whether it can be written again."""

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        """Find out whether any of its fields, or of what they hold, takes any value."""
        cls._is_open = _takes_any(cls.__pydantic_core_schema__)

    def to_bytes(self) -> bytes:
        """The bytes for a topic."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Self:
        """Read a value from a topic.

        Raises `InvalidMessage` when the bytes are not this message, and `NewerMessage` when a newer release wrote them.
        """
        if raw is None:
            raise InvalidMessage(cls.__name__, "the record has no value")
        try:
            message = cls._read(raw)
        except UnreadableJson as error:
            raise InvalidMessage(cls.__name__, str(error)) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            if (found := _version(raw)) > cls.version:
                raise NewerMessage(cls.__name__, found, cls.version) from None
            where = ".".join(str(part) for part in first["loc"]) or "the value"
            raise InvalidMessage(cls.__name__, f"{where}: {first['msg']}") from None
        if message.v > cls.version:
            raise NewerMessage(cls.__name__, message.v, cls.version)
        if problem := message.problem():
            raise InvalidMessage(cls.__name__, problem)
        return message

    def problem(self) -> str | None:
        """What makes it unusable although each field has its type; called when it is read from a topic."""
        return None

    @classmethod
    def _read(cls, raw: bytes) -> Self:
        if not cls._is_open:
            try:
                return cls.model_validate_json(raw)  # the fastest for what has no JSON of others in it
            except ValidationError as error:
                if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
                    raise
        value = read(raw, most_depth=cls.deepest).value
        if not isinstance(value, dict):
            raise UnreadableJson("an object", type(value).__name__)
        return cls.model_validate(value)


def _version(raw: bytes) -> int:
    """The version that bytes claim which are not of the expected form; 0 for none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return 0
    version = value.get("v") if isinstance(value, dict) else None
    return version if isinstance(version, int) else 0
