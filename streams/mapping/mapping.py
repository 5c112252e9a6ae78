"""A mapping, compiled: what `map_contact` runs, and what the planner must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streams.mapping.expression import Read
from streams.mapping.locale import PLAIN, Locale
from streams.mapping.steps import Step
from streams.mapping.tags import TagRules

LEAD_ID_FIELD = "Lofty lead id"
"""The custom field that ties a contact to its lead: always mapped, by nobody else."""

NO_USERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CustomField:
    """A GHL custom field that the mapping fills.

    `reference` is its name, or its key when it starts with `contact.`.
    `type` and `options` are used when it is created.
    """

    reference: str
    type: str = "TEXT"
    options: tuple[str, ...] = ()

    @property
    def is_key(self) -> bool:
        """The field is named by its key: it must exist, as GHL derives keys from names."""
        return self.reference.startswith("contact.")


@dataclass(frozen=True, slots=True)
class CompiledField:
    """One field of GHL and how it is filled: `read` the state, then each of `steps`; `labels` name them for people."""

    target: str
    source: str
    read: Read
    steps: tuple[Step, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """How one connection's leads become GHL contacts.

    `standard` and `custom` are the fields to fill, `assignment` gives the assigned agent's e-mail or is None.
    `custom_fields` describes every custom field by reference, for whoever finds or creates them.
    `mirrored` are globs of names of Lofty's custom attributes that are carried as they are.
    `locale` is how numbers and days are read; its time zone is whose day counts.
    `users` maps an agent's e-mail in Lofty to the user's in GHL, where they differ.
    `fingerprint` is equal for mappings that give equal contacts, and changes when the configuration does.
    """

    name: str
    standard: tuple[CompiledField, ...]
    custom: tuple[CompiledField, ...]
    assignment: CompiledField | None
    custom_fields: Mapping[str, CustomField]
    custom_types: Mapping[str, str]
    mirrored: tuple[str, ...]
    users: Mapping[str, str]
    tags: TagRules
    fingerprint: str
    locale: Locale = PLAIN

    def ghl_user_email(self, lofty_email: str) -> str:
        """The e-mail under which GHL knows an agent."""
        email = lofty_email.strip().lower()
        return self.users.get(email, email)
