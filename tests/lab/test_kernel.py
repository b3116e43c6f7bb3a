"""The kernel attachment as a program: what its command finds, how it ends, that nothing outlives it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewatch.lab import kernel

SHOW = "import json, os, pathlib; print(json.dumps({}))"
# Longer than starting Python and a lab takes on a busy machine.
PATIENCE = 20.0


@pytest.fixture(params=["tun", "veth"])
def attach(request: pytest.FixtureRequest) -> kernel.Attachment:
    wanted: kernel.Attachment = "tun" if request.param == "tun" else "veth"
    if kernel.available(wanted) is None:
        pytest.skip(f"no {wanted} attachment: {kernel.why(wanted)}")
    return wanted


@pytest.fixture
def best() -> kernel.Attachment:
    found = kernel.available()
    if found is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    return found


def run(*command: str, attach: kernel.Attachment | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        kernel.argv("small", "blocked", list(command), attach=attach),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def python(code: str, attach: kernel.Attachment | None = None) -> str:
    done = run(sys.executable, "-c", code, attach=attach)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_attachment_is_found_or_the_reason_is_said() -> None:
    assert (kernel.available() is None) == bool(kernel.why())
    assert kernel.available() in ("tun", "veth", None)


def test_what_the_command_finds(attach: kernel.Attachment) -> None:
    wanted = (
        "[os.environ['GATEWATCH_LAB'], pathlib.Path('/etc/resolv.conf').read_text(), "
        "pathlib.Path(os.environ['SSL_CERT_FILE']).read_text(), os.getuid()]"
    )
    about, resolv, ca, uid = json.loads(python(SHOW.format(wanted), attach))
    lab = json.loads(about)
    prefixes = lab.pop("prefixes")
    assert lab == {"scenario": "small", "isp": "blocked", "attach": attach}
    assert resolv == "nameserver 36.37.242.53\noptions timeout:2 attempts:2\n"
    assert ca.startswith("-----BEGIN CERTIFICATE-----")
    assert uid == os.getuid()
    assert not Path(prefixes).exists()  # it has gone with the lab


def test_only_the_lab_can_be_reached(best: kernel.Attachment) -> None:
    code = """
        import pathlib, json
        rows = [line.split()[:2] for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]]
        print(json.dumps(rows))
    """
    assert json.loads(python(code.replace("\n        ", "\n"))) == [["gw0", "00000000"]]


def test_round_trips_of_a_50_ms_path(attach: kernel.Attachment) -> None:
    code = """
import socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when the kernel got it
sock.connect(("8.8.8.8", 7))
for _ in range(20):
    sent = time.time_ns()
    sock.send(b"echo")
    stamp = struct.unpack("qq", sock.recvmsg(10, 64)[1][0][2])
    print((stamp[0] * 10**9 + stamp[1] - sent) / 1e6)
"""
    trips = [float(line) for line in python(code, attach).splitlines()]
    # Never early; the median is late by the wake-ups only (the benchmark `packets` has the real bound).
    assert min(trips) >= 50.0
    assert statistics.median(trips) < 52.0


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
        (["/nonexistent/command"], 127),
        (["/dev/null"], 126),
    ],
)
def test_the_commands_status_is_ours(best: kernel.Attachment, command: list[str], status: int) -> None:
    assert run(*command).returncode == status


@pytest.mark.parametrize(("scenario", "isp"), [("small", "nobody"), ("nowhere", "clear")])
def test_wrong_names_are_usage_errors(best: kernel.Attachment, scenario: str, isp: str) -> None:
    done = subprocess.run(
        kernel.argv(scenario, isp, ["true"]), env=kernel.environment(), capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


# -- how it ends


def eventually(happens: object) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if callable(happens) and happens():
            return True
        time.sleep(0.02)  # processes end in their own time; there is nothing to wait on
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return sorted(found)


class Running:
    """A lab around a command that says where the lab's files are and then what signals it gets."""

    def __init__(self) -> None:
        code = (
            "import os, signal, sys\n"
            "for number in (signal.SIGTERM, signal.SIGINT):\n"
            "    signal.signal(number, lambda number, _: (print('got', number, flush=True), sys.exit(3)))\n"
            "print(os.environ['SSL_CERT_FILE'], flush=True)\n"
            "while True: signal.pause()\n"
        )
        self.process = subprocess.Popen(
            kernel.argv("small", "clear", [sys.executable, "-c", code]),
            env=kernel.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip()).parent
        self.engine, self.command = children(self.process.pid)

    def output(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def running(best: kernel.Attachment) -> Iterator[Running]:
    lab = Running()
    yield lab
    lab.process.kill()
    lab.process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_go_to_the_command(running: Running, number: signal.Signals) -> None:
    running.process.send_signal(number)
    assert running.output()[:2] == (3, f"got {int(number)}\n")
    assert not running.folder.exists()
    assert not alive(running.engine)


def test_killing_the_parent_ends_everything(running: Running) -> None:
    running.process.kill()
    assert eventually(lambda: not alive(running.engine) and not alive(running.command))
    assert eventually(lambda: not running.folder.exists())


def test_a_dead_engine_ends_the_command(running: Running) -> None:
    os.kill(running.engine, signal.SIGKILL)
    status, _, errors = running.output()
    assert (status, errors) == (70, "the lab's engine has failed; ending the command\n")
    assert not alive(running.command)
    assert not running.folder.exists()


# -- without privilege


def test_without_privilege(best: kernel.Attachment) -> None:
    """Root that may not make namespaces (a container's) goes through a user namespace, as users do."""
    if os.getuid() != 0:
        pytest.skip("this user has no capabilities: every other test has shown it")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    code = "import pathlib; print(pathlib.Path('/proc/self/uid_map').read_text().split())"
    done = subprocess.run(
        [
            *("setpriv", "--bounding-set=-all,+setfcap", "--inh-caps=-all", "--"),
            *kernel.argv("small", "clear", [sys.executable, "-c", code], attach="veth"),
        ],
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 69:
        pytest.skip(f"no user namespaces: {done.stderr.strip()}")
    assert done.stdout == "['0', '0', '1']\n", done.stderr


IPV6 = """
import json, pathlib, socket
from gatewatch.runner.line import has_route6, own_addresses
quick = [str(row[4][0]) for row in socket.getaddrinfo("only-six.com", 443, type=socket.SOCK_STREAM)]
servers = [line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")]
print(json.dumps([servers, has_route6(), [a for a in own_addresses() if ":" in a], len(quick)]))
"""


@pytest.mark.parametrize(
    ("isp", "servers", "route", "own"),
    [
        ("works", ["36.37.242.53", "2401:f3c0:53::53"], True, ["2401:f3c0:200::10"]),
        ("broken", ["103.5.25.53"], True, ["2403:5b40:24::10"]),
        ("absent", ["118.67.201.53"], False, []),
    ],
)
def test_a_line_has_the_ipv6_that_its_scenario_says(
    attach: kernel.Attachment, isp: str, servers: list[str], route: bool, own: list[str]
) -> None:
    command = kernel.argv("six", isp, [sys.executable, "-c", IPV6], attach=attach)
    done = subprocess.run(command, env=kernel.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [servers, route, own, 1]


def test_a_seed_on_the_command_line_chooses_the_branches(best: kernel.Attachment) -> None:
    def offenders(seed: int) -> str:
        client = [sys.executable, "-m", "tests.lab.wayfarer", "diamonds"]
        command = kernel.argv("paths", "diamonds", client, attach=best, seed=seed)
        done = subprocess.run(command, env=kernel.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert offenders(1) == offenders(1) != offenders(2)
