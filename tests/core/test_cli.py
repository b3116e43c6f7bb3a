import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from tests.worlds.commands import gatewatch, here, python

from gatewatch import __version__, cli
from gatewatch.cli.consent import VERSION
from gatewatch.cli.pages import contexts
from gatewatch.runner.line import Look
from gatewatch.update import Installed, Shelf
from gatewatch.words import phrase

# What a base installation has no need of to say what it can do.
HEAVY = {"trio", "pandas", "scapy", "rich", "dns", "requests", "cryptography", "trustme", "gatewatch_targets"}


def test_every_command_is_listed_with_its_line_and_has_help() -> None:
    overview = here("--help")
    assert overview.exit_code == 0
    width = max(map(len, cli.COMMANDS))
    for name, (_, summary) in cli.COMMANDS.items():
        assert f"  {name:<{width}}  {summary}\n" in overview.stdout
    for context in contexts():
        words = context.command_path.split()[1:]
        shown = here(*words, "--help")
        assert (shown.exit_code, shown.stderr) == (0, ""), words
        assert shown.stdout.startswith(f"Usage: main {' '.join(words)}".rstrip())
        assert context.command.help, words
        assert all(p.help for p in context.command.params if isinstance(p, click.Option)), words


def test_help_loads_nothing_that_measures() -> None:
    code = f"""
import sys
from gatewatch.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""
    done = python(code, "--help")
    assert (done.returncode, done.stderr) == (0, "\n") and "Commands:" in done.stdout
    assert python(code, "run", "--help").stderr == "\n"
    # Nor what reads and writes measurements: it is half of the time.
    assert (
        python(code.replace(repr(HEAVY), "{'gatewatch.records', 'gatewatch.store'}"), "run", "--help").stderr
        == "\n"
    )


def test_it_works_without_the_extras() -> None:
    code = """
import sys
for name in ("pandas", "pyarrow", "trustme", "cryptography", "aioquic", "dask", "fsspec"):
    sys.modules[name] = None
from gatewatch.cli import main
main(sys.argv[1:])
"""
    done = python(code, "run", "--plan", "--targets", "np", "--json")
    assert (done.returncode, json.loads(done.stdout)["items"] > 5) == (0, True), done.stderr
    done = python(code, "demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Install with: pip install 'gatewatch[analysis,lab]'" in done.stderr


def test_version() -> None:
    assert here("--version").stdout == f"gatewatch, version {__version__}\n"


@pytest.mark.parametrize("words", [(), ("fly",), ("--fast",), ("lab", "fly"), ("run", "--rate", "0")])
def test_what_is_no_command_has_the_code_for_usage(words: tuple[str, ...]) -> None:
    done = here(*words)
    assert (done.exit_code, done.stdout) == (cli.USAGE, "") and "Usage:" in done.stderr


@pytest.mark.parametrize("group", ["analyse", "dataset", "helper", "lab", "probes", "results", "targets"])
def test_a_group_without_a_command_shows_its_overview_in_lines(group: str) -> None:
    done = here(group)
    assert (done.exit_code, done.stdout) == (cli.USAGE, "") and "\\n" not in done.stderr
    assert done.stderr == here(group, "--help").stdout


def test_the_codes_are_those_that_the_help_promises() -> None:
    codes = (cli.DONE, cli.PARTIAL, cli.USAGE, cli.NO_CONSENT, cli.NO_NETWORK, cli.LOCKED)
    assert codes == (0, 1, 2, 3, 4, 75)
    said = " ".join(here("--help").stdout.split())
    for words in ("0 done", "1 partial", "2 usage", "3 no consent", "4 no network", "75 another run"):
        assert words in said


class TestDoctor:
    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        # No data sets and no configuration of whoever runs the tests.
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setattr(
            "gatewatch.lab.rehearse.choose", lambda _: ("memory", phrase("Attached in memory."))
        )
        monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        here("consent", "--yes", "--consent-version", VERSION)

    @staticmethod
    def line(monkeypatch: pytest.MonkeyPatch, look: Look) -> None:
        async def found(_: Any) -> Look:
            return look

        monkeypatch.setattr("gatewatch.runner.line.Line.look", found)

    def test_a_good_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line(monkeypatch, Look(True, ("udp 8.8.8.8",), clock_offset=0.4))
        done = here("doctor", "--json")
        checks = {row["what"]: row for row in json.loads(done.stdout)["checks"]}
        assert (done.exit_code, done.stderr) == (0, "")
        assert list(checks) == [
            "network",
            "captive portal",
            "clock",
            "IPv6",
            "name server",
            "privileges",
            "traceroute",
            "deep mode",
            "QUIC",
            "lab",
            "disk",
            "folder of results",
            "folder of consent",
            "data",
        ]
        assert checks["network"]["ok"] and checks["clock"]["ok"] and checks["lab"]["ok"]
        assert checks["IPv6"]["finding"] == "does not work; only IPv4 will be measured"

    def test_data_sets_that_have_grown_old(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.line(monkeypatch, Look(True, ("udp 8.8.8.8",), clock_offset=0.4))
        shelf = Shelf(tmp_path / "gatewatch" / "data")
        for name, fetched in (
            ("ip-to-as", "2020-01-01T00:00:00Z"),
            ("ooni-signs-dns", "2999-01-01T00:00:00Z"),
        ):
            about = Installed(
                name=name,
                title="",
                kind="table",
                version="1",
                licence="PDDL 1.0",
                attribution="",
                date="2020-01-01",
                dated_by="server",
                source="",
                fetched=fetched,
                file="",
                sha256="",
                bytes=0,
                entries=5,
            )
            shelf.put(about, b"content", ".table")
        done = here("doctor")
        assert done.exit_code == 0
        assert "!!  data ip-to-as: 5 entries of 2020-01-01, fetched" in done.stdout
        assert "    Fetch it again: gatewatch update ip-to-as\n" in done.stdout
        assert "ok  data ooni-signs-dns: " in done.stdout
        shelf.path(next(shelf.everything())).write_bytes(b"damage")
        assert "data ip-to-as: damaged, and not used" in here("doctor").stdout

    def test_a_wrong_clock_and_no_disk_come_with_advice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line(monkeypatch, Look(True, ("udp 8.8.8.8",), clock_offset=-3600.0))
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        done = here("doctor")
        assert done.exit_code == 0
        clock = (
            "!!  clock: wrong by -3600 seconds\n    Let the system set the clock from the internet (NTP).\n"
        )
        assert clock in done.stdout and "!!  disk: 1.0 MB free\n    Make some room" in done.stdout
        assert done.stdout.endswith("2 things to look at, above.\n")

    @pytest.mark.parametrize(
        ("look", "words"),
        [
            (Look(False), "no route to the outside"),
            (Look(True), "none of several well-known servers answers"),
        ],
    )
    def test_a_line_that_is_down_is_the_exit_code(
        self, monkeypatch: pytest.MonkeyPatch, look: Look, words: str
    ) -> None:
        self.line(monkeypatch, look)
        done = here("doctor", "--json")
        network = json.loads(done.stdout)["checks"][0]
        assert (done.exit_code, network["ok"]) == (cli.NO_NETWORK, False) and words in network["finding"]
        assert network["advice"] == "Check the cable or the Wi-Fi, or ask your provider."

    def test_a_captive_portal_is_a_line_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line(monkeypatch, Look(True, ("page x",), portal=True))
        done = here("doctor", "--json")
        portal = json.loads(done.stdout)["checks"][1]
        assert (done.exit_code, portal["what"], portal["ok"]) == (cli.NO_NETWORK, "captive portal", False)
        assert portal["advice"] == "Open a browser, log in to this network, and try again."

    def test_nothing_is_sent_before_consent(self) -> None:
        # An audit hook sees every socket call of the process (PEP 578) and cannot be got around.
        here("consent", "--withdraw")
        code = """
import os, sys
SENDING = {"socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
sys.addaudithook(lambda event, _: os._exit(99) if event in SENDING else None)
import gatewatch.runner.line, gatewatch.lab.rehearse
gatewatch.runner.line.has_route = lambda *_: True
gatewatch.lab.rehearse.choose = lambda _: ("memory", gatewatch.lab.rehearse.phrase("In memory."))
from gatewatch.cli import main
main(["doctor", *sys.argv[1:]])
"""
        done = python(code)
        assert done.returncode == 0 and "only after you have agreed" in " ".join(done.stdout.split())
        here("consent", "--yes", "--consent-version", VERSION)
        assert python(code).returncode == 99, "the hook sees what a look does"

    def test_no_address_of_the_near_network_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line(monkeypatch, Look(True, ("udp 8.8.8.8",)))
        monkeypatch.setattr("gatewatch.net.wire.system_resolvers", lambda: ("192.168.77.1",))
        for words in ((), ("--json",)):
            assert "192.168.77" not in here("doctor", *words).stdout


def test_the_probes_are_listed_and_shown() -> None:
    rows = json.loads(here("probes", "list", "--json").stdout)["probes"]
    assert {row["name"] for row in rows} >= {"resolve", "connect", "handshake", "fetch", "web", "trace"}
    assert all(row["question"].endswith("?") for row in rows if row["from"].startswith("gatewatch_probes"))
    shown = here("probes", "show", "trace")
    assert shown.stdout.startswith("trace: which routers lie on the way to a host?\n\nMethod: ")
    assert json.loads(here("probes", "show", "trace", "--json").stdout)["test_name"] == "trace"
    assert here("probes", "show", "none").exit_code == cli.USAGE


def test_python_dash_m_is_the_same_command() -> None:
    done = gatewatch("--version")
    assert (done.returncode, done.stdout.split()[-1]) == (0, __version__)
    # What it tells people to type is what they have typed, in the lab's namespaces too.
    assert "Try 'gatewatch run --help'" in gatewatch("run", "--frobnicate").stderr
