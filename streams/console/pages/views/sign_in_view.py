"""The sign-in page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInView:
    """`problem` says why the last try failed; `provider` is the name of the OIDC provider, where there is one.

    `kept` is a form that came after the session had ended: it is sent along, and offered again.
    """

    csrf: str
    name: str = ""
    problem: str = ""
    go_on: str = "/console/"
    has_passwords: bool = True
    provider: str = ""
    provider_href: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class KeptFormView:
    """A form that came when the session had ended, to be sent once more. `shown` are the fields that a person typed."""

    action: str
    csrf: str
    fields: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str, str], ...]
