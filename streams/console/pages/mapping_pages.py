"""The pages of mappings."""

from __future__ import annotations

from streams.console.pages.mapping_field import MappingFieldPage
from streams.console.pages.mapping_table import MappingTablePage
from streams.console.pages.mappings import MappingsPage

MAPPING_PAGES = (MappingsPage, MappingTablePage, MappingFieldPage)
