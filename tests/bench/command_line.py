"""How soon the command line answers: processor time and the most memory of whole processes, and seconds where Kafka is asked.

Each command runs once unmeasured, so that byte code is compiled, and then `ROUNDS` times; the medians are reported.
`status` and `parked list` ask a Kafka on which the topics stand and nothing runs.

    python -m tests.bench.command_line BOOTSTRAP [ROUNDS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS = 7

CONFIG = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}."
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "one"
"""

SECRETS = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit-token",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "0123456789abcdef",
}


def completing(line: str) -> dict[str, str]:
    """The environment of a TAB after a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return {**words, "_LOFTY_GHL_COMPLETE": "complete_bash"}


AT_ONCE: dict[str, tuple[str, Mapping[str, str]]] = {
    "help": ("--help", {}),
    "help of worker": ("worker --help", {}),
    "version": ("--version", {}),
    "unknown command": ("nonsense", {}),
    "unknown option": ("status --nonsense", {}),
    "completion of a command": ("", completing("lofty-ghl par")),
    "completion of a connection": ("", completing("lofty-ghl backfill ac")),
}
ASKS_KAFKA = {"status": ("status", {}), "parked list": ("parked list", {})}


def once(words: str, environ: Mapping[str, str]) -> tuple[float, float, float]:
    """Processor time, memory in MB, and seconds of one run."""
    command = [str(Path(sys.executable).with_name("lofty-ghl")), *words.split()]
    began = time.monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0  # it was waited for
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, time.monotonic() - began


def measure(bootstrap: str, rounds: int) -> dict[str, Any]:
    """Every command's medians."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "lofty-ghl.toml"
        config.write_text(CONFIG.format(bootstrap=bootstrap, prefix=f"bench-{uuid.uuid4().hex[:8]}"))
        environ = {**SECRETS, "LOFTY_GHL_CONFIG": str(config)}
        create = [sys.executable, "-m", "streams.cli", "topics", "create"]
        subprocess.run(create, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = {}
        for name, (words, more) in (AT_ONCE | ASKS_KAFKA).items():
            once(words, environ | more)
            cpu, memory, seconds = zip(*(once(words, environ | more) for _ in range(rounds)), strict=True)
            found[name] = {"cpu_seconds": median(cpu), "most_mb": median(memory), "seconds": median(seconds)}
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)))
