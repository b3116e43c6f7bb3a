"""`gatewatch update` as a process of its own: dying servers, full disks, kill -9, no network."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.worlds.commands import gatewatch, here
from tests.worlds.publisher import Answer, Publisher, publisher

from gatewatch import cli

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="resource limits and namespaces are POSIX")

OLDER, NEWER = "Mon, 02 Nov 2026 00:00:00 GMT", "Fri, 20 Nov 2026 00:00:00 GMT"


def rows(name: str, count: int = 60) -> bytes:
    """Lines that do not compress to nothing: each name ends in a checksum."""
    lines = (
        f"36.{n}.0.0\t36.{n}.255.255\t{38000 + n}\tKH\t{name} {hashlib.sha512(bytes([n])).hexdigest()}\n"
        for n in range(count)
    )
    return gzip.compress("".join(lines).encode(), mtime=0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with publisher() as told:
        yield told


def options(tmp_path: Path, base: str) -> list[str]:
    config = tmp_path / "update.toml"
    config.write_text(
        f'[ip-to-as]\nurls = ["{base}/a"]\nleast = 10\n[citizenlab-kh]\nurls = ["{base}/kh.csv"]\nleast = 2\n'
    )
    return ["--config", str(config), "--data", str(tmp_path / "data")]


def state(data: Path) -> dict[str, bytes]:
    """Everything in use: names and contents."""
    return {
        path.name: path.read_bytes() for path in data.iterdir() if path.is_file() and path.name != ".lock"
    }


def test_from_nothing_to_current(server: Publisher, tmp_path: Path) -> None:
    server.answers["/a"] = Answer(rows("One"), modified=OLDER, etag='"one"')
    asked = [*options(tmp_path, server.base), "ip-to-as"]
    done = gatewatch("update", *asked)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "ip-to-as: updated: 60 entries of 2026-11-02T00:00:00Z\n"
    done = gatewatch("update", *asked, "--json", "--quiet")
    assert done.stderr == ""
    (row,) = json.loads(done.stdout)["datasets"]
    assert (row["state"], row["installed"]["licence"]) == ("current", "PDDL 1.0")
    listed = gatewatch("update", *asked, "--list")
    assert listed.stdout.startswith(
        "ip-to-as: IPtoASN: networks by address (PDDL 1.0)\n    60 entries of 2026-11-02"
    )


def test_a_server_that_dies_and_an_older_one(server: Publisher, tmp_path: Path) -> None:
    asked = [*options(tmp_path, server.base), "ip-to-as"]
    server.answers["/a"] = Answer(rows("Two"), modified=NEWER, etag='"two"', dies_after=500, deaths=2)
    assert gatewatch("update", *asked).returncode == 0
    assert server.asked[1][1] == "bytes=500-"
    before = state(tmp_path / "data")
    for answer in (
        Answer(rows("One"), modified=OLDER),
        Answer(b"<html>Please log in</html>", modified=NEWER),
        Answer(rows("Cut")[:700], modified=NEWER),
    ):
        server.answers["/a"] = answer
        done = gatewatch("update", *asked)
        assert done.returncode == cli.PARTIAL, done.stderr
        assert state(tmp_path / "data") == before


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from gatewatch.cli import main
main(sys.argv[1:])
"""


def test_a_file_that_may_not_grow(server: Publisher, tmp_path: Path) -> None:
    asked = [*options(tmp_path, server.base), "ip-to-as"]
    server.answers["/a"] = Answer(rows("One"), modified=OLDER)
    assert gatewatch("update", *asked).returncode == 0
    before = state(tmp_path / "data")
    server.answers["/a"] = Answer(rows("Two"), modified=NEWER)
    assert len(rows("Two")) > 2000
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "update", *asked], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "the disk is full" in done.stderr) == (cli.PARTIAL, True), done.stderr
    assert state(tmp_path / "data") == before
    assert list((tmp_path / "data" / ".partial").iterdir()) == []


def test_a_full_disk(server: Publisher, tmp_path: Path) -> None:
    """A tmpfs that holds one version and not two, in a mount namespace of our own."""
    try:
        probe = subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare(1) here")
    if probe.returncode:
        pytest.skip("this system forbids user namespaces")
    asked = [*options(tmp_path, server.base), "ip-to-as"]
    (tmp_path / "data").mkdir()
    server.answers["/a"] = Answer(rows("One", 200), modified=OLDER)
    server.answers["/b"] = Answer(rows("Two", 250), modified=NEWER)
    second = tmp_path / "second.toml"
    second.write_text(f'[ip-to-as]\nurls = ["{server.base}/b"]\nleast = 10\n')
    script = (
        'mount -t tmpfs -o size=72k tmpfs "$1" || exit 99; shift; '
        '"$@" || exit 98; shift 4; "$PY" -m gatewatch update --config "$SECOND" "$@"; echo "code $?"; '
        'cat "$DATA"/ip-to-as.json; sha256sum "$DATA"/ip-to-as.*.table; ls "$DATA"/.partial'
    )
    command = [sys.executable, "-m", "gatewatch", "update", *asked]
    # "$@" is the whole first command; what is left after its first four words are its options.
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path / "data"), *command],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "PY": sys.executable,
            "SECOND": str(second),
            "DATA": str(tmp_path / "data"),
        },
    )
    assert "code 1\n" in done.stdout, (done.stdout, done.stderr)
    assert "the disk is full" in done.stderr
    about, _, digest = done.stdout.split("code 1\n")[1].rpartition("}\n")
    kept = json.loads(about + "}")
    assert kept["date"] == "2026-11-02T00:00:00Z"
    assert digest.split()[0] == kept["sha256"]


def test_kill_in_the_middle_then_the_rest(server: Publisher, tmp_path: Path) -> None:
    asked = [*options(tmp_path, server.base), "ip-to-as"]
    server.answers["/a"] = Answer(rows("One"), modified=OLDER)
    assert gatewatch("update", *asked).returncode == 0
    before = state(tmp_path / "data")
    never = threading.Event()
    server.answers["/a"] = Answer(
        rows("Two"), modified=NEWER, etag='"two"', dies_after=700, deaths=1, waits=never
    )
    part = tmp_path / "data" / ".partial" / "ip-to-as.data"
    going = subprocess.Popen([sys.executable, "-m", "gatewatch", "update", *asked], stderr=subprocess.DEVNULL)
    # Its first piece is written only when it is full or the connection ends, so what counts is that it asked.
    _until(lambda: part.with_name(part.name + ".about").exists() and '"two\\\\"' in _about(part))
    going.send_signal(signal.SIGKILL)
    going.wait()
    never.set()
    assert state(tmp_path / "data") == before
    assert gatewatch("update", *asked).returncode == 0
    assert state(tmp_path / "data") != before


def _about(part: Path) -> str:
    try:
        return part.with_name(part.name + ".about").read_text().replace('\\"', '\\\\"')
    except OSError:
        return ""


def _until(true: Callable[[], bool]) -> None:
    """Wait for another process, up to 20 s."""
    pause = threading.Event()
    for _ in range(2000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")


def test_two_at_once(tmp_path: Path) -> None:
    from gatewatch.store import lock

    with lock(tmp_path / "data"):
        done = here("update", *options(tmp_path, "http://127.0.0.1:1"), "ip-to-as")
    assert (done.exit_code, done.stderr) == (cli.LOCKED, "Another update is going on.\n")


def test_without_a_network_it_is_said_plainly(tmp_path: Path) -> None:
    empty = ("unshare", "--user", "--map-root-user", "--net")
    if (tried := subprocess.run([*empty, "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no network namespaces here: {tried.stderr.strip()}")
    done = gatewatch("update", "--data", str(tmp_path / "data"), "--quiet", "ip-to-as", before=empty)
    assert (done.returncode, done.stdout) == (cli.NO_NETWORK, "")
    assert done.stderr.endswith(
        "There is no network: this machine has no route to the outside.  The old data stay in use.\n"
    )


def test_terms_and_names(tmp_path: Path) -> None:
    asked = options(tmp_path, "http://127.0.0.1:1")
    done = here("update", *asked, "cables-live")
    assert done.exit_code == cli.PARTIAL
    assert "cables-live: terms: read https://" in done.stderr
    assert "no data set 'moon'" in here("update", *asked, "moon").stderr
    assert "has no terms" in here("update", *asked, "--accept-terms", "ip-to-as").stderr
    assert here("update", *asked, "--accept-terms", "cables").exit_code == cli.USAGE
    listed = json.loads(here("update", *asked, "--list", "--json").stdout)
    assert len(listed["datasets"]) == 13


def test_a_configuration_is_checked_with_the_path_of_the_fault(tmp_path: Path) -> None:
    config = tmp_path / "update.toml"
    for text, fault in (
        (
            '[ip-to-as]\nurls = ["http://example.org/a"]\n',
            "ip-to-as.urls[0]: 'http://example.org/a' is not",
        ),
        ('[ip-to-as]\nurls = ["https://u:p@example.org/a"]\n', "ip-to-as.urls[0]: holds a user name"),
        ("[ip-to-as]\nurls = []\n", "ip-to-as.urls: is empty"),
        ('[ip-to-as]\nsha256 = "abc"\n', "ip-to-as.sha256: is no SHA-256"),
        ('[ip-to-as]\nmirror = "x"\n', "ip-to-as.mirror: is not read here"),
        ('[mine]\nkind = "table"\nurls = ["https://example.org/a"]\n', "mine.format: is missing"),
        ('["../mine"]\nkind = "table"\n', "a name has small letters"),
    ):
        config.write_text(text)
        done = here("update", "--config", str(config), "--list")
        assert done.exit_code == cli.USAGE
        assert fault in done.stderr, done.stderr
