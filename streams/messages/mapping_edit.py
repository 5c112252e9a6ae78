"""One change of the mappings, as it travels to every process."""

from __future__ import annotations

from typing import Literal

from streams.messages.message import Message

EditKind = Literal["text", "use", "revert"]


class MappingEdit(Message):
    """What somebody changed, and the version of all mappings together that it was changed from.

    An edit counts only if `based_on` is still the newest version when it is read: all readers of the topic decide alike.

    - `text`: the mapping `name` reads `text` from now on, TOML with a table `[mappings.NAME]`; None: as the file says again.
    - `use`: the connection `name` has the mapping `text` from now on; None: the one that the file says.
    - `revert`: all is as at `to_version` again.

    `id` is a number by chance, by which who saved finds his own edit again. `at_ms` is epoch milliseconds.
    `kind` says what is done, `by` is who did it.
    """

    id: str
    based_on: int
    kind: EditKind
    name: str = ""
    text: str | None = None
    to_version: int = 0
    at_ms: int
    by: str
