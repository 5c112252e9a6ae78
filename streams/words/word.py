"""What all values on topics have in common: JSON bytes, a version number, tolerance for unknown fields.

While a deployment is upgraded, older and newer processes read each other's records. So:

- A new field has a default, and an old reader ignores it: the version stays.
- A change that an old reader would get wrong raises the version, in two releases. The first reads it (`version`) and still writes
  the old one (`v`). The second writes it. Readers are one version ahead, so each release works beside the one before it.
- A record of a version that is newer still stops its reader (`NewerWord`). It is never passed over.
"""

from __future__ import annotations

from typing import ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError


class NotAWord(ValueError):
    """Bytes that are not the word that was expected. `expected` names the word, `why` says what is wrong."""

    def __init__(self, expected: str, why: str) -> None:
        self.expected = expected
        self.why = why
        super().__init__(f"expected a {expected}: {why}")


class NewerWord(NotAWord):
    """A word of a version that this release does not read. `found` is that version, `read` the newest that is read.

    It is no poison: a newer release reads it. So whoever works records off stops in front of it, and whoever only shows
    records may leave it out.
    """

    def __init__(self, expected: str, found: int, read: int) -> None:
        self.found = found
        self.read = read
        super().__init__(expected, f"version {found} is newer than {read}: upgrade this worker")


class Word(BaseModel):
    """A frozen value that travels on a topic. `version` is the newest that this release reads, `v` by default what it writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: ClassVar[int] = 1
    v: int = 1

    def to_bytes(self) -> bytes:
        """The value as it stands on the topic."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Self:
        """Read a value from a topic.

        Raises `NotAWord` when the bytes are not this word, and `NewerWord` when a newer release wrote them, whatever they are then.
        """
        if raw is None:
            raise NotAWord(cls.__name__, "the record has no value")
        try:
            word = cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            if (found := _version(raw)) > cls.version:
                raise NewerWord(cls.__name__, found, cls.version) from None
            where = ".".join(str(part) for part in first["loc"]) or "the value"
            raise NotAWord(cls.__name__, f"{where}: {first['msg']}") from None
        if word.v > cls.version:
            raise NewerWord(cls.__name__, word.v, cls.version)
        return word


def _version(raw: bytes) -> int:
    """The version that bytes claim which are not of the expected form; 0 for none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return 0
    version = value.get("v") if isinstance(value, dict) else None
    return version if isinstance(version, int) else 0
