"""What travels on the topic `people`: versions of the people and programs whom admins gave access."""

from __future__ import annotations

from typing import Literal

from streams.messages.message import Message

AccountKind = Literal["person", "program"]
AccountRole = Literal["viewer", "operator", "admin"]


class AccountEdit(Message):
    """All there is of one account from now on, and the version of the whole topic that it was decided on.

    An edit counts only if `based_on` is the number of edits that counted before it, so that what was checked against all accounts,
    such as that an admin remains, is true when it counts.

    A person has a `password_hash` (Argon2id) once they have set a password, and until then, or after a reset, the SHA-256 of a
    one-time link that is good until `link_until_ms`. Sessions that began before `signed_out_ms` have ended.
    A program has the SHA-256 of its token, good until `expires_ms`; 0 is for ever. `connections` is None for all.
    Neither a password, a link nor a token is ever on the topic. Times are epoch milliseconds.
    `id` is random, `kind` is a person or a program, `name` theirs for good, `role` what they may do. `link_hash` is that of the link, `token_hash` that of the token.
    `is_disabled`: access is denied for now; `is_removed`: for good. `at_ms` is when it was decided, `by` who decided it.
    """

    id: str
    based_on: int
    kind: AccountKind
    name: str
    role: AccountRole
    connections: tuple[str, ...] | None = None
    password_hash: str = ""
    link_hash: str = ""
    link_until_ms: int = 0
    token_hash: str = ""
    expires_ms: int = 0
    signed_out_ms: int = 0
    is_disabled: bool = False
    is_removed: bool = False
    at_ms: int
    by: str
