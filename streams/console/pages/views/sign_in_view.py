"""The sign-in page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInView:
    """`problem` says why the last try failed; `provider` is the name of the OIDC provider, where there is one."""

    csrf: str
    name: str = ""
    problem: str = ""
    go_on: str = "/console/"
    has_passwords: bool = True
    provider: str = ""
    provider_href: str = ""
