"""What Lofty's JSON means: values for "unset", and a webhook subscription as an object.

The client returns leads, notes, tasks and members as Lofty's own JSON, because the mapping reads that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

_UNSET = (None, "", "N/A", -1, "-1", 0, "0")


def is_unset(value: Any) -> bool:
    """Whether a value is one of Lofty's values for nothing. `0` is one for ids only, so ask this of ids alone."""
    return not isinstance(value, bool) and value in _UNSET


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and not is_unset(value) else None


Id = Annotated[str, BeforeValidator(_id)]
MaybeId = Annotated[str | None, BeforeValidator(_id)]


class Subscription(BaseModel):
    """A webhook subscription. `vendor_id` is its owner. Unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    subscribe_id: Id
    team_id: MaybeId = None
    list_id: int
    callback_url: str
    vendor_id: MaybeId = None
    limit: int | None = None
    permission_mode: int | None = None


def read_subscription(found: Any, malformed: Callable[[str], Exception]) -> Subscription:
    """A subscription from Lofty's JSON. Raises what `malformed` makes of the expectation when it is none."""
    try:
        return Subscription.model_validate(found)
    except ValidationError as error:
        raise malformed("a subscription with its ids") from error
