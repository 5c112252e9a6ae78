"""The pages of the console."""

from __future__ import annotations

from streams.console.pages.access_pages import ACCESS_PAGES
from streams.console.pages.backfill import BackfillPage
from streams.console.pages.catalogue import CataloguePages
from streams.console.pages.conflicts import ConflictsPage
from streams.console.pages.connection_pages import CONNECTION_PAGES
from streams.console.pages.contacts import ContactsPage
from streams.console.pages.doctor import DoctorPage
from streams.console.pages.mapping_pages import MAPPING_PAGES
from streams.console.pages.overview import OverviewPage
from streams.console.pages.parked import ParkedRecordsPage
from streams.console.pages.recipients import NOTIFICATION_PAGES
from streams.console.pages.replay import ReplayPage
from streams.console.pages.runs import RunsPage
from streams.console.pages.verifications import VerificationsPage

PAGES = (
    *ACCESS_PAGES,
    OverviewPage,
    ContactsPage,
    ParkedRecordsPage,
    ConflictsPage,
    *CONNECTION_PAGES,
    *MAPPING_PAGES,
    BackfillPage,
    ReplayPage,
    VerificationsPage,
    RunsPage,
    DoctorPage,
    CataloguePages,
    *NOTIFICATION_PAGES,
)
