"""What all values on topics have in common: JSON bytes, a version number, tolerance for unknown fields."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class NotAWord(ValueError):
    """Bytes that are not the word that was expected. `expected` names the word, `why` says what is wrong."""

    def __init__(self, expected: str, why: str) -> None:
        self.expected = expected
        self.why = why
        super().__init__(f"expected a {expected}: {why}")


class Word(BaseModel):
    """A frozen value that travels on a topic."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: ClassVar[int] = 1
    v: int = 1

    def to_bytes(self) -> bytes:
        """The value as it stands on the topic."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> Self:
        """Read a value from a topic.

        Raises `NotAWord` when the bytes are not this word, or were written by a newer major version.
        """
        if raw is None:
            raise NotAWord(cls.__name__, "the record has no value")
        try:
            word = cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the value"
            raise NotAWord(cls.__name__, f"{where}: {first['msg']}") from None
        if word.v > cls.version:
            raise NotAWord(cls.__name__, f"version {word.v} is newer than {cls.version}: upgrade this worker")
        return word
