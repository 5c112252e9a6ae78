"""Mapping: from Lofty's JSON to what GHL should hold. Pure; users write mappings in TOML.

`compile_mapping` turns the `[mappings.NAME]` tables of a configuration into a `CompiledMapping`,
or says all that is wrong with them.
`map_contact`, `map_note`, `map_task`, `map_appointment`, `map_event` and `map_opportunity` never raise for what Lofty sends.
"""

from streams.mapping.compile import MappingFaults, compile_mapping
from streams.mapping.contact import MappedContact, map_contact
from streams.mapping.default import DEFAULT_MAPPING
from streams.mapping.errors import MappingFault, did_you_mean, shown
from streams.mapping.locale import Locale, Reading, locale_of
from streams.mapping.lofty_sync import FieldOwner
from streams.mapping.mapping import LEAD_ID_FIELD, CompiledMapping, CustomField
from streams.mapping.markers import find_marker, marker
from streams.mapping.note import MappedNote, map_note
from streams.mapping.opportunity import MappedOpportunity, StagePair, StageTable, map_opportunity
from streams.mapping.sync import is_deleted, should_sync
from streams.mapping.tags import TagRules
from streams.mapping.task import MappedEvent, MappedTask, has_begin, map_appointment, map_event, map_task
from streams.mapping.transforms import TRANSFORMS

__all__ = [
    "DEFAULT_MAPPING",
    "LEAD_ID_FIELD",
    "TRANSFORMS",
    "CompiledMapping",
    "CustomField",
    "FieldOwner",
    "Locale",
    "MappedContact",
    "MappedEvent",
    "MappedNote",
    "MappedOpportunity",
    "MappedTask",
    "MappingFault",
    "MappingFaults",
    "Reading",
    "StagePair",
    "StageTable",
    "TagRules",
    "compile_mapping",
    "did_you_mean",
    "find_marker",
    "has_begin",
    "is_deleted",
    "locale_of",
    "map_appointment",
    "map_contact",
    "map_event",
    "map_note",
    "map_opportunity",
    "map_task",
    "marker",
    "should_sync",
    "shown",
]
