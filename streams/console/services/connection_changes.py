"""The services that change connections, in one place for who wires them: one by one, and by a table."""

from __future__ import annotations

from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.connection_imports import ConnectionImports

__all__ = ("ConnectionEdits", "ConnectionImports")
