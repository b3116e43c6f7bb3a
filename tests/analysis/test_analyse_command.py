import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.analysis.runs import PREFIXES, trace, web, write_run

from gatewatch.cli.analyse.everything import everything


def run_in(folder: Path) -> Path:
    path = [("36.37.130.14", 3.5), ("63.218.10.5", 12.0)]
    return write_run(
        folder, [web("https://a.com/", "tls.reset"), trace("104.16.1.1", path)], prefixes=PREFIXES
    )


def test_text_and_json(tmp_path: Path) -> None:
    run = run_in(tmp_path / "r")
    text = CliRunner().invoke(everything, [str(run)])
    assert (text.exit_code, text.stderr) == (0, "")
    assert "Blocking by ISP" in text.stdout
    answer = CliRunner().invoke(everything, [str(run), "--json"])
    assert answer.exit_code == 0
    [verdict] = json.loads(answer.stdout)["verdicts"]
    assert verdict["label"] == "blocked(tls.reset)"


def test_prefixes_option(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("prefix,asn,country,name\n")
    answer = CliRunner().invoke(
        everything, [str(run_in(tmp_path / "r")), "--prefixes", str(tmp_path / "p.csv"), "--json"]
    )
    assert json.loads(answer.stdout)["borders"][0]["state"] == "cannot tell"


def test_damaged_lines_are_told_on_stderr(tmp_path: Path) -> None:
    run = run_in(tmp_path / "r")
    with (run / "measurements.jsonl").open("a") as stream:
        stream.write('{"half": \n')
    got = CliRunner().invoke(everything, [str(run), "--json"])
    assert got.exit_code == 0
    assert got.stderr.startswith(
        "Lines that could not be read as they should: 1, of which set aside: 1; the first: "
    )
    assert len(json.loads(got.stdout)["problems"]) == 1


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("nowhere", 2, "does not exist"),
        ("notes.txt", 2, "is no run folder"),
        ("empty", 1, "No measurements found."),
    ],
)
def test_what_cannot_be_analysed(tmp_path: Path, name: str, code: int, said: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    got = CliRunner().invoke(everything, [str(tmp_path / name)])
    assert (got.exit_code, got.stdout) == (code, "")
    assert said in got.stderr


def test_without_pandas_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "gatewatch_analysis"]:
        monkeypatch.delitem(sys.modules, name)
    # None there makes the import fail as it does where pandas is not installed.
    monkeypatch.setitem(sys.modules, "pandas", None)
    got = CliRunner().invoke(everything, [str(tmp_path)])
    assert (got.exit_code, got.stdout) == (2, "")
    assert got.stderr == "Analysing needs pandas: install it with pip install 'gatewatch[analysis]'.\n"


def test_the_command_loads_nothing_but_click() -> None:
    code = (
        "import sys, gatewatch.cli.analyse.everything; "
        "sys.exit(any(m in sys.modules for m in ('pandas', 'gatewatch_analysis', 'gatewatch.records')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
