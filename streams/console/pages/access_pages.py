"""The pages about who has access, and what they did."""

from __future__ import annotations

from streams.console.pages.account import AccountPage
from streams.console.pages.audit import AuditLogPage
from streams.console.pages.people import PeoplePage
from streams.console.pages.sign_in import SignInPage

ACCESS_PAGES = (SignInPage, AccountPage, PeoplePage, AuditLogPage)
