"""gatewatch run, before anything is sent: what a plan says, who has agreed, and without a network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import gatewatch, here, python

from gatewatch import cli
from gatewatch.cli.consent import LOCATE_VERSION, MEDIUM_VERSION, VERSION
from gatewatch.runner.session import Session


def test_a_plan_sends_nothing_and_needs_no_consent() -> None:
    # An audit hook sees every socket call of the process (PEP 578) and cannot be got around.
    code = """
import os, sys
SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
sys.addaudithook(lambda event, _: os._exit(99) if event in SENDING else None)
from gatewatch.cli import main
main(sys.argv[1:])
"""
    done = python(code, "run", "--plan", "--targets", "np", "--json", "--traces", "2", "--quiet")
    shown = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown["items"] == len(shown["plan"]["items"]) == shown["hosts"] + 2
    assert shown["plan"]["probes"] == ["web", "trace"] and shown["bytes"] > 80_000
    assert python(code, "run", "--targets", "np").returncode == 99, "the hook sees what a run does"


def test_a_plan_for_people(tmp_path: Path) -> None:
    done = here("run", "--plan", "--targets", "-", "--risk", "medium", "--rate", "2", stdin="a.org\nb.org\n")
    first, sums, web, trace, between, *sites = done.stdout.splitlines()
    assert first == "4 measurements, 2 sites. Nothing has been sent."
    assert sums == "It would send about 220 packets, move about 172 kB, and take at least 2 seconds."
    assert web == "  - web: 2 sites; about 60 packets each" and between == ""
    assert trace == "  - trace: 2 sites; about 50 packets each"
    assert sorted(sites) == [f"https://{x}.org/  (web, trace; medium risk)" for x in "ab"]
    assert not (tmp_path / "runs").exists()


def test_without_consent_nothing_is_begun_and_the_text_is_shown(online: list[Session]) -> None:
    done = here("run", "--targets", "np", "--json")
    assert (done.exit_code, done.stdout, online) == (cli.NO_CONSENT, "", [])
    assert "can see which sites you ask for" in " ".join(done.stderr.split())
    assert done.stderr.splitlines()[-1].endswith(
        f"nothing is sent. On unattended machines: --consent {VERSION}"
    )


def located(*more: str) -> Any:
    words = ("--risk", "high", "--medium-consent", MEDIUM_VERSION, "--probe", "locate", "--quiet")
    return here("run", "--targets", "np", *words, *more)


def test_consent_to_locate_is_its_own_and_never_implied(online: list[Session]) -> None:
    done = located("--consent", VERSION)
    assert (done.exit_code, online) == (cli.NO_CONSENT, [])
    assert "up to 12 times within minutes, for each of up to 3 sites" in " ".join(done.stderr.split())
    assert done.stderr.splitlines()[-1].endswith(f"On unattended machines: --locate-consent {LOCATE_VERSION}")
    # Nor does the one for locating imply the general one, nor one text's version the other's.
    assert located("--locate-consent", LOCATE_VERSION).exit_code == cli.NO_CONSENT
    assert located("--consent", VERSION, "--locate-consent", VERSION).exit_code == cli.NO_CONSENT
    assert located("--consent", VERSION, "--locate-consent", LOCATE_VERSION).exit_code == cli.DONE
    assert [(s.consent_version, s.locate_consent_version) for s in online] == [(VERSION, LOCATE_VERSION)]
    here("run", "--targets", "np", "--consent", VERSION)
    assert online[-1].locate_consent_version is None


def test_budgets_of_locating(online: list[Session]) -> None:
    agreed = ("--consent", VERSION, "--locate-consent", LOCATE_VERSION)
    assert located(*agreed, "--most-triggers", "21").exit_code == cli.USAGE
    assert located(*agreed, "--most-targets", "11").exit_code == cli.USAGE
    assert located(*agreed, "--most-triggers", "20", "--most-targets", "10").exit_code == cli.DONE
    located(*agreed)
    for session, triggers, targets in zip(online, (20, 12), (10, 3), strict=True):
        assert (session.restraint.triggers, session.restraint.targets) == (triggers, targets)
        assert sum(item.probe == "locate" for item in session.plan.items) == targets
        assert session.restraint.stop is not None and session.restraint.stop.name == "stop"


def test_a_plan_says_how_many_packets_of_each_kind() -> None:
    plan = json.loads(located("--plan", "--json", "--most-triggers", "4", "--most-targets", "2").stdout)
    most = plan["traffic"]["locate"]["most_each"]
    assert (plan["traffic"]["locate"]["targets"], most["triggers"]) == (2, 4)
    assert set(most) == {"triggers", "controls", "sweep packets", "DNS questions"}
    said = " ".join(located("--plan", "--traces", "0").stdout.split())
    assert "locate: 3 sites; about 190 packets each; at most 12 packets with a forbidden name; " in said


def test_consent_by_version(online: list[Session]) -> None:
    done = here("run", "--targets", "np", "--consent", "1999-01")
    assert (done.exit_code, online) == (cli.NO_CONSENT, [])
    assert f"The consent text is now version {VERSION}, not 1999-01.\n" in done.stderr
    assert here("run", "--targets", "np", "--consent", VERSION).exit_code == cli.DONE
    assert [session.consent_version for session in online] == [VERSION]


@pytest.mark.parametrize(
    ("on_file", "code"),
    [({"version": VERSION}, cli.DONE), ({"version": "1999-01"}, cli.NO_CONSENT), ([], cli.NO_CONSENT)],
)
def test_consent_on_file_is_for_one_version(
    tmp_path: Path, online: list[Session], on_file: object, code: int
) -> None:
    file = tmp_path / "state" / "gatewatch" / "consent.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(on_file))
    assert here("run", "--targets", "np").exit_code == code
    assert [session.consent_version for session in online] == [VERSION] * (code == cli.DONE)


def test_who_is_asked_and_agrees_is_not_asked_again(
    online: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewatch.cli.asking.can_ask", lambda: True)
    # English; somewhere else; false, true; yes or no.
    for answer, code in (("1 5 2 1 2", cli.NO_CONSENT), ("5 2 1 1", cli.DONE), ("", cli.DONE)):
        stdin = answer.replace(" ", "\n") + "\n"
        assert here("run", "--targets", "np", "--quiet", stdin=stdin).exit_code == code
    assert [session.consent_version for session in online] == [VERSION] * 2


def test_without_a_route_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
    done = here("run", "--targets", "np")
    assert (done.exit_code, done.stdout) == (cli.NO_NETWORK, "")
    assert done.stderr == "There is no internet connection: this machine has no route to the outside.\n"


def test_without_a_network_it_is_one_sentence() -> None:
    empty = ("unshare", "--user", "--map-root-user", "--net")
    if (tried := subprocess.run([*empty, "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no network namespaces here: {tried.stderr.strip()}")
    done = gatewatch("run", "--targets", "np", "--consent", VERSION, before=empty)
    assert (done.returncode, done.stdout) == (cli.NO_NETWORK, "")
    assert done.stderr == "There is no internet connection: this machine has no route to the outside.\n"
