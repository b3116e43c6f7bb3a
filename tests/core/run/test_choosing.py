"""gatewatch run: what is measured, by which probes and against which lists, and what it says of bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import LAB, here

from gatewatch import cli
from gatewatch.store import read

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


def mine(folder: Path, risk: str = "low") -> str:
    path = folder / "mine.py"
    path.write_text(MINE.replace("RISK", risk))
    return str(path)


def records(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(Path(json.loads(stdout)["folder"]))]


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


@pytest.mark.parametrize("place", ["small", "small:none", "none:clear"])
def test_a_lab_that_is_none_is_refused_before_it_is_entered(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewatch.lab.rehearse.choose", lambda _: pytest.fail("it was entered"))
    done = here("run", "--lab", place, "--targets", "np")
    assert done.exit_code == cli.USAGE and done.stderr.startswith("Usage: "), done.stderr


@pytest.mark.parametrize("option", ["--helper", "--domestic-helper"])
@pytest.mark.parametrize("url", ["http://helper.example.net/", "ftp://x/", "https://"])
def test_a_helper_must_be_asked_over_https(option: str, url: str) -> None:
    done = here("run", "--plan", option, url)
    assert done.exit_code == 2 and option in done.output


def test_a_helper_of_ones_own_may_be_asked_on_loopback() -> None:
    assert here("run", "--plan", "--limit", "1", "--helper", "http://127.0.0.1:8080/").exit_code == 0
