"""What a new user types, from the README alone, to have a machine measure by itself; systemd takes it."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys

import pytest
from tests.worlds import manager, readme

from gatewatch.cli.consent import VERSION

GATEWATCH = (sys.executable, "-m", "gatewatch")
RUNS = "/home/volunteer/.local/share/gatewatch/runs"
UNITS = "/home/volunteer/.config/systemd/user"
MEASURE = ("--lab", "small:clear", "--attach", "memory", "--targets", "kh", "--limit", "3", "--traces", "0")
# A collector that is down is waited for, a second only.
BRIEFLY = (*MEASURE, "--upload-time", "1")

# A service of ours with every odd word, and a look from inside at what it may do.
SHOW = """
import ctypes, os, socket, sys
def may(act):
    try: act()
    except OSError: return False
    return True
def packet(): socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
def namespace():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000): raise OSError(ctypes.get_errno(), "unshare")
tries = {
    "home": lambda: open("/home/volunteer/mine", "w"),
    "system": lambda: open("/usr/mine", "w"),
    "runs": lambda: open(sys.argv[1] + "/mine", "w"),
    "tmp": lambda: open("/tmp/mine", "w"),
    "packets": packet,
    "inet": lambda: socket.socket(),
    "namespace": namespace,
    "tunable": lambda: open("/proc/sys/kernel/hostname", "w"),
}
import json
found = {name: may(act) for name, act in tries.items()}
os.umask(mask := os.umask(0))
with open(sys.argv[1] + "/shown.json", "w") as file:
    json.dump({"may": found, "argv": sys.argv[2:], "umask": mask, "cwd": os.getcwd()}, file)
"""
INSTALL = f"""
from dataclasses import replace
from pathlib import Path
import sys
from gatewatch.schedule.systemd import Systemd
from tests.core.test_schedule import JOB, ODD
Path("/home/volunteer/50% off").mkdir()
runs = Path({RUNS!r})
show = Path("/home/volunteer/show.py")
show.write_text(sys.argv[1])
odd = replace(JOB, name="gatewatch-odd", argv=(sys.executable, str(show), str(runs), *ODD))
Systemd().install([replace(odd, folder=Path("/home/volunteer/50% off"), writable=(runs,))])
"""
# What the README's configuration names, and what stands for it here; the lab's runs go where that is said.
STANDS_FOR = {
    "https://collector.example": "http://127.0.0.1:8123",
    "file:///media/stick/results": "file:///home/volunteer/stick",
}
CONFIGURE = """
mkdir -p ~/.config/gatewatch ~/stick
printf %s "$1" > ~/.config/gatewatch/upload.toml
"""
# Writes the uid of each measurement that arrives into a file.
COLLECTOR = """
from pathlib import Path
from tests.worlds.collector import Collector
file = Path("/home/volunteer/arrived")
class Telling(list):
    def append(self, arrival):
        super().append(arrival)
        with file.open("a") as out:
            out.write(arrival[0] + "\\n")
there = Collector(arrived=Telling(), port=8123)
there.up()
file.touch()
there._thread.join()
"""
# A service of its own; what Python is told of its paths has to be told again.
PATHS = f"PYTHONPATH={os.pathsep.join(path for path in sys.path if path)}"
COLLECTING = ("systemd-run", "--user", "--quiet", "--setenv", PATHS, sys.executable, "-c", COLLECTOR)


#: The README's commands, in its order, by a name.
STEPS = (
    ("gatewatch consent --show", "text"),
    ("gatewatch consent --yes", "agree"),
    ("gatewatch doctor", "doctor"),
    ("gatewatch schedule install", "print"),
    ("gatewatch schedule install", "install"),
    ("gatewatch schedule status", "status"),
    ("gatewatch results upload --list", "waits"),
    ("gatewatch results upload", "upload"),
    ("gatewatch schedule remove", "remove"),
)


def configuration() -> str:
    """The README's upload.toml, with what stands for its addresses."""
    text = readme.code(readme.MACHINES, "toml")
    for told, here in STANDS_FOR.items():
        assert text.count(f'"{told}"') == 1
        text = text.replace(f'"{told}"', f'"{here}"\nlab = true')
    return text


@pytest.fixture(scope="module")
def said() -> dict[str, manager.Said]:
    if why := manager.missing():
        pytest.skip(why)
    show = ("systemctl", "--user", "show", "--property")
    timers = ("systemctl", "--user", "list-timers", "--all", "--no-pager")
    told = {
        name: (*GATEWATCH, *shlex.split(command)[1:])
        for command, name in readme.paired(readme.MACHINES, STEPS)
    }
    consent = told["install"].index("--consent")
    commands = {
        "no consent": (*told["install"][:consent], *told["install"][consent + 2 :]),
        "text": told["text"],
        "agree": told["agree"],
        "on file": (*GATEWATCH, "consent", "--json"),
        # There is no way out of here, which it says.
        "doctor": told["doctor"],
        "configure": ("sh", "-c", CONFIGURE, "sh", configuration()),
        "print": (*told["print"], *BRIEFLY),
        "nothing yet": ("sh", "-c", f"ls {UNITS} 2>/dev/null || true"),
        "install": (*told["install"], *BRIEFLY),
        "timers": timers,
        "verify": (
            *("systemd-analyze", "--user", "verify", "--man=no"),
            *(
                f"{UNITS}/gatewatch{name}"
                for name in (".service", ".timer", "-upload.service", "-upload.timer")
            ),
        ),
        "unit": ("cat", f"{UNITS}/gatewatch.service"),
        "before": told["status"],
        "start": ("systemctl", "--user", "start", "gatewatch.service"),
        "result": (*show, "Result,ExecMainStatus", "gatewatch.service"),
        "list": (*GATEWATCH, "results", "list", "--json"),
        "log": ("cat", f"{RUNS}/unattended.log"),
        "status": told["status"],
        "holding": ("sh", "-c", f"flock {RUNS}/.lock systemctl --user start gatewatch.service"),
        "held": (*show, "Result,ExecMainStatus", "gatewatch.service"),
        "waits": told["waits"],
        "collector": COLLECTING,
        "listens": ("sh", "-c", "for n in $(seq 400); do [ -e ~/arrived ] && exit; sleep 0.05; done; exit 1"),
        "start up": ("systemctl", "--user", "start", "gatewatch.service"),
        "upload": told["upload"],
        "again": ("systemctl", "--user", "start", "gatewatch-upload.service"),
        "all there": told["status"],
        "arrived": ("cat", "/home/volunteer/arrived"),
        "stick": ("find", "/home/volunteer/stick", "-type", "f"),
        "odd": (sys.executable, "-c", INSTALL, SHOW),
        "odd verify": ("systemd-analyze", "--user", "verify", "--man=no", f"{UNITS}/gatewatch-odd.service"),
        "odd start": ("systemctl", "--user", "start", "gatewatch-odd.service"),
        "shown": ("cat", f"{RUNS}/shown.json"),
        "remove": told["remove"],
        "after": told["status"],
        "gone": timers,
        "left": ("ls", UNITS, f"{UNITS}/timers.target.wants"),
    }
    assert set(told) <= set(commands)
    return dict(zip(commands, manager.managed(list(commands.values())), strict=True))


def test_without_consent_nothing_is_installed(said: dict[str, manager.Said]) -> None:
    assert said["no consent"].code == 3 and f"--consent {VERSION}" in said["no consent"].err


def test_the_text_is_read_and_its_version_agreed_to(said: dict[str, manager.Said]) -> None:
    assert said["text"].code == 0 and "The law in Cambodia" in said["text"].out
    assert said["text"].out.splitlines()[-1] == f"This is version {VERSION} of the text."
    assert said["agree"].code == 0, said["agree"].err
    assert json.loads(said["on file"].out)["general"]["good"]
    assert said["doctor"].code == 4 and "no route to the" in said["doctor"].out


def test_print_writes_nothing(said: dict[str, manager.Said]) -> None:
    assert said["print"].code == 0, said["print"].err
    assert "OnCalendar=" in said["print"].out and "ExecStart=" in said["print"].out
    assert said["nothing yet"].out == ""


def test_install_starts_a_timer_that_makes_up_for_lost_starts(said: dict[str, manager.Said]) -> None:
    assert said["configure"].code == 0
    assert said["install"].code == 0, said["install"].err
    assert "Measuring every 6h, by systemd." in said["install"].out
    assert "loginctl enable-linger" in said["install"].out
    for name in ("gatewatch", "gatewatch-upload"):
        assert re.search(rf"left +- +- +{name}\.timer +{name}\.service", said["timers"].out)
    assert (said["verify"].code, said["verify"].out, said["verify"].err) == (0, "", "")
    assert said["before"].code == 1 and "no run was made yet" in said["before"].out


def test_the_service_measures_in_its_sandbox(said: dict[str, manager.Said]) -> None:
    if "PrivateUsers=yes" not in said["unit"].out:
        pytest.skip("this system forbids users' namespaces")
    assert (said["start"].code, said["start"].err) == (0, "")
    assert said["result"].out.split() == ["Result=success", "ExecMainStatus=0"]
    assert said["status"].code == 0 and "3 of 3 measured, 0 skipped" in said["status"].out
    (run,) = json.loads(said["list"].out)["runs"]
    assert (run["state"], run["measured"]) == ("done", 3)
    events = [json.loads(line) for line in said["log"].out.splitlines()]
    assert [event["event"] for event in events] == ["start", "measuring", "uploaded", "end"]


def test_a_run_that_finds_another_one_is_no_failure_to_systemd(said: dict[str, manager.Said]) -> None:
    assert said["holding"].code == 0
    assert said["held"].out.split() == ["Result=success", "ExecMainStatus=75"]


def test_what_the_service_may_do_and_how_it_is_called(said: dict[str, manager.Said]) -> None:
    if "PrivateUsers=yes" not in said["unit"].out:
        pytest.skip("this system forbids users' namespaces")
    from tests.core.test_schedule import ODD

    assert (said["odd"].code, said["odd"].err) == (0, "")
    assert (said["odd verify"].code, said["odd verify"].err) == (0, "")
    shown = json.loads(said["shown"].out)
    assert shown["argv"] == list(ODD)
    assert (shown["umask"], shown["cwd"]) == (0o077, "/home/volunteer/50% off")
    assert {name for name, may in shown["may"].items() if may} == {"runs", "tmp", "inet"}


def test_a_collector_that_is_down_and_comes_back_gets_each_measurement_once(
    said: dict[str, manager.Said],
) -> None:
    if "PrivateUsers=yes" not in said["unit"].out:
        pytest.skip("this system forbids users' namespaces")
    assert "waiting to be uploaded: 3, the oldest since" in said["status"].out
    assert said["waits"].code == 0 and said["waits"].out.startswith("mine: 0 stored, 3 waiting since ")
    assert "stick: 0 stored, 0 waiting\n" in said["waits"].out
    assert said["collector"].code == said["listens"].code == said["start up"].code == 0
    # The collector failed a moment ago, so the next run left it alone; by hand it is tried at once.
    assert said["upload"].out == "mine: 6 stored, 0 waiting\nstick: 0 stored, 0 waiting\n"
    assert said["again"].code == said["all there"].code == 0
    uids = said["arrived"].out.split()
    assert len(uids) == len(set(uids)) == 6
    assert len(said["stick"].out.split()) == 2


def test_remove_leaves_nothing_but_the_runs(said: dict[str, manager.Said]) -> None:
    assert said["remove"].code == 0 and said["remove"].out.count("Removed from systemd: ") >= 2
    assert said["after"].code == 1 and "nothing is installed" in said["after"].out
    assert "gatewatch" not in said["gone"].out and "gatewatch" not in said["left"].out
