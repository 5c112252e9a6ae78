"""Checks of this machine and of the configuration: credentials, keys, disk. Pure except for the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.errors import SealError
from streams.oauth.grants import Grants
from streams.operations.doctor.check_result import CheckResult
from streams.settings import Settings, SettingsError, require_secrets

FEW_BYTES = 200 * 2**20
SOME_BYTES = 2 * 2**30

Space = Callable[[Path], int]
"""Free bytes where a folder lies. Raises `OSError`."""


def free_bytes(folder: Path) -> int:
    """What this user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def credentials(settings: Settings) -> Iterator[CheckResult]:
    """All credentials that the configuration needs are set."""
    try:
        require_secrets(settings)
    except SettingsError as error:
        for problem in error.problems:
            mend = f"set {problem.where} ({problem.hint})" if problem.hint else f"set {problem.where}"
            yield CheckResult("credentials", problem.where, "wrong", "is not set", mend)
    else:
        yield CheckResult("credentials", "environment", "ok", "all that the configuration needs are set")


def keys(settings: Settings) -> Iterator[CheckResult]:
    """The keys that encrypt tokens, and GHL's public keys."""
    hint = 'create one: echo "$(date +%Y%m):$(openssl rand -base64 32)", and set LOFTY_GHL_TOKEN_KEYS'
    if settings.uses_oauth("ghl_token") or settings.uses_oauth("lofty_api_key"):
        try:
            ring = Grants.of(settings)
        except SealError as error:
            yield CheckResult("keys", "token keys", "wrong", str(error), hint)
        else:
            current = ring.ring.current_id if ring is not None else ""
            yield CheckResult("keys", "token keys", "ok", f"{current} encrypts tokens")
    count = len(settings.gateway.ghl.public_keys)
    mend = "remove gateway.ghl.public_keys from the configuration: the default is GHL's own"
    if count:
        yield CheckResult("keys", "GHL's public keys", "ok", f"{count} {'is' if count == 1 else 'are'} readable")
    else:
        yield CheckResult(
            "keys", "GHL's public keys", "wrong", "there are none, so no webhook of GHL is accepted", mend
        )


def disk(settings: Settings, space: Space = free_bytes) -> Iterator[CheckResult]:
    """The worker's folder is writable and has room, where this machine has one."""
    if settings.worker.store == "memory":
        yield CheckResult("disk", "data_dir", "ok", "the tables are kept in memory")
        return
    folder = Path(settings.worker.data_dir)
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    subject = f"data_dir {folder}"
    try:
        free = space(there)
    except OSError as error:
        mend = "grant the worker's user access to it, or set worker.data_dir"
        yield CheckResult("disk", subject, "wrong", f"cannot be read: {error.strerror}", mend)
        return
    if not os.access(there, os.W_OK | os.X_OK):
        mend = f"let this user write there (chown), or set worker.data_dir (now {folder})"
        yield CheckResult("disk", subject, "wrong", f"{there} is not writable", mend)
    elif free < FEW_BYTES:
        mend = f"make room in {there}, or set worker.data_dir to a larger disk"
        yield CheckResult("disk", subject, "wrong", f"the disk is full: {free // 2**20} MiB are left", mend)
    elif free < SOME_BYTES:
        yield CheckResult("disk", subject, "warning", f"{free // 2**20} MiB are left", f"make room in {there}")
    else:
        yield CheckResult("disk", subject, "ok", f"{free // 2**30} GiB are left")
