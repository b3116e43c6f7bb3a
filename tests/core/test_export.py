"""`gatewatch results export`: OONI's lines, rows for spreadsheets, Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds import spool
from tests.worlds.commands import here

from gatewatch import cli
from gatewatch.records import loads
from gatewatch.store import create, read, sheet

BAD = '=HYPERLINK("http://x.example","y")'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_ooni_lines_are_what_a_collector_would_get(root: Path) -> None:
    old, new = sorted([spool.run(root, 2), spool.run(root, 3)])
    done = here("results", "export", "--ooni", new.name)
    lines = done.stdout.splitlines()
    assert (done.exit_code, len(lines), done.stdout.isascii()) == (0, len(spool.uids(new)), True)
    assert [json.loads(line)["annotations"]["gatewatch_uid"] for line in lines] == spool.uids(new)
    for line, stored in zip(lines, read(new), strict=True):
        record, problems = loads(line.encode())
        assert record.test_name == "web_connectivity" and not [p for p in problems if p.message != "missing"]
        again, about = json.loads(line), json.loads(stored.decode("utf-8", "surrogatepass"))
        del again["annotations"], about["annotations"]
        assert again == about
    every = here("results", "export", "--ooni", "--all").stdout.splitlines()
    assert [json.loads(line)["annotations"]["gatewatch_uid"] for line in every] == spool.uids(old, new)


def test_a_file_takes_its_place_when_it_is_whole(root: Path, tmp_path: Path) -> None:
    path = spool.run(root, 4, tests=("trace", "web_connectivity"))
    plain, packed = tmp_path / "x.jsonl", tmp_path / "x.jsonl.gz"
    for out in (plain, packed):
        done = here("results", "export", "--ooni", "--test", "trace", "-o", str(out))
        assert (done.exit_code, done.stdout) == (0, "")
        assert done.stderr == f"2 measurements of 1 runs: {out}\n"
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert [json.loads(line)["test_name"] for line in plain.read_text().splitlines()] == ["trace"] * 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs", "x.jsonl", "x.jsonl.gz"]
    done = here("results", "export", "--csv", "-o", str(tmp_path / "no" / "x.csv"))
    assert done.exit_code == 1 and "No such file" in done.stderr and path.exists()


def test_rows_for_a_spreadsheet(root: Path) -> None:
    path = spool.run(root, 2)
    done = here("results", "export", "--csv")
    found = rows(done.stdout)
    assert list(found[0]) == list(sheet.COLUMNS)
    assert [row["uid"] for row in found] == spool.uids(path)
    first = found[0]
    assert (first["country"], first["asn"], first["verdict"]) == ("KH", "AS38623", "ok")
    assert (first["runtime_s"], first["status"]) == ("1.25", "") and first["input"].endswith("/ស")


def test_no_cell_is_carried_out(root: Path) -> None:
    with create(root, {"items": []}, {"lab": None}) as folder:
        for number, text in enumerate(
            (BAD, "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1", "a\nb", "\x1b[31m", "\u202egpj")
        ):
            line = json.loads(spool.line(f"i{number}").decode("utf-8", "surrogatepass"))
            line["input"] = line["probe_network_name"] = text
            folder.append(f"i{number}", json.dumps(line).encode() + b"\n")
    for row in rows(here("results", "export", "--csv").stdout):
        for value in (row["input"], row["network"]):
            assert not re.match(r"\s*[=+\-@|%＝＋－＠]", value)
            assert value.isprintable()


@settings(deadline=None, database=None)
@given(st.text())
def test_a_cell_is_never_a_formula_nor_more_than_a_line(text: str) -> None:
    found = sheet.cell(text)
    assert not found.lstrip().startswith(sheet._FORMULA) and "\n" not in found and "\r" not in found
    out = io.StringIO()
    csv.writer(out).writerow([found])
    assert next(csv.reader(io.StringIO(out.getvalue()))) == [found] or not found
    found.encode("utf-8")


def test_the_page_on_results_has_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    assert [name for name, text in sheet.COLUMNS.items() if f"| `{name}` | {text} |" not in page] == []


def test_numbers_stay_numbers() -> None:
    assert [sheet.cell(value) for value in (-1.5, 3, None, True)] == [-1.5, 3, "", "true"]


def test_parquet_by_the_analysis(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (the extra analysis)")
    import gatewatch_analysis as gw

    runs = [spool.run(root, 2), spool.run(root, 3)]
    for expected in (5, 0):
        # A second export adds nothing.
        done = here("results", "export", "--parquet", "--all", "-o", str(tmp_path / "set"))
        assert (done.exit_code, done.stderr) == (
            0,
            f"{expected} measurements of 2 runs: {tmp_path / 'set'}\n",
        )
    assert len(gw.load([tmp_path / "set"]).measurements) == sum(len(spool.uids(path)) for path in runs)
    assert here("results", "export", "--parquet", "--all").exit_code == cli.USAGE


def test_a_dataset_keeps_one_of_what_arrived_twice(root: Path, tmp_path: Path) -> None:
    """As a collector that knows of no uids publishes it: a line came twice, in a report of its own each."""
    pytest.importorskip("pandas", reason="pandas is not installed (the extra analysis)")
    import gatewatch_analysis as gw
    from gatewatch_analysis.dataset import build

    spool.run(root, 3)
    lines = [json.loads(line) for line in here("results", "export", "--ooni").stdout.splitlines()]
    published = [{**line, "report_id": f"r{n}"} for n, line in enumerate([*lines, lines[1]])]
    (tmp_path / "published.jsonl").write_text("".join(json.dumps(line) + "\n" for line in published))
    build(tmp_path / "set", [tmp_path / "published.jsonl"])
    assert len(gw.load([tmp_path / "set"]).measurements) == 3


def test_csv_and_ooni_need_no_pandas(root: Path) -> None:
    spool.run(root, 1)
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['pyarrow'] = None\n"
        "from gatewatch.cli import main; main(['results', 'export', sys.argv[1]])"
    )
    for form, size in (("--csv", 2), ("--ooni", 1)):
        out = subprocess.run(
            [sys.executable, "-c", code, form], capture_output=True, text=True, check=True
        ).stdout
        assert len(out.splitlines()) == size
    done = subprocess.run(
        [sys.executable, "-c", code.replace("sys.argv[1]", "'--parquet', '-o', 'x'")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == cli.USAGE and "gatewatch[analysis]" in done.stderr


def test_what_cannot_be_meant(root: Path) -> None:
    spool.run(root, 1)
    assert "say how" in here("results", "export").stderr
    assert here("results", "export", "--csv", "--all", "latest").exit_code == cli.USAGE
    assert here("results", "export", "--csv", "nothing").exit_code == cli.USAGE
