"""A real systemd manager of a user's own, in namespaces: what it is told to do, it does, and leaves nothing.

Its home, /run and control groups are made for it and end with it; the user is nobody.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INSIDE = r"""
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /home
mkdir -p /run/systemd/system /run/systemd/unit-root /run/user/65534 /home/volunteer
chown nobody /run/user/65534 /home/volunteer
chmod 700 /run/user/65534 /home/volunteer
# What Python needs may lie in a home that nobody may enter: the same paths, in an empty home that all may.
n=0
for folder in $HIDDEN; do n=$((n + 1)); mkdir /run/$n; mount --bind "$folder" /run/$n; done
[ $n = 0 ] || mount -t tmpfs -o mode=755 tmpfs "$HIDING"
n=0
for folder in $HIDDEN; do n=$((n + 1)); mkdir -p "$folder"; mount --bind /run/$n "$folder"; done
ip link set lo up
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir /sys/fs/cgroup/$GROUP /sys/fs/cgroup/$GROUP/manager
echo $$ > /sys/fs/cgroup/$GROUP/manager/cgroup.procs
chown -R nobody /sys/fs/cgroup/$GROUP
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
"""
# Starts the manager, runs the commands that come as JSON, and tells how each ended.
_USER = r"""
import json, os, subprocess, sys, time
nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
manager = subprocess.Popen(["/lib/systemd/systemd", "--user"], **nowhere)
ask = ["systemctl", "--user", "is-system-running"]
for _ in range(200):
    if subprocess.run(ask, capture_output=True).stdout.strip() in (b"running", b"degraded"):
        break
    time.sleep(0.05)
for words in json.loads(sys.argv[1]):
    done = subprocess.run(words, capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
manager.kill()
"""
_TIDY = r"""
umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
# What was killed a moment ago may not be gone yet.
for n in $(seq 50); do
    [ -d /sys/fs/cgroup/$GROUP ] || exit 0
    find /sys/fs/cgroup/$GROUP -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
done
"""
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


def missing() -> str:
    """Say why there can be no manager here; empty where there can."""
    if sys.platform != "linux" or os.geteuid():
        return "needs root, to make namespaces with control groups"
    hidden = [place for place in (Path(__file__), Path(sys.prefix)) if place.resolve().parts[1:2] == ("tmp",)]
    if hidden:
        return f"the unit has a /tmp of its own, in which {hidden[0]} is not"
    for program in ("unshare", "setpriv", "ip", "systemctl", "/lib/systemd/systemd"):
        if not shutil.which(program):
            return f"there is no {program} here"
    tried = subprocess.run(
        [*_UNSHARE, "sh", "-c", "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no control groups in a namespace here: {tried.stderr.strip()}" if tried.returncode else ""


def managed(commands: Sequence[Sequence[str]]) -> list[Said]:
    """Run commands, one after another, in the session of a user whose manager runs."""
    home = Path.home()
    needed = {
        Path(sys.base_prefix).resolve(),
        Path(sys.prefix).resolve(),
        Path(__file__).resolve().parents[2],
    }
    hidden = sorted(str(folder) for folder in needed if folder.is_relative_to(home))
    environment = {
        "HIDING": str(home),
        "HIDDEN": " ".join(hidden),
        "PATH": os.environ["PATH"],
        "HOME": "/home/volunteer",
        "XDG_RUNTIME_DIR": "/run/user/65534",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "GROUP": f"gatewatch-test-{secrets.token_hex(4)}",
    }
    try:
        done = subprocess.run(
            [*_UNSHARE, "sh", "-c", _INSIDE, "sh", sys.executable, "-c", _USER, json.dumps(commands)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        subprocess.run(["unshare", "--mount", "sh", "-c", _TIDY], env=environment, check=False)
    said = [Said(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(said) == len(commands), done.stderr
    return said
