import json
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import gatewatch, here

from gatewatch import cli
from gatewatch.lab.country.scenario import load, names

# One of each kind that the small country has: free, three ways blocked, dead, down, and a redirect.
LIST = "example.org\nhttps://lied.com\nreset.com\ndropped.com\ndead.com\nhttps://refused.com\nhttp://secure.com\n"


def test_list_shows_every_scenario_with_its_isps() -> None:
    rows = json.loads(here("lab", "list", "--json").stdout)["scenarios"]
    assert [row["name"] for row in rows] == list(names())
    assert next(row for row in rows if row["name"] == "small")["isps"] == ["blocked", "clear"]
    assert "small: Two ISPs, three boxes\n    blocked clear\n" in here("lab", "list").stdout


def test_a_lab_run_is_perfect_against_the_truth(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LIST)
    done = gatewatch(
        *("lab", "run", "small", "--score", "--json", "--attach", "memory", "--root", str(tmp_path / "runs")),
        *("--targets", str(tmp_path / "list.txt"), "--traces", "1", "--seed", "1"),
    )
    assert done.returncode == cli.DONE, done.stderr
    result = json.loads(done.stdout)
    score = result["score"]
    assert (score["total"], score["right"], score["mistakes"]) == (14, 14, [])
    found = {cell["verdict"]: cell["count"] for cell in score["cells"]}
    assert found == {
        "ok": 7,
        "down": 4,
        "blocked(dns.bogon)": 1,
        "blocked(tls.reset)": 1,
        "blocked(tcp.timeout)": 1,
    }
    assert [(r["isp"], r["state"], r["measured"], r["attach"]) for r in result["runs"]] == [
        ("blocked", "done", 8, "memory"),
        ("clear", "done", 8, "memory"),
    ]
    plans = [json.loads((Path(r["folder"]) / "plan.json").read_text()) for r in result["runs"]]
    assert [plan["seed"] for plan in plans] == [1, 1]
    # Each ISP has a root of its own, and its messages bear its name.
    assert [Path(r["folder"]).parent for r in result["runs"]] == [
        tmp_path / "runs" / "blocked",
        tmp_path / "runs" / "clear",
    ]
    assert {line.partition(": ")[0] for line in done.stderr.splitlines()} == {"blocked", "clear"}


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch, **row: Any) -> Any:
    rows = [{"isp": "clear", "state": "done", "measured": 1, "folder": None, "reason": "Done.", **row}]
    monkeypatch.setattr("gatewatch.cli.lab.measure", lambda *_, **__: rows)
    return here("lab", "run", "small", *arguments)


@pytest.mark.parametrize(("state", "code"), [("done", cli.DONE), ("partial", 1), ("failed", 1)])
def test_a_run_that_is_not_done_is_partial(monkeypatch: pytest.MonkeyPatch, state: str, code: int) -> None:
    done = run(monkeypatch=monkeypatch, state=state)
    assert done.exit_code == code and done.stdout.split()[:2] == ["clear", state]


def test_a_mistake_is_shown_and_is_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {
        "test_name": "web_connectivity",
        "input": "https://example.org/",
        "x_gatewatch_item": "web-1",
        "x_gatewatch_verdict": {"label": "blocked(tls.reset)"},
    }
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "measurements.jsonl").write_text(json.dumps(record) + "\n")
    done = run("--score", "--json", monkeypatch=monkeypatch, folder=str(tmp_path))
    score = json.loads(done.stdout)["score"]
    assert (done.exit_code, score["right"], score["false_alarms"]) == (cli.PARTIAL, 0, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("nowhere",), "no scenario 'nowhere'"), (("small", "--isp", "none"), "has no ISP 'none'")],
)
def test_usage(words: tuple[str, ...], said: str) -> None:
    done = here("lab", "run", *words)
    assert (done.exit_code, done.stdout) == (cli.USAGE, "") and said in done.stderr


def test_a_run_that_fails_says_its_exit_code(tmp_path: Path) -> None:
    done = gatewatch(
        *("lab", "run", "small", "--isp", "clear", "--attach", "memory", "--json", "--root", str(tmp_path)),
        *("--targets", "nolist"),
    )
    (row,) = json.loads(done.stdout)["runs"]
    assert (done.returncode, row["state"], row["reason"]) == (cli.PARTIAL, "failed", "exit code 2")
    assert "clear: Error: nolist: no such file" in done.stderr


def test_the_demo_tells_three_ways_of_blocking_apart(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="the demo analyses, and pandas is not installed")
    done = gatewatch("demo", "--attach", "memory", "--json", "--root", str(tmp_path))
    assert done.returncode == cli.DONE, done.stderr
    told = json.loads(done.stdout)
    assert {"verdicts", "findings", "runs", "seconds"} <= told.keys()
    assert [run["isp"] for run in told["runs"]] == ["metfone", "wicam", "smart"]
    # A row for each provider and target.
    urls = {row["input"] for row in told["verdicts"]}
    assert len(urls) == 55 and len(told["verdicts"]) == 3 * len(urls)
    by_provider: dict[int, set[str]] = {}
    for row in told["verdicts"]:
        if row["label"].startswith("blocked"):
            by_provider.setdefault(row["asn"], set()).add(row["label"])
    asns = [load("kh-2024").isp(name).asn for name in ("metfone", "wicam", "smart")]
    metfone, wicam, smart = (by_provider[asn] for asn in asns)
    assert (metfone, wicam) == ({"blocked(dns.redirect)"}, {"blocked(dns.nxdomain)"})
    assert smart >= {"blocked(tls.reset)"} and smart <= {"blocked(tls.reset)", "blocked(tcp.timeout)"}
    methods = [f for f in told["findings"] if f["statement"] == "isp.main_method"]
    assert len(methods) == 3 and all(0 < f["confidence"] <= 1 for f in methods)
