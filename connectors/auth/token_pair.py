"""What an OAuth server granted: the pair of tokens, and what it said of them. The same for both vendors."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import BrokenTokens


class TokenPair(BaseModel):
    """An access token and what renews it. Neither is in its `repr`; `to_json` holds both, so seal it.

    Times are in milliseconds since the epoch. `refresh` is None where the server gives none (client credentials).
    `server` is the path of the token server that granted it, where a vendor has several: only that one renews it.
    `user_type` is GHL's `Company` or `Location`; what a vendor does not say is None or empty.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: int = Field(default=1, ge=1, le=1)
    access: str = Field(min_length=1, repr=False)
    refresh: str | None = Field(default=None, min_length=1, repr=False)
    obtained_at_ms: int
    expires_at_ms: int
    server: str | None = None
    scopes: tuple[str, ...] = ()
    user_type: str | None = None
    location_id: str | None = None
    company_id: str | None = None
    user_id: str | None = None
    approved_locations: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """All of it, both tokens too, as JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """What `to_json` made. Raises `BrokenTokens`, which names the fields and no content."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            words = [f"{'.'.join(map(str, one['loc'])) or 'JSON'}: {one['msg']}" for one in problems]
        raise BrokenTokens(f"expected the JSON of a token pair, version 1; {'; '.join(words)}")

    def __str__(self) -> str:
        return repr(self)
