"""gatewatch locate, as its users call it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worlds.commands import here

from gatewatch import cli
from gatewatch.cli.consent import VERSION, stop_file
from gatewatch.cli.locate import describe
from gatewatch.lab import kernel
from gatewatch.records import Locus
from gatewatch.runner.about import Vantage
from gatewatch.runner.session import Session

LAB = ("--attach", "memory", "--quiet", "--seed", "1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))


def test_a_link_for_people() -> None:
    done = here("locate", "https://www.rfa.org/", "--lab", "kh-2024:smart", *LAB)
    first, link, place, plainly = done.stdout.splitlines()
    assert done.exit_code == cli.DONE
    assert first.startswith("https://www.rfa.org/: tls to ") and first.endswith(", as www.rfa.org")
    assert link == "  reset between hop 4 (silent) and hop 5 (103.5.25.97, AS45498 KH)"
    assert place.startswith("  place: access (both ends are this line's own provider's); probability 99.")
    assert " triggers, " in place and plainly == "  It is cut inside the network of your own provider."


def test_a_link_for_programs_and_a_site_that_is_free() -> None:
    urls = ("https://www.rfa.org/", "https://free.kh/")
    done = here("locate", *urls, "--lab", "kh-2024:smart", "--json", *LAB)
    about = json.loads(done.stdout)
    rows = {row["input"]: row for row in about["located"]}
    assert set(rows) == set(urls) and about["state"] == "done"
    found, free = (rows[url] for url in urls)
    assert (found["before"], found["after"], found["after_asn"], found["place"]) == (4, 5, 45498, "access")
    assert (free["before"], free["reason"], free["triggers"]) == (None, "no interference seen", 3)
    assert "hops" not in found


def test_what_a_run_found_blocked() -> None:
    run = here("run", "--targets", "kh", "--limit", "12", "--lab", "kh-2024:smart", "--json", *LAB)
    folder = json.loads(run.stdout)["folder"]
    blocked = json.loads(here("results", "show", folder, "--json", "--verdict", "blocked").stdout)
    names = {row["input"] for row in blocked["measurements"]}
    done = here("locate", "--from", folder, "--lab", "kh-2024:smart", "--json", "--most-targets", "2", *LAB)
    located = {row["input"] for row in json.loads(done.stdout)["located"]}
    assert len(located) == min(2, len(names)) > 0 and located <= names


def test_a_run_by_its_name_and_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    run = here("run", "--targets", "kh", "--limit", "12", "--lab", "kh-2024:smart", "--json", *LAB)
    folder = Path(json.loads(run.stdout)["folder"])
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    # As if it had been measured outside.
    about["lab"] = None
    about["vantage"] = {"country": "KH", "asn": 45498, "isp": "Smart", "network_type": "mobile"}
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    planned: list[Session] = []
    monkeypatch.setattr("gatewatch.cli.planned.show", lambda session, _: planned.append(session))
    for name in ("latest", folder.name, folder.name[:12], str(folder)):
        assert here("locate", "--from", name, "--plan").exit_code == cli.DONE
    assert here("locate", "--from", "latest", "--asn", "7", "--plan").exit_code == cli.DONE
    here("locate", "https://a.example/", "--plan")
    line = Vantage("KH", 45498, "Smart", "mobile")
    lines = [session.vantage for session in planned]
    assert lines == [line] * 4 + [replace(line, asn=7), Vantage()]
    assert here("locate", "--from", "2001", "--plan").exit_code == cli.USAGE


def test_the_latest_run_is_the_latest_that_asked_for_sites() -> None:
    here("run", "--targets", "kh", "--limit", "12", "--lab", "kh-2024:smart", *LAB)
    options = ("--lab", "kh-2024:smart", "--most-targets", "1", *LAB)
    first, again = (here("locate", "--from", "latest", *options) for _ in range(2))
    assert ": tls to " in first.stdout and again.stdout == first.stdout
    # What a run that located says of blocking is nothing: the summary is of the one before.
    assert "it looks like blocking" in here("results", "summary").stdout


def test_what_a_rehearsal_found_is_never_looked_for_on_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    here("run", "--targets", "kh", "--limit", "20", "--lab", "kh-2024:smart", *LAB)
    (command,) = (line for line in here("results", "summary").stdout.splitlines() if "locate" in line)
    assert "--lab kh-2024:smart" in command
    monkeypatch.setattr("gatewatch.cli.locate.held", lambda *_: pytest.fail("it was measured"), raising=False)
    for outside in ((), ("--plan",), ("--lab", "small:clear", *LAB)):
        done = here("locate", "--from", "latest", *outside)
        assert done.exit_code == cli.USAGE and "begun with --lab kh-2024:smart" in done.stderr, done.stderr


def test_a_run_that_found_nothing() -> None:
    assert here("run", "--targets", "kh", "--limit", "3", "--lab", "small:clear", *LAB).exit_code == cli.DONE
    done = here("locate", "--from", "latest", "--lab", "small:clear", *LAB)
    assert (done.exit_code, done.stdout) == (cli.DONE, "Nothing looked blocked.\n")
    told = json.loads(here("locate", "--from", "latest", "--lab", "small:clear", "--json", *LAB).stdout)
    assert (told["state"], told["located"]) == ("done", [])


def test_nothing_while_the_stop_file_is_there() -> None:
    stop_file().parent.mkdir(parents=True)
    stop_file().touch()
    done = here("locate", "https://www.rfa.org/", "--lab", "kh-2024:smart", *LAB)
    assert done.exit_code == cli.PARTIAL
    assert done.stdout == "Not located: you have stopped it\n"


def test_it_needs_something_to_locate_and_both_consents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    assert here("locate").exit_code == cli.USAGE
    assert here("locate", "https://a.org/").exit_code == cli.NO_CONSENT
    done = here("locate", "https://a.org/", "--consent", VERSION)
    assert done.exit_code == cli.NO_CONSENT and "--locate-consent" in done.stderr
    assert here("locate", "ftp://a.org/", "--plan").exit_code == cli.USAGE
    assert "at most 12 packets with a forbidden" in here("locate", "https://a.org/", "--plan").stdout


def test_the_ttl_of_resets_is_said() -> None:
    done = here("locate", "https://www.rfa.org/", "--lab", "kh-2024:smart", "--reply-ttl", *LAB)
    assert "  the resets came with a TTL from " in done.stdout
    many = here(
        "locate",
        "https://www.rfa.org/",
        "--lab",
        "kh-2024:smart",
        "--reply-ttl",
        "--most-triggers",
        "20",
        *LAB,
    )
    assert "  the resets came with TTL 60, the server's own packets with " in many.stdout


def test_words_for_what_cannot_be_told() -> None:
    locus = Locus(method="tls", address="1.2.3.4", port=443, source_port=61000, triggers=1, controls=20)
    said = describe("https://a.org/", replace(locus, reason="the control fails"))
    assert said.splitlines()[1] == "  cannot tell: the control fails (1 triggers, 20 controls)"
    near = describe(
        "https://a.org/", replace(locus, before=0, after=1, signature="drop", after_address="\x1b[1m")
    )
    assert "drop between this machine and hop 1 (" in near and "\x1b" not in near


def test_deep_says_what_the_filter_is_and_files_evidence(tmp_path: Path) -> None:
    done = here("locate", "https://www.rfa.org/", "--lab", "kh-2024:smart", "--pcap", *LAB)
    assert done.exit_code == cli.DONE
    said = done.stdout.splitlines()[-1]
    assert said.startswith("https://www.rfa.org/: the filter is beside the path; ")
    assert "1 x RA, initial TTL 64, IP ID zero" in said
    (run,) = (folder for folder in (tmp_path / "runs").iterdir() if folder.is_dir())
    assert json.loads((run / "run.json").read_text())["evidence"] == ["evidence/001-tls.pcap"]
    assert (run / "evidence" / "001-tls.pcap").stat().st_size > 1000
    assert here("results", "delete", "latest", "--yes").exit_code == cli.DONE
    assert not run.exists()


def test_without_the_option_no_evidence_is_filed(tmp_path: Path) -> None:
    assert (
        here("locate", "https://www.rfa.org/", "--lab", "kh-2024:smart", "--deep", *LAB).exit_code == cli.DONE
    )
    (run,) = (folder for folder in (tmp_path / "runs").iterdir() if folder.is_dir())
    assert not (run / "evidence").exists()
    assert "evidence" not in json.loads((run / "run.json").read_text())


def test_without_the_capability_deep_mode_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatewatch.net import capture

    monkeypatch.setattr(capture, "why", lambda: "deep mode needs the capability CAP_NET_RAW")
    done = here("locate", "https://www.rfa.org/", "--deep", "--plan")
    assert done.exit_code == cli.USAGE
    assert "deep mode needs the capability CAP_NET_RAW" in done.stderr


def test_sigterm_ends_it_before_the_next_trigger() -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    command = [sys.executable, "-m", "gatewatch", "locate", "https://reset.com/", "--json"]
    with subprocess.Popen(
        [*command, "--lab", "small:blocked", "--attach", "kernel"],
        env=kernel.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        # It has begun, and a located reset takes ten seconds more at a connection a second.
        while "1 measurement planned" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=5)
    about = json.loads(stdout)
    assert process.returncode == cli.PARTIAL
    assert (about["state"], about["located"]) == ("interrupted", [])
