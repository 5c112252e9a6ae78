"""Giving people and programs access, as an admin does it in the console: listed, edited, and each edit in the audit."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

from streams.console.auth.accounts import Accounts
from streams.console.auth.audit_actions import Action
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.errors import Conflict, NotFound, SignInRefused, Unavailable, WrongInput
from streams.messages.account_edit import AccountEdit
from streams.operations.notifications.delivery import Undelivered
from streams.operations.people.editor import PeopleEditor
from streams.operations.people.errors import (
    AccountManagedByFile,
    InvalidAccount,
    LastAdmin,
    LinkNotGood,
    NoSuchAccount,
    PeopleUnavailable,
    StaleAccount,
)
from streams.operations.people.link_mail import LinkMail
from streams.settings import Settings
from streams.settings.console import Role
from streams.settings.password_hashes import token_hash

AccountState = Literal["in use", "invited", "disabled", "expired"]
PersonAct = Literal["disable", "enable", "sign-out", "remove"]
_ACTIONS: Mapping[PersonAct, Action] = {
    "disable": "person disable",
    "enable": "person enable",
    "sign-out": "person sign-out",
    "remove": "person remove",
}
WELCOME = "/console/welcome"


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """A person or a program. `connections` are those that they see; null for all.

    `managed`: they are changed in the configuration `file`, or in the `console`, and then `version` counts. `until_ms` is when an
    invitation or a token ends; null where there is no end. `used_ms` is when a token was last used at the gateway that answers;
    null where it was not used there since that gateway started.
    """

    name: str
    role: str
    connections: tuple[str, ...] | None
    managed: Literal["file", "console"]
    state: AccountState
    until_ms: int | None = None
    version: int = 0
    changed_ms: int = 0
    changed_by: str = ""
    used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PeopleList:
    """Everybody who has access by name. Those who sign in at a provider are not listed: their groups give it.

    `used_since_ms` is when the gateway that answers started, and began to note when tokens are used.
    """

    people: tuple[AccountSeen, ...]
    programs: tuple[AccountSeen, ...]
    provider: str = ""
    used_since_ms: int = 0


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A one-time link to set a password by. It is shown only now. `is_mailed`: the person has it by e-mail, too.

    `not_mailed` says why it was not sent, although that was asked for.
    """

    name: str
    path: str
    is_mailed: bool = False
    not_mailed: str = ""


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token for the API. It is shown only now."""

    name: str
    token: str


class PeopleAccess:
    """What the pages and the API of admins, and the command line, show and do.

    `expected_version` is the version that somebody saw; None for the newest, whatever it is.
    """

    def __init__(self, settings: Settings, accounts: Accounts, audit: AuditWriter, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._accounts = accounts
        self._store = accounts.people
        self._editor = PeopleEditor(accounts.people, settings, now_ms)
        self._mail = LinkMail(settings)
        self._audit = audit
        self._now_ms = now_ms

    def all(self) -> PeopleList:
        """Everybody. Raises `Unavailable` before they were read once."""
        if not self._store.has_read:
            raise Unavailable("People cannot be read now. Those in the configuration file can sign in.")
        console, log = self._settings.console, self._store.log
        tokens = (*console.tokens, *self._settings.console_secrets.tokens)
        return PeopleList(
            people=(
                *(_of_file(one.name, one.role, one.connections) for one in console.users),
                *(self._seen(one) for one in log.all("person")),
            ),
            programs=(
                *(
                    _of_file(one.name, one.role, one.connections, self._accounts.used_ms(one.hash.get_secret_value()))
                    for one in tokens
                ),
                *(self._seen(one) for one in log.all("program")),
            ),
            provider=console.oidc.name if console.oidc else "",
            used_since_ms=self._accounts.began_ms,
        )

    def find_person(self, name: str) -> AccountSeen:
        """A person whom an admin gave access. Raises `NotFound`."""
        found = next((one for one in self.all().people if one.name == name and one.managed == "console"), None)
        if found is None:
            raise NotFound(f"There is no person {name[:100]!r} who can be changed here.")
        return found

    @property
    def can_mail(self) -> bool:
        """Whether a link can be sent by e-mail."""
        return self._mail.is_possible

    async def invite(
        self,
        by: Actor,
        name: str,
        role: Role,
        connections: Sequence[str] | None,
        known: Collection[str],
        *,
        mail: bool = False,
    ) -> MadeLink:
        """Invite a person, by e-mail if `mail` says so. `known` are the connections that there are."""
        _check_known(connections, known)
        about = {"person": name, "role": role, **_listed(connections)}
        async with self._audit.acting(by, "person invite", about), _refusals():
            link = await self._editor.invite(name, role, connections, by.name)
        return await self._made(by, name, link, mail=mail)

    async def reset(self, by: Actor, name: str, expected_version: int | None = None, *, mail: bool = False) -> MadeLink:
        """Another link for a person, such as for somebody who forgot the password; by e-mail if `mail` says so."""
        async with self._audit.acting(by, "person reset", {"person": name}), _refusals():
            link = await self._editor.reset(name, by.name, expected_version)
        return await self._made(by, name, link, mail=mail)

    async def _made(self, by: Actor, name: str, link: str, *, mail: bool) -> MadeLink:
        """The link, which is there whether its e-mail could be sent or not."""
        made = MadeLink(name, f"{WELCOME}?link={link}")
        if not mail:
            return made
        why = ""
        try:
            await self._mail.send(secrets.token_hex(12), name, made.path, by.name, self._now_ms())
        except Undelivered as error:
            why = str(error)
        await self._audit.note(by, "person mail", {"person": name}, "failed" if why else "done", why)
        return replace(made, is_mailed=not why, not_mailed=why)

    async def change(
        self,
        by: Actor,
        name: str,
        role: Role,
        connections: Sequence[str] | None,
        expected_version: int,
        known: Collection[str],
    ) -> AccountSeen:
        """Give a person another role or other connections. It counts from their next request on."""
        _check_known(connections, known)
        about = {"person": name, "role": role, **_listed(connections)}
        async with self._audit.acting(by, "person change", about), _refusals():
            return self._seen(await self._editor.change(name, role, connections, by.name, expected_version))

    async def act(self, by: Actor, name: str, act: PersonAct, expected_version: int | None = None) -> AccountSeen:
        """Disable, enable, sign out or remove a person."""
        do = {"disable": self._editor.disable, "enable": self._editor.enable, "sign-out": self._editor.sign_out}
        async with self._audit.acting(by, _ACTIONS[act], {"person": name}), _refusals():
            if act == "remove":
                return self._seen(await self._editor.remove("person", name, by.name, expected_version))
            return self._seen(await do[act](name, by.name, expected_version))

    async def new_token(
        self, by: Actor, name: str, role: Role, connections: Sequence[str] | None, days: int, known: Collection[str]
    ) -> MadeToken:
        """A token for a program."""
        _check_known(connections, known)
        about = {"program": name, "role": role, "days": str(days), **_listed(connections)}
        async with self._audit.acting(by, "token new", about), _refusals():
            return MadeToken(name, await self._editor.new_token(name, role, connections, days, by.name))

    async def revoke(self, by: Actor, name: str, expected_version: int | None = None) -> AccountSeen:
        """Take a program's token away. It counts from its next request on."""
        async with self._audit.acting(by, "token revoke", {"program": name}), _refusals():
            return self._seen(await self._editor.remove("program", name, by.name, expected_version))

    # -- what somebody does for themselves ----------------------------------------------------------------

    def invited(self, link: str) -> str:
        """Whose link this is. Raises `SignInRefused` for one that is none."""
        found = self._store.log.by_link(token_hash(link), self._now_ms())
        if found is None:
            raise SignInRefused(
                "This link was used already, was replaced, or is too old. Ask an admin for another one."
            )
        return found.name

    async def set_password_by_link(self, link: str, password_hash: str, address: str) -> str:
        """The first password, or another one after a reset. Returns whose it is."""
        by = Actor(self.invited(link), via="link", address=address)
        async with self._audit.acting(by, "password set", {"person": by.name}), _refusals():
            return (await self._editor.set_password_by_link(link, password_hash)).name

    async def set_password(self, by: Actor, password_hash: str) -> None:
        """Another password of one's own, after the old one was checked."""
        async with self._audit.acting(by, "password change", {"person": by.name}), _refusals():
            await self._editor.set_password(by.name, password_hash)

    async def sign_out_everywhere(self, by: Actor) -> None:
        """End all sessions of one's own."""
        async with self._audit.acting(by, "person sign-out", {"person": by.name}), _refusals():
            await self._editor.sign_out(by.name, by.name)

    def _seen(self, edit: AccountEdit) -> AccountSeen:
        now_ms, until_ms = self._now_ms(), edit.expires_ms or (edit.link_until_ms if edit.link_hash else 0)
        state: AccountState = "in use"
        if edit.is_disabled:
            state = "disabled"
        elif until_ms and until_ms <= now_ms and not edit.password_hash:
            state = "expired"
        elif edit.kind == "person" and not edit.password_hash:
            state = "invited"
        return AccountSeen(
            *(edit.name, edit.role, edit.connections, "console", state, until_ms or None),
            *(self._store.log.version_of(edit.kind, edit.name), edit.at_ms, edit.by),
            used_ms=self._accounts.used_ms(edit.token_hash),
        )


def _of_file(name: str, role: str, connections: Sequence[str] | None, used_ms: int | None = None) -> AccountSeen:
    sees = None if connections is None else tuple(connections)
    return AccountSeen(name, role, sees, "file", "in use", used_ms=used_ms)


def _listed(connections: Sequence[str] | None) -> dict[str, str]:
    return {} if connections is None else {"connections": ", ".join(connections)}


def _check_known(connections: Sequence[str] | None, known: Collection[str]) -> None:
    unknown = sorted({*(connections or ())} - {*known})
    if unknown:
        raise WrongInput(
            f"There is no connection {unknown[0][:63]!r}. There are: {', '.join(sorted(known)) or 'none'}."
        )


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """The editor's errors as the console's."""
    try:
        yield
    except NoSuchAccount as error:
        raise NotFound(str(error)) from error
    except (StaleAccount, LastAdmin) as error:
        raise Conflict(str(error)) from error
    except (InvalidAccount, AccountManagedByFile) as error:
        raise WrongInput(str(error)) from error
    except LinkNotGood as error:
        raise SignInRefused(str(error)) from error
    except PeopleUnavailable as error:
        raise Unavailable(str(error)) from error
