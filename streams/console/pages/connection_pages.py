"""The pages of connections: the list, one of them, and many at once."""

from __future__ import annotations

from streams.console.pages.connection_acts import ConnectionActsPage
from streams.console.pages.connection_edits import ConnectionEditsPage
from streams.console.pages.connection_imports import ConnectionImportsPage
from streams.console.pages.connection_mapping import ConnectionMappingPage
from streams.console.pages.connections import ConnectionsPage
from streams.console.pages.installations import InstallationsPage
from streams.console.pages.rehearsals import RehearsalsPage
from streams.console.pages.steps import StepsPage

CONNECTION_PAGES = (
    *(ConnectionsPage, ConnectionEditsPage, ConnectionActsPage, ConnectionImportsPage),
    *(InstallationsPage, ConnectionMappingPage, RehearsalsPage, StepsPage),
)
