"""Where copies of tables are looked for on a machine, before what is lost is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.messages.topics import TopicNames
from streams.operations.local_copies import folders
from streams.settings import parse_settings
from streams.settings.data_parts import part_of

CONFIG = """
[kafka]
bootstrap_servers = "localhost:9092"
[worker]
data_dir = "{}"
"""


@pytest.mark.parametrize(("slots", "found"), [("", [""]), ("/{slot}", ["/slot-1", "/slot-2"])])
def test_the_copies_of_every_process_are_found(tmp_path: Path, slots: str, found: list[str]) -> None:
    """With and without slots, of a worker that is one process or several; nobody else's folder."""
    names = TopicNames("mine.")
    settings = parse_settings(CONFIG.format(f"{tmp_path}{slots}"), {}, read_file=lambda path: "", source="test")
    wanted = [Path(part_of(f"{tmp_path}{slot}", process)) / names.group for slot in found for process in (0, 1, 7)]
    for folder in (*wanted, tmp_path / "others" / names.group, tmp_path / "process-1" / TopicNames("other.").group):
        folder.mkdir(parents=True)
    assert folders(settings, names) == sorted(wanted)
