"""What a process of ours may do on the network, and who can read what it leaves behind."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.worlds.commands import gatewatch, python

from gatewatch.cli.consent import VERSION
from gatewatch.lab import kernel
from gatewatch.net import privilege

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux'")
STATUS = 'dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status"))'
SEES = f"""
import json, socket, sys, threading
from gatewatch.net import capture, opener, privilege

privilege.own_process()
before = sorted(privilege.held())
opener.start()
seen = {{}}
for name, make in {{
    "raw of its own": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "flow": lambda: opener.flow("127.0.0.1", 9, 50000, 17),
    "raw": lambda: opener.raw(socket.AF_INET, socket.IPPROTO_ICMP),
    "another": lambda: opener.raw(socket.AF_INET, socket.IPPROTO_UDP),
    "nonsense": lambda: opener.flow("no address", 9, 50000, 17),
}}.items():
    try:
        with make() as sock:
            seen[name] = [sock.type, sock.getblocking()]
    except OSError as error:
        seen[name] = error.errno

caught = []
if before:
    listening = capture.listen("127.0.0.1", 9999, 50001, 17)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 50001))
        ours.sendto(b"seen", ("127.0.0.1", 9999))
        ours.sendto(b"not seen", ("127.0.0.1", 9998))
    datagrams = [packet.data for packet in listening.take() if packet.sent and packet.data[9] == 17]
    caught = [data[28:].decode() for data in datagrams]
thread = []
worker = threading.Thread(target=lambda: thread.extend(privilege.held()))
worker.start()
worker.join()
status = {STATUS}
after = sorted(privilege.held())
print(json.dumps([before, after, thread, status["NoNewPrivs"], seen, caught, capture.why()]))
"""


def is_root() -> bool:
    return privilege.NET_RAW in privilege.held()


@LINUX
def test_after_its_start_no_capability_is_left_and_a_child_opens_what_needs_one() -> None:
    if not is_root():
        pytest.skip("this process has no CAP_NET_RAW that could be given up")
    # In a network of its own: a loopback that is up, and nothing else.
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" -c "$1"', sys.executable, SEES],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    before, after, thread, no_new, seen, caught, why = json.loads(done.stdout)
    assert privilege.NET_RAW in before
    assert (after, thread, no_new) == ([], [], "1")
    # EPERM for what is on no list, EINVAL for what is no question.
    assert seen == {
        "raw of its own": 1,
        "flow": [2, False],
        "raw": [3, False],
        "another": 1,
        "nonsense": 22,
    }
    assert (caught, why) == (["seen"], "")


@LINUX
def test_an_ordinary_user_has_nothing_to_give_up_and_gets_no_socket() -> None:
    if is_root():
        pytest.skip("this process is no ordinary user's")
    done = python(SEES)
    assert done.returncode == 0, done.stderr
    before, after, _, no_new, seen, caught, why = json.loads(done.stdout)
    assert (before, after, no_new, caught) == ([], [], "1", [])
    assert seen["flow"] == seen["raw"] == 1 and "CAP_NET_RAW" in why


def test_a_program_that_calls_us_keeps_what_it_has() -> None:
    done = python(
        "import os; from gatewatch.cli import start; from gatewatch.net import privilege\n"
        "before = privilege.held(), os.umask(0o022)\n"
        "start.to_the_network(captures=True)\n"
        "assert (privilege.held(), os.umask(0o022)) == (before[0], 0o022)"
    )
    assert done.returncode == 0, done.stderr


CAPABLE = f'''"""capable: what may a probe do?  It asks the kernel about this process."""

from gatewatch.records import TestKeys


class Capable:
    name = test_name = "capable"
    version = "0.1.0"
    risk = "low"
    typical_bytes = typical_packets = 0

    async def measure(self, target, wire):
        status = {STATUS}
        names = ("CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs")
        return TestKeys(extra={{"x_capabilities": [status[name].lstrip("0") for name in names]}})
'''


def loose(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder)} {path.stat().st_mode & 0o777:03o}"
        for path in [folder, *folder.rglob("*")]
        if path.stat().st_mode & 0o077
    ]


def test_nobody_else_can_read_what_a_run_leaves_behind(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has other permissions")
    before = os.umask(0)
    try:
        root = tmp_path / "made" / "runs"
        done = gatewatch(
            *("run", "--lab", "small:blocked", "--attach", "memory", "--targets", "np", "--limit", "3"),
            *("--root", str(root), "--traces", "0", "--quiet"),
        )
        assert done.returncode == 0, done.stderr
        (run,) = [path for path in root.iterdir() if path.is_dir()]
        bundle = tmp_path / "made" / "bundle.jsonl"
        done = gatewatch("results", "export", str(run), "--ooni", "-o", str(bundle))
        assert done.returncode == 0, done.stderr
        assert bundle.exists()
        assert loose(tmp_path / "made") == []
    finally:
        os.umask(before)


def test_a_report_may_be_read_by_whom_the_user_lets_read(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has other permissions")
    before = os.umask(0o027)
    try:
        done = python(
            "import sys, os; from gatewatch.net import privilege; from gatewatch.cli import main\n"
            "privilege.own_process()\n"
            "try:\n    main(['completion', 'bash'])\nexcept SystemExit:\n    pass\n"
            "assert os.umask(0o022) == 0o027"
        )
        assert done.returncode == 0, done.stderr
    finally:
        os.umask(before)


@LINUX
@pytest.mark.parametrize("deep", [False, True])
def test_a_run_on_the_kernel_holds_no_capability_while_it_measures(deep: bool, tmp_path: Path) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    if not is_root():
        pytest.skip("this process has no capability that could be given up")
    probe = tmp_path / "mine.py"
    probe.write_text(CAPABLE, encoding="utf-8")
    done = gatewatch(
        *("run", "--lab", "small:blocked", "--attach", "kernel", "--targets", "np", "--limit", "1"),
        *("--probe", str(probe), "--root", str(tmp_path / "runs"), "--traces", "0", "--json"),
        *(("--deep",) if deep else ()),
    )
    assert done.returncode == 0, done.stderr
    (kept,) = (tmp_path / "runs").glob("*/measurements.jsonl*")
    lines = gzip.decompress(kept.read_bytes()) if kept.suffix == ".gz" else kept.read_bytes()
    assert json.loads(lines)["test_keys"]["x_capabilities"] == ["", "", "", "", "1"]


# The hook (PEP 578) is there before gatewatch is loaded; it asks the kernel about the thread that is to send.
DOCTOR = """
import glob, json, sys

def of(file):
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open(file))
    return [status[name].lstrip("0") for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs")]

SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
met = []
sys.addaudithook(lambda event, _: event in SENDING and met.append([event, of("/proc/thread-self/status")]))
before = of("/proc/self/status")
from gatewatch.cli import start
sys.argv = ["gatewatch", "doctor", "--json"]
try:
    start.main()
finally:
    after = [of(file) for file in glob.glob("/proc/self/task/*/status")]
    print(json.dumps([before, met, after]))
"""


@LINUX
def test_who_asks_helpers_about_a_list_holds_no_capability(tmp_path: Path) -> None:
    targets = tmp_path / "targets.txt"
    targets.write_text("https://live.com/\n", encoding="utf-8")
    words = ("check", str(targets), "--live", "--lab", "small:clear", "--json")
    done = python(DOCTOR.replace('"doctor", "--json"', ", ".join(map(repr, ("targets", *words)))))
    assert '"states": {"alive": 1}' in done.stdout, done.stderr
    before, _, after = json.loads(done.stdout.splitlines()[-1])
    assert bool(before[1]) is is_root()
    assert after == [["", "", "", "", "1"]] * len(after) != []


@LINUX
def test_the_doctor_holds_no_capability_when_it_sends_and_knows_what_there_was() -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    done = subprocess.run(
        kernel.argv("small", "clear", [sys.executable, "-c", DOCTOR]),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told, held = map(json.loads, done.stdout.splitlines())
    found = {row["what"]: row for row in told["checks"]}
    assert "tcp 1.1.1.1" in found["network"]["detail"] and "udp 1.1.1.1" in found["network"]["detail"]
    before, met, after = held
    none = ["", "", "", "", "1"]
    assert {event for event, _ in met} >= {"socket.connect", "socket.getaddrinfo"}
    assert [event for event, had in met if had != none] == []
    assert after and all(had == none for had in after)
    # Root has some to give up; an ordinary user has none, in the lab neither.
    had = int(before[1] or "0", 16)
    assert had or not is_root()
    if had >> privilege.NET_RAW & 1:
        assert found["deep mode"]["finding"] == "packets can be captured"


def within(*options: str) -> tuple[str, ...]:
    """Words in front of a command for a user and a network of its own; skips where there is no such thing."""
    words = ("unshare", "--user", "--net", *options)
    if shutil.which(words[0]) is None:
        pytest.skip("no program unshare")
    tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"{' '.join(words)}: {tried.stderr.strip()}")
    return words


def examined(*before: str) -> dict[str, dict[str, str | bool]]:
    done = gatewatch("doctor", "--json", before=before)
    assert done.stderr == ""
    return {row["what"]: row for row in json.loads(done.stdout)["checks"]}


@LINUX
@pytest.mark.parametrize(
    ("options", "user", "captures"),
    [
        (("--map-root-user",), "this is the administrator (root); an ordinary user will do", True),
        (
            ("--map-root-user", "setpriv", "--bounding-set=-net_raw"),
            "this is the administrator (root); an ordinary user will do",
            False,
        ),
        (("--map-user=1000", "--keep-caps"), "an ordinary user who may use raw sockets", True),
        (("--map-user=1000",), "an ordinary user, and that is enough", False),
    ],
)
def test_the_doctor_says_what_each_user_may_do(options: tuple[str, ...], user: str, captures: bool) -> None:
    found = examined(*within(*options))
    assert found["privileges"]["finding"] == user
    deep = found["deep mode"]
    assert (deep["finding"] == "packets can be captured", "CAP_NET_RAW" in str(deep["detail"])) == (
        captures,
        not captures,
    )


@LINUX
@pytest.mark.parametrize("mode", [0o500, 0])
def test_the_doctor_says_of_roots_folders_what_those_will_find_who_write_there(
    mode: int, tmp_path: Path
) -> None:
    root = within("--map-root-user")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(mode)
    runs = closed / "below" / "runs"
    try:
        found = examined(*root, "env", f"GATEWATCH_RESULTS={runs}", f"XDG_STATE_HOME={closed}")
        run = gatewatch(
            *("run", "--lab", "small:blocked", "--attach", "memory", "--targets", "np", "--limit", "1"),
            *("--root", str(runs), "--traces", "0", "--quiet"),
            before=root,
        )
        consent = gatewatch(
            *("consent", "--yes", "--consent-version", VERSION),
            before=(*root, "env", f"XDG_STATE_HOME={closed}"),
        )
    finally:
        closed.chmod(0o700)
    # A run gives up CAP_DAC_OVERRIDE before it writes.
    assert run.returncode == 2 and "Permission denied" in run.stderr
    assert found["folder of results"]["finding"] == "cannot be written to: Permission denied"
    assert consent.returncode == 0 and [*closed.rglob("consent*")], consent.stderr
    assert found["folder of consent"]["finding"] == "can be written to"
