from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatewatch.cli.results import results
from gatewatch.store import create

ABOUT = {"vantage": {"country": "KH", "asn": "AS38623", "isp": "Viettel"}, "lab": {"scenario": "kh-2024"}}
FOUND = (
    ("https://rfa.org/", "NEWS", "blocked(dns.redirect)", "blocked", "dns", "redirect"),
    ("https://rsf.org/", "NEWS", "ok", "ok", None, None),
    ("https://a.example/\x1b[31m\u202ered", "HUMR", "blocked(tls.reset)", "blocked", "tls", "reset"),
    ("https://b.example/", "HUMR", "inconclusive(no_control)", "inconclusive", None, None),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    items = [{"id": f"web-{n}", "probe": "web"} for n in range(5)]
    folder = create(tmp_path, {"probes": ["web"], "items": items}, ABOUT)
    for n, (url, category, label, status, layer, method) in enumerate(FOUND):
        record = {
            "input": url,
            "test_name": "web_connectivity",
            "x_gatewatch_item": f"web-{n}",
            "x_gatewatch_target": {"category": category, "risk": "medium"},
            "x_gatewatch_verdict": {"status": status, "layer": layer, "method": method, "label": label},
        }
        folder.append(f"web-{n}", json.dumps(record, ensure_ascii=False).encode() + b"\n")
    folder.close("interrupted")
    return tmp_path


def run(root: Path, *arguments: str) -> Result:
    return CliRunner(env={"GATEWATCH_RESULTS": str(root)}).invoke(results, arguments)


def test_list(root: Path) -> None:
    name = next(path.name for path in root.iterdir() if path.is_dir())
    head, row = run(root, "list").stdout.splitlines()
    assert head.split() == ["run", "started", "vantage", "probes", "measured", "state", "verdicts"]
    assert row.startswith(name)
    assert "KH AS38623 Viettel (lab)  web     4/5       interrupted  blocked(dns.redirect) 1, ok 1" in row
    (described,) = json.loads(run(root, "list", "--json").stdout)["runs"]
    assert (described["id"], described["state"], described["measured"]) == (name, "interrupted", 4)
    assert described["verdicts"]["blocked(tls.reset)"] == 1


def test_list_of_nothing(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no runs yet in" in result.stderr
    assert json.loads(run(tmp_path, "list", "--json").stdout)["runs"] == []


def test_show(root: Path) -> None:
    result = run(root, "show", "latest")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[2].split() == [
        "category",
        "blocked(dns.redirect)",
        "ok",
        "blocked(tls.reset)",
        "inconclusive(no_control)",
        "all",
    ]
    assert lines[3].split() == ["NEWS", "1", "1", "2"]
    assert lines[6:11] == [
        "layer         measurements",
        "dns.redirect  1",
        "tls.reset     1",
        "ok            1",
        "inconclusive  1",
    ]
    assert (
        "blocked(tls.reset)        HUMR      web_connectivity  https://a.example/\\x1b[31m\\u202ered" in lines
    )


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        (("--verdict", "blocked"), [0, 2]),
        (("--verdict", "DNS"), [0]),
        (("--verdict", "tls.reset"), [2]),
        (("--verdict", "inconclusive(no_control)"), [3]),
        (("--target", "RFA"), [0]),
        (("--target", "example", "--verdict", "ok"), []),
    ],
)
def test_show_json_selects(root: Path, options: tuple[str, ...], inputs: list[int]) -> None:
    shown = json.loads(run(root, "show", "latest", "--json", *options).stdout)
    assert [row["input"] for row in shown["measurements"]] == [FOUND[n][0] for n in inputs]
    assert shown["run"]["state"] == "interrupted"


def test_show_raw_gives_the_lines_as_they_are(root: Path) -> None:
    lines = run(root, "show", "latest", "--raw", "--verdict", "blocked").stdout_bytes.splitlines()
    assert [json.loads(line)["x_gatewatch_item"] for line in lines] == ["web-0", "web-2"]
    assert "\u202e".encode() in lines[1]


def test_a_verdict_without_a_method_is_shown_in_its_one_word(tmp_path: Path) -> None:
    folder = create(tmp_path, {"probes": ["throttle"], "items": [{"id": "t-0", "probe": "throttle"}]}, ABOUT)
    verdict = {"status": "tampered", "layer": "throttled", "method": None, "label": "tampered(throttled)"}
    record = {
        "input": "https://slow.org/",
        "test_name": "throttle",
        "x_gatewatch_item": "t-0",
        "x_gatewatch_target": {"category": "NEWS", "risk": "low"},
        "x_gatewatch_verdict": verdict,
    }
    folder.append("t-0", json.dumps(record).encode() + b"\n")
    folder.close("done")
    shown = run(tmp_path, "show", "latest").stdout
    assert "throttled  1" in shown and "None" not in shown
    assert "https://slow.org/" in run(tmp_path, "show", "latest", "--verdict", "throttled", "--json").stdout


def test_which_run(root: Path) -> None:
    path = next(path for path in root.iterdir() if path.is_dir())
    for name in (path.name, path.name[:12], str(path)):
        assert json.loads(run(root, "show", name, "--json").stdout)["run"]["id"] == path.name
    for name in ("1999", "\x1b[31m", str(root), "./none"):
        result = run(root, "show", name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "\x1b" not in result.stderr
    (root / (path.name + "x")).mkdir()
    (root / (path.name + "x") / "plan.json").write_text("{}")
    assert "2 runs begin with" in run(root, "show", path.name[:12]).stderr


def test_the_latest_of_no_runs(tmp_path: Path) -> None:
    for command in ("show", "summary", "delete"):
        result = run(tmp_path, command, "latest")
        assert result.exit_code == 2 and "no runs yet" in result.stderr and "gatewatch run" in result.stderr


def named(root: Path, when: datetime, probe: str = "web") -> str:
    plan = {"probes": [probe], "items": [{"id": "web-0", "probe": probe}]}
    folder = create(root, plan, ABOUT, wall=lambda: when)
    folder.close("done")
    return folder.id


def test_the_latest_is_no_run_of_a_clock_that_was_ahead(root: Path) -> None:
    now = datetime.now(UTC)
    older = next(path.name for path in root.iterdir() if path.is_dir())
    ahead = [named(root, now + timedelta(days=days)) for days in (3, 9000)]
    for command in ("show", "summary"):
        shown = run(root, command, "latest", "--json")
        assert older in shown.stdout and not any(name in shown.stdout for name in ahead)
        assert all(f"{name} is from the future" in shown.stderr for name in ahead)
    # Within a day it is a matter of zones and drift, and nothing is said.
    nearly = named(root, now + timedelta(hours=23))
    shown = run(root, "show", "latest", "--json")
    assert json.loads(shown.stdout)["run"]["id"] == nearly
    # By its own name each is found, and nothing is said.
    shown = run(root, "show", ahead[1], "--json")
    assert (json.loads(shown.stdout)["run"]["id"], shown.stderr) == (ahead[1], "")


def test_where_all_runs_are_of_the_future_the_newest_is_the_latest(tmp_path: Path) -> None:
    first, last = (named(tmp_path, datetime(year, 1, 1, tzinfo=UTC)) for year in (2090, 2091))
    shown = run(tmp_path, "show", "latest", "--json")
    assert json.loads(shown.stdout)["run"]["id"] == last
    assert f"{first} is from the future" in shown.stderr and f"{last} is from the future" in shown.stderr


def test_a_terminal_gets_a_table_without_markup(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.cli.results._terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    shown = run(root, "show", "latest").stdout
    assert "https://a.example/\\x1b[31m\\u202ered" in shown
    raw = run(root, "show", "latest", "--raw").stdout
    assert raw.isascii()


def test_the_module_loads_nothing_but_click() -> None:
    heavy = {"rich", "trio", "requests", "scapy", "gatewatch.store", "gatewatch_targets"}
    code = f"import sys, gatewatch.cli.results; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "[]\n"


def test_delete_asks_and_deletes_everything(root: Path) -> None:
    (folder,) = (path for path in root.iterdir() if path.is_dir())
    (folder / "evidence").mkdir()
    (folder / "evidence" / "001-tls.pcap").write_bytes(b"x")
    kept = CliRunner(env={"GATEWATCH_RESULTS": str(root)}).invoke(results, ["delete", "latest"], input="2\n")
    assert kept.exit_code == 1
    assert folder.exists()
    done = run(root, "delete", folder.name, "--yes")
    assert done.exit_code == 0 and done.stdout.endswith("Looked again: nothing of it is left.\n")
    assert not folder.exists()
    assert run(root, "delete", "latest", "--yes").exit_code == 2


def test_a_run_that_goes_on_is_not_deleted(root: Path) -> None:
    from gatewatch.store import lock

    with lock(root):
        assert run(root, "delete", "latest", "--yes").exit_code == 75
    assert any(path.is_dir() for path in root.iterdir())
