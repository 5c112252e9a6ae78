"""One operation of a vendor's API, as data: both clients' catalogues are made of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RetryClass = Literal["safe", "repeatable", "create"]
"""What repeating a request can do.

`safe`: a read, repeat at will.
`repeatable`: a second time leaves the same state (PUT, DELETE, upsert, tags).
`create`: a second time makes a second one, so search before repeating.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `name` is the vendor's own, so that it can be looked up there and used as a label.

    `path` is a template, `version` the value of the vendor's version header (empty where there is none).
    `may_be_empty` says that a 2xx without a body is complete.
    """

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    version: str
    retry_class: RetryClass
    is_deprecated: bool = False
    may_be_empty: bool = False
