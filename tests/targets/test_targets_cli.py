from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatewatch.cli.targets import targets
from gatewatch.update import Installed, Shelf
from gatewatch_targets import load


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(targets, arguments, input=stdin)


def test_list() -> None:
    result = run("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2] == "kh: 55 targets (17 low, 36 medium, 2 high), 13 of them controls"
    assert lines[3].startswith("  NEWS 24  CTRL 13  HUMR 11  POLR 3")
    first = json.loads(run("list", "--json").stdout)["lists"][1]
    assert (first["name"], first["targets"], first["controls"]) == ("kh", 55, 13)
    assert first["risk"] == {"low": 17, "medium": 36, "high": 2}


def test_show() -> None:
    result = run("show", "kh", "--category", "polr", "--category", "HATE", "--risk", "high")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{'https://8kun.top/':<48} HATE  high   blocked      "
        "Image board on the list of forged answers in 2024: a known positive\n"
    )


def test_show_json() -> None:
    shown = json.loads(run("show", "np", "--json").stdout)["targets"]
    assert [row["url"] for row in shown] == [target.url for target in load("np")]
    assert shown[0]["countries"] == ["NP"]


def test_show_refuses_what_it_does_not_know() -> None:
    result = run("show", "cambodia")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: cambodia: no such file, and no built-in list (these are global, kh, my, np, th, apps, tibet, "
        "uyghur, taiwan, south, china)\n"
    )
    result = run("show", "kh", "--category", "NWES")
    assert result.exit_code == 2
    assert "'NWES' is not one of ALDR, REL," in result.stderr


def test_check(tmp_path: Path) -> None:
    clean, mixed, empty = tmp_path / "clean.txt", tmp_path / "mixed.csv", tmp_path / "empty.txt"
    clean.write_text("a.example\na.example\n")
    mixed.write_text("url,category,risk\na.example,NEWS,mid\nb.example,NEWS,low\n")
    empty.write_text("# nothing\n")
    assert run("check", str(clean)).exit_code == 0
    result = run("check", str(clean), str(mixed))
    assert result.exit_code == 1
    assert result.stdout == (
        f"{clean}: 1 targets, 0 errors, 1 notes\n{mixed}: 1 targets, 1 errors, 0 notes\n"
    )
    assert result.stderr == (
        f"{clean}:2: url: stands on line 1 already (note)\n"
        f"{mixed}:2: risk: 'mid' is not one of low, medium, high\n"
    )
    assert run("check", str(empty), str(clean)).exit_code == 2
    assert run("check", str(tmp_path / "none")).stderr == f"{tmp_path}/none: No such file or directory\n"
    report = json.loads(run("check", "--json", str(mixed)).stdout)["files"]
    assert report == [
        {
            "file": str(mixed),
            "targets": 1,
            "problems": [
                {
                    "file": str(mixed),
                    "line": 2,
                    "field": "risk",
                    "text": "'mid' is not one of low, medium, high",
                    "severity": "error",
                }
            ],
        }
    ]


def test_nothing_from_a_file_reaches_the_terminal_raw(tmp_path: Path) -> None:
    hostile = tmp_path / "a\x1b[2J.csv"
    hostile.write_text("url,category,why\na.example,NEWS,\u202edrowssap\nb.example,\x1b]0;x\x07,\n")
    for command in ("show", "check"):
        result = run(command, str(hostile))
        assert result.exit_code == 1
        assert not set("\x1b\x07\u202e") & set(result.stdout + result.stderr)
    assert r"\u202edrowssap" in run("show", str(hostile)).stdout


def test_standard_input() -> None:
    result = run("show", "-", stdin=b"example.org\n")
    assert result.stdout == f"{'https://example.org/':<48} MISC  medium unknown\n"


def test_the_commands_load_no_data_before_they_run() -> None:
    code = "import sys, gatewatch.cli.targets; sys.exit('gatewatch_targets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cables() -> None:
    result = run("cables", "--country", "kh", "--on", "2025-06-20")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\naae-1: Asia-Africa-Europe-1 (submarine, 25,000 km; in service on 2025-06-20)\n" in result.stdout
    assert "HyalRoute [CN, stake of Kuang-Chi]" in result.stdout
    assert "landed by: Cambodia Fiber Optic Communication Network [KH, under HyalRoute CN" in result.stdout
    assert "  Chinese owned: yes; built: no; operated: yes\n" in result.stdout
    assert "  cut from 2025-06-13 on, its end is not told (high; " in result.stdout
    assert "smw4" not in result.stdout
    record = json.loads(run("cables", "--country", "KH", "--on", "2025-06-20", "--json").stdout)
    assert record["on"] == "2025-06-20"
    first = record["cables"][0]
    assert (first["id"], first["works"], first["chinese_owned"]["value"]) == ("mct", True, False)
    assert first["builders"][0]["source"] == "mct-award article19"


def test_cables_of_a_fetched_list(tmp_path: Path) -> None:
    point = {"id": "x", "lat": 1.5, "lon": 103.5}
    good = {
        "id": "new",
        "name": "New\u202eCable",
        "rfs": "2027",
        "is_planned": True,
        "owners": "Acme, China Mobile",
        "landing_points": [
            {**point, "name": "Mersing, Malaysia", "country": "Malaysia"},
            {**point, "name": "Tuas, Singapore", "country": "Singapore"},
        ],
    }
    file = tmp_path / "all.json"
    file.write_text(json.dumps([good, {**good, "id": "bad", "length": "long"}]))
    result = run("cables", "--file", str(file), "--country", "SG")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        """all.json: bad.length: 'long' is not a length such as "1,300 km\"""",
        "1 cables read, 1 entries put aside",
    ]
    assert "new: New\\u202eCable (submarine; not in service on " in result.stdout
    assert "owned by: Acme [?], China Mobile [CN]" in result.stdout
    counted = run("cables", "--file", str(file), "--pair", "my-sg").stdout
    assert counted.splitlines()[1].split() == ["MY-SG", "1", "1", "0"]
    assert json.loads(run("cables", "--pair", "KH-HK", "--json").stdout)["pairs"] == [
        {"first": "KH", "second": "HK", "cables": 2, "chinese_owner": 1, "hmn_built": 0}
    ]


def test_cables_of_the_list_that_update_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    monkeypatch.setattr("gatewatch.update.shelf.data_folder", lambda: tmp_path)
    result = run("cables", "--fetched")
    assert result.exit_code == 2
    assert "no list was fetched: gatewatch update cables-live" in result.stderr
    landing = {"id": "x", "name": "Tuas, Singapore", "country": "Singapore", "lat": None, "lon": None}
    content = json.dumps([{"id": "one", "name": "One", "rfs": "2020 May", "landing_points": [landing]}])
    texts = dict.fromkeys(("title", "kind", "version", "licence", "attribution", "source"), "x")
    about = Installed(
        **texts,
        name="cables-live",
        date="2026-11-24T08:00:00Z",
        fetched="2026-11-24T08:00:00Z",
        dated_by="x",
        file="",
        sha256="",
        bytes=0,
        entries=1,
    )
    shelf.put(about, content.encode(), ".json")
    result = run("cables", "--fetched")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  in service 2020-05 (medium; cables-live@2026-11-24)\n" in result.stdout
    assert run("cables", "--fetched", "--file", str(tmp_path)).exit_code == 2


def test_cables_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    for arguments, error in (
        (("--country", "XX"), "no cable here lands in XX"),
        (("--pair", "KHHK"), "'KHHK' is not a pair of countries such as KH-HK"),
        (("--on", "June"), "'June' is not a day such as 2025-06-13"),
    ):
        result = run("cables", *arguments)
        assert (result.exit_code, error in result.stderr) == (2, True), result.stderr
    empty = tmp_path / "empty.json"
    empty.write_text("")
    result = run("cables", "--file", str(empty))
    assert result.exit_code == 2
    assert "empty.json: is not JSON" in result.stderr
