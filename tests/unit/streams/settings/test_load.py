"""The shell around the parser, and the sample that users start from."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from streams.mapping import TRANSFORMS
from streams.mapping.compile import FIELD_KEYS, MAPPING_KEYS
from streams.settings import SettingsError, example_text, load_settings
from streams.settings.connection_table import ConnectionTable
from streams.settings.overrides import OVERRIDES
from streams.settings.parse import SECTIONS, parse_settings
from streams.settings.required_secrets import CONNECTION_SECRETS


def test_a_file_is_read_with_the_secrets_that_the_environment_names(tmp_path: Path) -> None:
    """From the file system, once."""
    (tmp_path / "lofty-ghl.toml").write_text(example_text(), encoding="utf-8")
    (tmp_path / "token").write_text("abc\n", encoding="utf-8")
    settings = load_settings(tmp_path / "lofty-ghl.toml", {"LOFTY_GHL_ACME_GHL_TOKEN_FILE": str(tmp_path / "token")})
    token = settings.connections["acme"].secrets.ghl_token
    assert token is not None
    assert token.get_secret_value() == "abc"


def test_secrets_may_lie_in_a_folder_each_under_its_name(tmp_path: Path) -> None:
    """As Compose and Kubernetes mount them; other files there are none of ours."""
    (tmp_path / "lofty-ghl.toml").write_text(example_text(), encoding="utf-8")
    (tmp_path / "LOFTY_GHL_ACME_GHL_TOKEN").write_text("abc\n", encoding="utf-8")
    (tmp_path / "..data").mkdir()
    environ = {"LOFTY_GHL_SECRETS_DIR": str(tmp_path)}
    token = load_settings(tmp_path / "lofty-ghl.toml", environ).connections["acme"].secrets.ghl_token
    assert token is not None
    assert token.get_secret_value() == "abc"
    with pytest.raises(
        SettingsError, match="expected either LOFTY_GHL_ACME_GHL_TOKEN or LOFTY_GHL_ACME_GHL_TOKEN_FILE"
    ):
        load_settings(tmp_path / "lofty-ghl.toml", {**environ, "LOFTY_GHL_ACME_GHL_TOKEN": "def"})


def test_a_folder_of_secrets_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """With its name, and how its files are called."""
    (tmp_path / "lofty-ghl.toml").write_text(example_text(), encoding="utf-8")
    with pytest.raises(SettingsError, match="a readable folder at /nowhere, got No such file") as caught:
        load_settings(tmp_path / "lofty-ghl.toml", {"LOFTY_GHL_SECRETS_DIR": "/nowhere"})
    assert "LOFTY_GHL_ACME_GHL_TOKEN" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "got"), [(None, "No such file or directory"), (b"\xff\xfe", "byte 0 that is none")]
)
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes | None, got: str) -> None:
    """Not a stack trace."""
    file = tmp_path / "lofty-ghl.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {})
    assert caught.value.problems[0].got == got


def test_the_sample_loads() -> None:
    """It cannot rot."""
    settings = parse_settings(example_text())
    assert list(settings.connections) == ["acme"]


def _keys(model: type[BaseModel]) -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= _keys(field.annotation)
    return found


def test_the_sample_shows_every_setting() -> None:
    """A setting that nobody can find does not exist."""
    text = example_text()
    parsed = parse_settings(text)
    known = set(SECTIONS) | set(MAPPING_KEYS) | set(FIELD_KEYS) - {"unset", "unchecked"} | _keys(ConnectionTable)
    known |= {key for model in (parsed.kafka, parsed.gateway, parsed.worker) for key in type(model).model_fields}
    assert [key for key in sorted(known) if key not in text] == []
    assert [name for name in OVERRIDES if name not in text] == []


def test_the_sample_tells_the_true_defaults() -> None:
    """A value without a comment to the contrary is also the one in force without the file."""
    tables = tomllib.loads(example_text())
    defaults = parse_settings("")
    shown: dict[str, Any] = {name: tables[name] for name in ("kafka", "gateway", "worker")}

    def as_shown(actual: Any, table: Any) -> Any:
        return {key: as_shown(actual[key], table[key]) for key in table} if isinstance(table, dict) else actual

    assert as_shown(defaults.model_dump(), shown) == shown


def test_the_sample_uses_transforms_that_exist() -> None:
    """Compiled with the rest."""
    written = tomllib.loads(example_text())["mappings"]["acme"]["fields"]["phone"]["transform"]
    assert set(written) <= set(TRANSFORMS)


def test_of_a_folder_of_credentials_that_is_not_there_everything_is_missing(tmp_path: Path) -> None:
    """Without any credentials all is reported at once: the folder, and what belongs into it."""
    (tmp_path / "lofty-ghl.toml").write_text(example_text(), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "lofty-ghl.toml", {"LOFTY_GHL_SECRETS_DIR": "/nowhere"}, required=CONNECTION_SECRETS)
    assert sorted(one.where for one in caught.value.problems) == [
        "LOFTY_GHL_ACME_GHL_TOKEN",
        "LOFTY_GHL_ACME_LOFTY_API_KEY",
        "LOFTY_GHL_ACME_WEBHOOK_SECRET",
        "LOFTY_GHL_SECRETS_DIR",
    ]


def test_a_folder_of_credentials_that_cannot_be_read_hides_no_credential(tmp_path: Path) -> None:
    """The files in it are not missing: only the folder is reported."""
    (tmp_path / "lofty-ghl.toml").write_text(example_text(), encoding="utf-8")
    (tmp_path / "secrets").write_text("a file", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(
            tmp_path / "lofty-ghl.toml",
            {"LOFTY_GHL_SECRETS_DIR": str(tmp_path / "secrets")},
            required=CONNECTION_SECRETS,
        )
    assert [one.where for one in caught.value.problems] == ["LOFTY_GHL_SECRETS_DIR"]
