"""GHL's own fields by the names that its pages have, where an operation names them by key or describes them."""

from __future__ import annotations

from streams.mapping.ghl_fields import STANDARD
from streams.mapping_versions.form.rows import GHL_LABELS

_LABELS = {
    **GHL_LABELS,
    "assigned user": GHL_LABELS["assignedTo"],
    **{words: GHL_LABELS[key] for key, words in STANDARD.items()},
}


def field_label(field: str) -> str:
    """A field as GHL's pages call it; a custom field, or a name that is not known, as it is."""
    return _LABELS.get(field, field)


def left_out_words(words: str) -> str:
    """Why a value is left out, `assignedTo: no GHL user …`, with the field's name in front."""
    field, colon, why = words.partition(":")
    return f"{field_label(field)}{colon}{why}"
