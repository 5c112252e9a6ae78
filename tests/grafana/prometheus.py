"""A real Prometheus (Debian's package) in a folder of its own, with the configuration and rules of `grafana/`."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from streams.demo.processes import free_port
from tests.grafana.scaled import configuration, rules

READY_SECONDS = 30.0


class NoPrometheus(RuntimeError):
    """The program is not installed, or did not start; the text says which."""


@contextmanager
def running_prometheus(
    folder: Path,
    targets: Mapping[str, Sequence[str]],
    *,
    scrape_seconds: float = 1.0,
    factor: float = 1.0,
    alertmanagers: Sequence[str] = (),
) -> Iterator[str]:
    """Run it until the block ends; gives its address. `factor` makes the rules' times shorter. Raises `NoPrometheus`."""
    program = shutil.which("prometheus")
    if program is None:
        raise NoPrometheus("there is no `prometheus` in PATH: install Debian's package of that name")
    files = []
    for name, content in rules(factor, 4 * scrape_seconds).items():
        files.append(folder / name)
        files[-1].write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    config = folder / "prometheus.yml"
    settings = configuration(targets, files, scrape_seconds=scrape_seconds, alertmanagers=alertmanagers)
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    log = folder / "prometheus.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url, log)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoPrometheus(
                f"Prometheus ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}"
            )
        try:
            with urlopen(f"{url}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.1)
    raise NoPrometheus(
        f"Prometheus was not ready within {READY_SECONDS:.0f} s:\n{log.read_text(errors='replace')[-2000:]}"
    )
