"""systemd: a timer and a hardened service in the user's own manager.

The timer makes up for starts that fell into a time when the machine was off (Persistent), and puts each off
by chance (RandomizedDelaySec).  The service may write to the results' folder and to nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatewatch.schedule.job import Job, one_line
from gatewatch.schedule.system import Call, Failed, call
from gatewatch.store.files import replacing

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_MARK = "# Written by gatewatch schedule install; gatewatch schedule remove takes it away."
# Two thousand web measurements and a table of all routed prefixes stay under 400 MB.
_MEMORY = "1G"
# What holds without privileges and without namespaces.  MemoryDenyWriteExecute is not here: libffi, under
# ctypes, makes callbacks at run time.
_HARDENED = """\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077"""
# PrivateUsers gives the service a user namespace of its own, without which a user's manager before 253 leaves
# the rest out in silence (systemd.exec(5)).
_NAMESPACES = """\
PrivateUsers=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
CapabilityBoundingSet="""


class Systemd:
    """Units in ``folder``, by default ~/.config/systemd/user."""

    name = "systemd"

    def __init__(self, folder: Path | None = None, call: Call = call) -> None:
        self.folder = folder or user_folder()
        self._call = call
        self._namespaces = True

    def available(self) -> bool:
        """Tell whether the user has a manager that answers."""
        try:
            # "degraded" is a manager that works, with some unit of somebody's that failed.
            said = self._call(["systemctl", "--user", "is-system-running"], "").out.strip()
        except Failed:
            return False
        return said in ("running", "degraded", "starting", "initializing")

    def written(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """Give the units by their paths."""
        units = {}
        for job in jobs:
            units[str(self.folder / f"{job.name}.service")] = service(job, namespaces=self._namespaces)
            units[str(self.folder / f"{job.name}.timer")] = timer(job)
        return units

    def install(self, jobs: Sequence[Job]) -> list[str]:
        """Write the units, and start the timers."""
        # Some systems forbid users' namespaces; there a service that asks for one would never start.
        tried = self._call(["systemd-run", "--user", "--wait", "--quiet", "--collect", *_TRIAL, "true"], "")
        self._namespaces = tried.code == 0
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {Path(place).name for place in self.written(jobs)}
        self._stop([unit for unit in self._ours() if unit.name not in kept])
        for place, text in self.written(jobs).items():
            with replacing(Path(place)) as file:
                file.write(text.encode())
        self._systemctl("daemon-reload")
        timers = [f"{job.name}.timer" for job in jobs]
        # restart, so that a timer that ran before takes its new times.
        self._systemctl("enable", *timers)
        self._systemctl("restart", *timers)
        left = [] if lingers() else [_LINGER]
        return left if self._namespaces else [*left, _NO_NAMESPACES]

    def remove(self) -> list[str]:
        """Stop the timers and delete the units; a run that is going on ends by itself."""
        units = self._ours()
        self._stop(units)
        if units:
            self._systemctl("daemon-reload")
        return [str(unit) for unit in units]

    def found(self) -> list[str]:
        """Give the units that are there."""
        return [str(unit) for unit in self._ours()]

    def _stop(self, units: Sequence[Path]) -> None:
        timers = [unit.name for unit in units if unit.suffix == ".timer"]
        if timers:
            self._systemctl("disable", "--now", *timers)
        for unit in units:
            unit.unlink(missing_ok=True)

    def _ours(self) -> list[Path]:
        found = [*self.folder.glob("gatewatch*.timer"), *self.folder.glob("gatewatch*.service")]
        return sorted(unit for unit in found if _is_ours(unit))

    def _systemctl(self, *words: str) -> None:
        answer = self._call(["systemctl", "--user", *words], "")
        if answer.code:
            raise Failed(f"systemctl --user {words[0]}: {answer.err.strip() or answer.out.strip()}")


_LINGER = (
    "Without this, systemd stops your timers when you log out (it may ask for an administrator):\n"
    "    loginctl enable-linger"
)
_NO_NAMESPACES = (
    "This system forbids users' namespaces: the service has no file system of its own, and may write\n"
    "wherever you may."
)
_TEMPORARY = ("/tmp", "/var/tmp")
_TRIAL = ("-p", "PrivateUsers=yes", "-p", "ProtectSystem=strict", "-p", "PrivateTmp=yes")


def service(job: Job, *, namespaces: bool = True) -> str:
    """Give the service's unit; ``namespaces``: whether the system lets users have them."""
    one_line([*job.argv, str(job.folder), *map(str, job.writable)])
    argv = " ".join(quoted(word) for word in job.argv)
    writable = " ".join(f'"{escaped(str(path))}"' for path in job.writable)
    hardened = f"{_HARDENED}\n{_NAMESPACES}\nReadWritePaths={writable}" if namespaces else _HARDENED
    if not any(path.is_relative_to(folder) for path in (job.folder, *job.writable) for folder in _TEMPORARY):
        # A private /tmp would hide what lies in the common one.
        hardened += "\nPrivateTmp=yes"
    return f"""\
{_MARK}
[Unit]
Description={job.title}
Documentation=man:gatewatch(1)

[Service]
Type=oneshot
ExecStart={argv}
WorkingDirectory={str(job.folder).replace("%", "%%")}
# 75: another run holds the lock, which is no fault.
SuccessExitStatus=75
# Whatever hangs is ended, and what it wrote is whole.
TimeoutStartSec=12h
Nice=10
IOSchedulingClass=idle
MemoryMax={_MEMORY}
TasksMax=256
{hardened}
"""


def timer(job: Job) -> str:
    """Give the timer's unit."""
    return f"""\
{_MARK}
[Unit]
Description={job.title}: when

[Timer]
OnCalendar={calendar(job)}
RandomizedDelaySec={job.spread}
AccuracySec=1min
Persistent=true

[Install]
WantedBy=timers.target
"""


def calendar(job: Job) -> str:
    """Give the starts as systemd.time(7) writes them."""
    day = f"{_DAYS[job.weekday]} " if job.weekly else ""
    return f"{day}*-*-* {','.join(f'{hour:02}' for hour in job.at_hours)}:{job.minute:02}:00"


def escaped(text: str) -> str:
    """Escape what stands between quotation marks; the dollar sign means something in command lines alone."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def quoted(word: str) -> str:
    """Quote a word of a command line (systemd.service(5), "Command lines", and specifiers)."""
    word = escaped(word).replace("$", "$$")
    return f'"{word}"' if not word or any(sign in word for sign in " '\";#") else word


def user_folder() -> Path:
    """Where a user's own units lie (systemd.unit(5))."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(given) if given.startswith("/") else Path.home() / ".config"
    return config / "systemd" / "user"


def lingers(folder: Path = Path("/var/lib/systemd/linger")) -> bool:
    """Tell whether the user's manager goes on when nobody is logged in."""
    import getpass

    try:
        return (folder / getpass.getuser()).exists()
    except (OSError, KeyError):
        return False


def _is_ours(unit: Path) -> bool:
    try:
        return unit.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
    except OSError:
        return False
