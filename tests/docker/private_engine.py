"""A Docker engine of our own, in namespaces of our own: started by hand where none answers, and gone without a trace.

`enclosed` runs a command in namespaces for processes, mounts and network. Whatever runs in there ends with the command, however
that ends, and takes its mounts, bridges and firewall rules along; its ports (8080, 9092, …) collide with nobody's. slirp4netns,
which needs no rule on this machine, gives it a way out. `engine` starts `dockerd` in there, with its socket in a folder of its own,
never at /var/run/docker.sock, where others look.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
from docker.errors import DockerException

from tests.deadlines import within

START_SECONDS = 60.0
NEEDED = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "unshare": "util-linux",
    "slirp4netns": "slirp4netns",
    "iptables": "iptables",
}
"""Command → Debian's package."""
TAP = "tap0"
SLIRP = ("--configure", "--mtu=65520", "--disable-host-loopback")


def why_not_here() -> str | None:
    """Why no engine can be started here, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux may start one"
    missing = {package for command, package in NEEDED.items() if shutil.which(command) is None}
    if missing:
        return f"these are not installed: {', '.join(sorted(missing))} (Debian: apt-get install …)"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        return f"this machine allows no namespaces and mounts: {tried.stderr.strip()}"
    return None


def enclosed(argv: Sequence[str], environ: Mapping[str, str], seconds: float) -> int:
    """Run a command in namespaces of its own, for so long at most; returns its exit code, 124 when its time was over."""
    flags = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    inside = subprocess.Popen(["unshare", *flags, *argv], env=dict(environ), stdin=subprocess.PIPE)
    network: subprocess.Popen[bytes] | None = None
    ends, ours = os.pipe()  # the network's process ends when our end closes, also by a kill of this process
    try:
        _wait_for(lambda: _namespace(inside.pid) != _namespace(os.getpid()), 10, "a network namespace")
        network = subprocess.Popen(
            ["slirp4netns", *SLIRP, f"--exit-fd={ends}", str(inside.pid), TAP],
            pass_fds=(ends,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return inside.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"docker-check: not done after {seconds:.0f} s", file=sys.stderr)
            return 124
    finally:
        inside.kill()  # its child, which is process 1 in there, ends with it
        inside.wait()
        if network is not None:
            network.kill()
            network.wait()
        os.close(ends)
        os.close(ours)


def end_with_parent() -> None:
    """In there: end when whoever made the namespaces is gone. Process 1 takes everything along."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(70)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def await_network() -> None:
    """In there: return once there is a way out."""
    _wait_for(lambda: TAP in {name for _, name in socket.if_nameindex()}, 15, "a network")
    _wait_for(lambda: TAP in Path("/proc/net/route").read_text(encoding="ascii"), 15, "a route")


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """An engine, as long as the block lasts; yields its address. Everything that it keeps lies in the folder."""
    address = f"unix://{folder / 'docker.sock'}"
    log = folder / "dockerd.log"
    argv = [
        "dockerd",
        f"--host={address}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--cgroup-parent=/{folder.name}",
        "--log-level=warn",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _wait_for(lambda: process.poll() is not None or _answers(address), START_SECONDS, "the Docker engine")
        if process.poll() is not None:
            raise RuntimeError(f"dockerd ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(within(10))
        except subprocess.TimeoutExpired:  # it waits half a minute for containerd, and all of this ends anyway
            process.kill()
            process.wait()


def remove_control_groups(folder: Path) -> None:
    """Those of an engine that ended: no namespace holds them, so they would outlive it."""
    for top in (Path("/sys/fs/cgroup") / folder.name, *Path("/sys/fs/cgroup").glob(f"*/{folder.name}")):
        for below, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                os.rmdir(below)


def _answers(address: str) -> bool:
    if not Path(address.removeprefix("unix://")).exists():
        return False
    try:
        client = docker.DockerClient(base_url=address, timeout=within(5))
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError as error:
        raise RuntimeError(f"the namespaces' process ended: {error}") from error


def _wait_for(claim: object, seconds: float, what: str) -> None:
    assert callable(claim)
    deadline = time.monotonic() + within(seconds)
    while not claim():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.1)
