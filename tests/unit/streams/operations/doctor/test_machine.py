"""What the doctor finds on this machine and in the configuration."""

from __future__ import annotations

from pathlib import Path

from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.machine import credentials, disk, keys
from streams.settings import Settings, parse_settings

CONFIG = """
[worker]
data_dir = "{folder}"
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
"""
ENVIRON = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "a-key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "a-token",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "a-secret-of-16-letters",
}


def settings(folder: Path | str = "/nowhere", environ: dict[str, str] | None = None, more: str = "") -> Settings:
    """Settings of a deployment."""
    return parse_settings(CONFIG.format(folder=folder) + more, ENVIRON if environ is None else environ)


def test_a_credential_that_is_missing_is_named_with_its_variable() -> None:
    """Each on a line of its own."""
    found = list(credentials(settings(environ={"LOFTY_GHL_ACME_GHL_TOKEN": "a-token"})))
    assert [one.subject for one in found] == ["LOFTY_GHL_ACME_LOFTY_API_KEY", "LOFTY_GHL_ACME_WEBHOOK_SECRET"]
    assert {one.level for one in found} == {"wrong"}
    assert "LOFTY_GHL_ACME_LOFTY_API_KEY_FILE" in found[0].mend
    assert [one.level for one in credentials(settings())] == ["ok"]


def test_a_full_disk_is_wrong_and_one_that_fills_up_is_a_warning(tmp_path: Path) -> None:
    """With what is left, and where."""

    def said(free: int) -> CheckResult:
        return next(disk(settings(tmp_path / "data"), lambda folder: free))

    full, low, well = said(10 * 2**20), said(2**30), said(2**40)
    assert (full.level, "the disk is full: 10 MiB are left" in full.says, str(tmp_path) in full.mend) == (
        "wrong",
        True,
        True,
    )
    assert (low.level, well.level) == ("warning", "ok")


def test_a_folder_that_cannot_be_looked_at_is_wrong(tmp_path: Path) -> None:
    """In the machine's words."""

    def space(folder: Path) -> int:
        raise PermissionError(13, "Permission denied")

    found = next(disk(settings(tmp_path), space))
    assert (found.level, "Permission denied" in found.says) == ("wrong", True)


def test_the_disk_plays_no_part_where_tables_are_in_memory(tmp_path: Path) -> None:
    """Whatever is left of it."""
    kept = settings(tmp_path).model_copy(update={"worker": settings().worker.model_copy(update={"store": "memory"})})
    assert next(disk(kept, lambda folder: 0)).level == "ok"


def test_keys_that_cannot_be_read_are_told_with_the_command_that_makes_one() -> None:
    """Only where OAuth needs them."""
    more = 'auth = "oauth"\n[oauth.ghl]\nclient_id = "app"\n[gateway]\npublic_url = "https://hooks.example.com"\n'
    found = list(keys(settings(more=more)))
    assert (found[0].level, "openssl rand" in found[0].mend) == ("wrong", True)
    assert [one.subject for one in keys(settings())] == ["GHL's public keys"]


def test_without_a_public_key_no_webhook_of_ghl_is_taken() -> None:
    """Which is wrong, unless nobody wants any."""
    found = list(keys(settings(more="[gateway.ghl]\npublic_keys = []\n")))
    assert (found[0].level, "none" in found[0].says) == ("wrong", True)
