"""What each operation does: the rules of all files, by the name of the operation."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.ghl import (
    calendars,
    children,
    contacts,
    dictionaries,
    opportunities,
    opportunity_search,
    relations,
    search,
)
from connectors.sandbox.ghl.requests import Rule

RULES: Mapping[str, Rule] = {
    **contacts.RULES,
    **children.RULES,
    **calendars.RULES,
    **opportunities.RULES,
    **opportunity_search.RULES,
    **relations.RULES,
    **dictionaries.RULES,
    **search.RULES,
}
