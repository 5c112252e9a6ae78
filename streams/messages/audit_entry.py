"""An act: something that somebody did, or tried, in the console or over its API."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.messages.message import Message

ActOutcome = Literal["begun", "done", "failed", "refused"]


class Act(Message):
    """One line of the audit. `at_ms` is when it was written, epoch milliseconds.

    `begun` is written before anything happens, then one of the others under the same `id`: a begun act without an end was
    interrupted, and may or may not have happened. `about` says on what, `detail` what came of it; neither holds a secret.
    `who` did it, with the `role` that they had, `via` the console or the API, from the `address`. `action` is what was done, `outcome` how it ended.
    """

    id: str
    at_ms: int
    who: str
    role: str = ""
    via: str = ""
    address: str = ""
    action: str
    about: dict[str, str] = Field(default_factory=dict)
    outcome: ActOutcome
    detail: str = ""
