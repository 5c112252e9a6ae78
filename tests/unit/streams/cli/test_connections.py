"""`lofty-ghl connections rename` changes the names and the id in the file, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.connections import connections

FILE = """# ours
[connections.acme]
region = "US"

[connections.acme.lofty]
team_id = "1"
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_connection_is_renamed_in_place(tmp_path: Path, ends: str) -> None:
    """Line ends, comments and the file's mode stay; a second time says so and changes nothing."""
    path = tmp_path / "lofty-ghl.toml"
    path.write_bytes(FILE.replace("\n", ends).encode())
    path.chmod(0o640)
    for _ in range(2):
        result = CliRunner().invoke(connections, ["rename", "acme", "acme-realty", "--config", str(path)])
        assert result.exit_code == 0, result.output
    renamed = FILE.replace("\n", ends).replace("connections.acme", "connections.acme-realty")
    head, _, rest = renamed.partition('region = "US"')
    assert path.read_bytes().decode().replace('id = "acme"\n', "") == f'{head}region = "US"{rest}'
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_refuses_leaves_the_file_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do by hand is said."""
    path = tmp_path / "lofty-ghl.toml"
    path.write_text(FILE, encoding="utf-8")

    def is_full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", is_full)
    result = CliRunner().invoke(connections, ["rename", "acme", "acme-realty", "--config", str(path)])
    assert (result.exit_code, path.read_text(encoding="utf-8")) == (2, FILE)
    assert 'id = "acme"' in result.output
    assert [one.name for one in tmp_path.iterdir()] == ["lofty-ghl.toml"]
