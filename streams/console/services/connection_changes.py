"""The services that change connections, in one place for who wires them: one by one, by a table, by giving access, and by installations in GHL."""

from __future__ import annotations

from streams.console.services.connection_access import ConnectionAccess
from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.connection_imports import ConnectionImports
from streams.console.services.installations import Installations

__all__ = ("ConnectionAccess", "ConnectionEdits", "ConnectionImports", "Installations")
