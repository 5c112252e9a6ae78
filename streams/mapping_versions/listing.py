"""The mappings as the editor shows them: texts, who uses them, and their history. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any, Literal

from streams.mapping.compile import DEFAULT
from streams.mapping_versions.effective import EffectiveMappings
from streams.mapping_versions.problems import TextProblem, in_texts
from streams.mapping_versions.texts import DEFAULT_TEXT, text_in_file
from streams.mapping_versions.version_log import VersionLog
from streams.messages.mapping_edit import EditKind
from streams.settings.settings import Settings

Source = Literal["built in", "file", "edited"]


@dataclass(frozen=True, slots=True)
class MappingText:
    """One mapping. `version`, `at_ms` and `by` describe its last edit; 0 and "" for one that was never edited."""

    name: str
    text: str
    source: Source
    is_editable: bool
    used_by: tuple[str, ...]
    version: int = 0
    at_ms: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """One version of the history. `before` and `text` are the old and the new value: a mapping's text, or the name of the one in use.

    None means: as in the file. For a revert, `text` is the number of the version that was restored.
    """

    version: int
    at_ms: int
    by: str
    kind: EditKind
    name: str
    text: str | None
    before: str | None


@dataclass(frozen=True, slots=True)
class MappingState:
    """All mappings at `version`. `in_force_version` is smaller where `broken` says why the newest does not compile here."""

    version: int
    in_force_version: int
    mappings: tuple[MappingText, ...]
    uses: dict[str, str]
    history: tuple[Edit, ...]
    broken: tuple[TextProblem, ...] = ()

    def mapping(self, name: str) -> MappingText | None:
        """One mapping by its name."""
        return next((one for one in self.mappings if one.name == name), None)


def state_of(file: Settings, ledger: VersionLog, found: EffectiveMappings) -> MappingState:
    """The state for the editor, from the file, the edits, and the version in force."""
    overlay = ledger.newest
    uses = {name: one.mapping.name for name, one in found.settings.connections.items()}
    origin = file.origin.text if file.origin is not None else ""
    written: Any = tomllib.loads(origin).get("mappings", {})
    names = [DEFAULT, *sorted({*written, *overlay.texts})]
    texts = tuple(_text(name, origin, written, ledger, uses) for name in names)
    broken = in_texts(found.problems, overlay.texts)
    return MappingState(overlay.version, found.settings.mapping_version, texts, uses, _history(ledger), broken)


def _text(name: str, file: str, written: dict[str, Any], ledger: VersionLog, uses: dict[str, str]) -> MappingText:
    used_by = tuple(sorted(connection for connection, used in uses.items() if used == name))
    if name == DEFAULT:
        return MappingText(name, DEFAULT_TEXT, "built in", is_editable=False, used_by=used_by)
    edited = ledger.newest.texts.get(name)
    source: Source = "file" if edited is None else "edited"
    last = next(
        (
            one
            for one in reversed(ledger.versions)
            if ledger.at(one.number - 1).texts.get(name) != one.overlay.texts.get(name)
        ),
        None,
    )
    facts = (last.number, last.edit.at_ms, last.edit.by) if last is not None else (0, 0, "")
    text = edited if edited is not None else text_in_file(file, name)
    return MappingText(name, text, source, True, used_by, *facts)


def _history(ledger: VersionLog) -> tuple[Edit, ...]:
    found = []
    for one in reversed(ledger.versions):
        edit, before = one.edit, ledger.at(one.number - 1)
        held = before.texts if edit.kind == "text" else before.uses if edit.kind == "use" else {}
        text = str(edit.to_version) if edit.kind == "revert" else edit.text
        found.append(Edit(one.number, edit.at_ms, edit.by, edit.kind, edit.name, text, held.get(edit.name)))
    return tuple(found)
