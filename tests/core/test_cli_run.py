import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import gatewatch, here, python

from gatewatch import cli
from gatewatch.cli.consent import LOCATE_VERSION, MEDIUM_VERSION, VERSION
from gatewatch.cli.run import _without
from gatewatch.runner.session import Outcome, Session
from gatewatch.store import StoreFull, read

LAB = ("--lab", "small:clear", "--attach", "memory")
MINE = '''"""mine: does it load?"""

from gatewatch.records import TestKeys


class Mine:
    name = test_name = "mine"
    version = "1.0.0"
    risk = "RISK"
    typical_bytes = 1

    async def measure(self, target, wire):
        return TestKeys(extra={"seen": target.host})
'''


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """A machine with a route, where sessions are kept instead of held."""
    sessions: list[Session] = []

    def conduct(session: Session, _: object) -> Outcome:
        sessions.append(session)
        return Outcome("done", "Done.", None, 0)

    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    monkeypatch.setattr("gatewatch.runner.session.conduct", conduct)
    return sessions


def mine(folder: Path, risk: str = "low") -> str:
    path = folder / "mine.py"
    path.write_text(MINE.replace("RISK", risk))
    return str(path)


def records(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(Path(json.loads(stdout)["folder"]))]


# -- what is sent, and whether one agrees


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


# -- what is measured


def test_standard_input_and_json(tmp_path: Path) -> None:
    done = here("run", *LAB, "--targets", "-", "--json", "--traces", "1", stdin="example.org\n")
    about = json.loads(done.stdout)
    assert (done.exit_code, about["state"], about["measured"], about["attach"]) == (0, "done", 2, "memory")
    assert about["verdicts"]["ok"] == 1 and Path(about["folder"]).parent == tmp_path / "runs"
    begun = ["Attached in memory, as asked.", "Looking at your line", "2 measurements planned."]
    assert done.stderr.splitlines()[:3] == begun
    assert {r["input"] for r in records(done.stdout)} == {"https://example.org/"}


def test_quiet_says_nothing_and_text_is_a_summary(tmp_path: Path) -> None:
    done = here("run", *LAB, "--targets", "-", "--quiet", "--json", "--traces", "0", stdin="example.org\n")
    assert (done.exit_code, done.stderr) == (0, "")
    done = here("run", *LAB, "--targets", "-", "--traces", "0", stdin="example.org\n")
    assert "1 site was measured. 1 could be reached as usual. Nothing looked blocked." in done.stdout
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if path.name.endswith(done.stdout[-7:-1]))
    assert f"gatewatch results delete {folder.name}" in done.stdout
    done = here("run", *LAB, "--targets", "-", "--quiet", "--traces", "0", stdin="example.org\n")
    assert (done.stdout, done.stderr) == ("", "")


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("url,category,risk\na.org,NEWS,low\nb.org,NEWS,mid\nhttp://,NEWS,low\nc.org,NEWS,low\n")
    done = here("run", "--plan", "--targets", str(file), "--json", "--traces", "0")
    assert done.exit_code == 0
    assert {i["input"] for i in json.loads(done.stdout)["plan"]["items"]} == {
        "https://a.org/",
        "https://c.org/",
    }
    first, second = done.stderr.splitlines()
    assert first == f"{file}:3: risk: 'mid' is not one of low, medium, high"
    assert second == f"{file}:4: host: is missing"


def test_a_probe_from_a_file(tmp_path: Path) -> None:
    probe = mine(tmp_path)
    done = here("run", *LAB, "--targets", "-", "--probe", probe, "--json", "--traces", "0", stdin="a.org\n")
    (record,) = records(done.stdout)
    assert (record["test_name"], record["test_keys"]["seen"]) == ("mine", "a.org")


def test_a_probe_of_a_higher_tier_must_be_chosen(tmp_path: Path) -> None:
    probe = mine(tmp_path, "high")
    refused = here("run", "--plan", "--targets", "np", "--probe", probe)
    assert refused.exit_code == cli.USAGE and "mine is of risk tier high" in refused.stderr
    assert here("run", "--plan", "--targets", "np", "--probe", probe, "--risk", "high").exit_code == cli.DONE


def test_a_limit_is_a_sample_that_the_seed_repeats() -> None:
    def sample(seed: int) -> list[str]:
        done = here("run", "--plan", "--targets", "kh", "--limit", "9", "--seed", str(seed), "--json")
        return [item["input"] for item in json.loads(done.stdout)["plan"]["items"]]

    assert len(sample(1)) == 9 + 5 and sample(1) == sample(1) != sample(2)


def test_higher_tiers_are_left_out_unless_chosen() -> None:
    def risks(*more: str) -> tuple[set[str], str]:
        done = here("run", "--plan", "--targets", "kh", "--country", "kh", "--json", *more)
        return {i["target"]["risk"] for i in json.loads(done.stdout)["plan"]["items"]}, done.stderr

    assert risks() == ({"low"}, "38 sites of a higher risk than low are left out.\n")
    assert risks("--risk", "high") == ({"low", "medium", "high"}, "")


def test_a_probe_is_planned_for_what_it_fits() -> None:
    done = here(
        "run", "--plan", "--probe", "web", "--probe", "app", "--targets", "apps", "--targets", "np", "--json"
    )
    items = json.loads(done.stdout)["plan"]["items"]
    apps = {i["input"] for i in items if i["probe"] == "app"}
    pages = {i["input"] for i in items if i["probe"] == "web"}
    # Tor and VPN services are of a higher tier than is chosen.
    assert len(apps) == 6 and apps < pages
    done = here("run", "--plan", "--probe", "app", "--targets", "np")
    assert done.exit_code == cli.USAGE and "nothing in these lists is for app" in done.stderr


def test_lists_of_signs_join_from_the_option_the_environment_and_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_of(folder: Path, name: str) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"fingerprint": "b_nat_kh_x", "pattern": "closed by good order"}\n[\n')
        return str(folder / name)

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("GATEWATCH_FINGERPRINTS", list_of(tmp_path, "b.jsonl"))
    list_of(tmp_path / "data" / "gatewatch" / "fingerprints", "c.jsonl")
    words = ("--fingerprints", list_of(tmp_path, "a.jsonl"), "--targets", "kh", "--json")
    done = here("run", "--plan", *words)
    settings = json.loads(done.stdout)["plan"]["settings"]
    assert settings["fingerprints"] == [
        {"file": f"{name}.jsonl", "kind": "cp", "signs": 1} for name in ("a", "b", "c")
    ]
    assert "a.jsonl: 1 signs; rows that could not be used: 1" in done.stderr
    (tmp_path / "no.csv").write_text("x\n")
    done = here("run", "--plan", "--fingerprints", str(tmp_path / "no.csv"), "--targets", "kh")
    assert done.exit_code == cli.USAGE and "neither OONI's columns" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--targets", "nolist"), "nolist: no such file, and no built-in list"),
        (("--targets", "np", "--probe", "wob"), "no probe 'wob'; there are "),
        (("--targets", "np", "--probe", "none.py"), "none.py: no such Python file"),
        (("--targets", "np", "--country", "Nepal"), "two-letter code, such as KH, not 'Nepal'"),
        (("--lab", "small", "--attach", "memory"), "SCENARIO:ISP"),
        (("--lab", "small:none", "--attach", "memory"), "scenario small has no ISP 'none'"),
        (("--lab", "none:clear", "--attach", "memory"), "no scenario 'none'; packaged are"),
        (("--resume", "none"), "does not exist"),
        (("--resume", "."), "plan.json"),
    ],
)
def test_usage(words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = here("run", "--plan", *words)
    assert (done.exit_code, done.stdout) == (cli.USAGE, "") and said in done.stderr


# -- how it ends


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("done", cli.DONE),
        ("partial", cli.PARTIAL),
        ("interrupted", cli.PARTIAL),
        ("full", cli.PARTIAL),
        ("no_network", cli.NO_NETWORK),
    ],
)
def test_the_state_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, state: Any, code: int) -> None:
    monkeypatch.setattr("gatewatch.runner.session.conduct", lambda *_: Outcome(state, "Because.", None, 0))
    done = here("run", *LAB, "--targets", "np", "--json", "--quiet")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (code, state)
    assert done.stderr == ("" if state == "done" else "Because.\n")


def ended(error: Exception) -> Callable[..., Outcome]:
    def conduct(*_: object) -> Outcome:
        raise error

    return conduct


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StoreFull("/runs: No space left"), cli.PARTIAL, "/runs: No space left\n"),
        (PermissionError(13, "Permission denied", "/runs"), cli.USAGE, "Error: /runs: Permission denied\n"),
    ],
)
def test_a_root_that_cannot_be_written_is_said_so(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    monkeypatch.setattr("gatewatch.runner.session.conduct", ended(error))
    done = here("run", *LAB, "--targets", "np", "--quiet")
    assert (done.exit_code, done.stdout) == (code, "") and done.stderr.endswith(said)


def test_the_terminal_is_given_back_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr("gatewatch.cli.lines.Lines.close", lambda _: closed.append(1))
    monkeypatch.setattr("gatewatch.runner.session.conduct", ended(StoreFull("full")))
    here("run", *LAB, "--targets", "np")
    assert closed == [1]


def test_a_run_goes_on_where_and_as_it_was_begun(
    tmp_path: Path, online: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatewatch.store import create

    plan = json.loads(here("run", "--plan", "--targets", "np", "--json").stdout)["plan"]
    vantage = {"country": "KH", "asn": 38623, "isp": "Viettel", "network_type": "mobile"}
    folder = create(tmp_path / "elsewhere", plan, {"vantage": vantage, "lab": None})
    folder.close("interrupted")
    monkeypatch.chdir(folder.path)
    done = here("run", "--resume", ".", "--consent", VERSION)
    assert done.exit_code == 0, done.stderr
    (session,) = online
    assert (session.resume, session.root) == (folder.path, tmp_path / "elsewhere")
    assert (session.vantage.country, session.vantage.asn, session.vantage.network_type) == (
        "KH",
        38623,
        "mobile",
    )
    done = here("run", "--resume", str(folder.path), *LAB)
    assert done.exit_code == cli.USAGE and "resume it without --lab" in done.stderr


def test_a_lab_run_is_not_resumed_on_the_internet_nor_in_another_lab(
    tmp_path: Path, online: list[Session]
) -> None:
    from gatewatch.store import create

    plan = json.loads(here("run", "--plan", "--targets", "np", "--json").stdout)["plan"]
    lab = {"scenario": "small", "isp": "blocked", "attach": "tun"}
    folder = create(tmp_path, plan, {"vantage": {"country": "KH"}, "lab": lab})
    folder.close("interrupted")
    for where in (("--consent", VERSION), LAB):
        done = here("run", "--resume", str(folder.path), *where)
        assert done.exit_code == cli.USAGE and "begun with --lab small:blocked" in done.stderr
    assert here("run", "--resume", str(folder.path), "--lab", "small:blocked", *LAB[2:]).exit_code == 0
    assert len(online) == 1


def test_the_command_is_started_again_in_the_lab_without_its_lab_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _without(["run", "--lab", "a:b", "--json", "--lab=c:d"], "--lab") == ["run", "--json"]
    became: list[list[str]] = []

    def execve(_: str, command: list[str], __: object) -> None:
        became.append(command)
        raise SystemExit(7)

    monkeypatch.setattr("os.execve", execve)
    monkeypatch.setattr("gatewatch.lab.rehearse.choose", lambda _: ("kernel", "Attached."))
    monkeypatch.setattr("sys.argv", ["gatewatch", "run", "--lab", "small:clear", "--attach=kernel", "--json"])
    assert here("run", "--lab", "small:clear", "--attach", "kernel", "--json").exit_code == 7
    (command,) = became
    assert command[2:6] == ["gatewatch.lab.inside", "small", "clear", "--"]
    assert command[7:] == ["-m", "gatewatch", "run", "--json"]


@pytest.mark.parametrize("option", ["--helper", "--domestic-helper"])
@pytest.mark.parametrize("url", ["http://helper.example.net/", "ftp://x/", "https://"])
def test_a_helper_must_be_asked_over_https(option: str, url: str) -> None:
    done = here("run", "--plan", option, url)
    assert done.exit_code == 2 and option in done.output


def test_a_helper_of_ones_own_may_be_asked_on_loopback() -> None:
    assert here("run", "--plan", "--limit", "1", "--helper", "http://127.0.0.1:8080/").exit_code == 0
