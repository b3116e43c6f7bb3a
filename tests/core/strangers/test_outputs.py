"""What strangers wrote, in what we write: cells of tables, the report, notebooks, traces, files, logs."""

from __future__ import annotations

import base64
import csv
import dataclasses
import html
import io
import json
import re
from pathlib import Path

import pytest
from tests.worlds import marker, strangers
from tests.worlds.browser import visit
from tests.worlds.commands import fell, here
from tests.worlds.marker import PAYLOADS, WORD

from gatewatch.cli import trace_show
from gatewatch.records import TraceKeys

pytest.importorskip("pandas", reason="pandas is not installed: the analysis prints nothing")

# How files that we write are called.
TAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,99}|\.[a-z]+")


def test_whoever_looks_finds_it() -> None:
    """Each payload does what it is there for wherever it is put as it is."""
    from rich.text import Text

    def harm(text: str) -> bool:
        row = io.StringIO()
        csv.writer(row).writerow((text, "x"))
        return bool(
            marker.steers(text)
            or marker.computes(row.getvalue())
            or marker.runs(f"<p>{text}</p>")
            or marker.runs(f'<p title="{text}">')
            or Text.from_markup(text.replace("[/nothing]", "")).plain != text
            or not TAME.fullmatch(text)
        )

    assert [text for text in PAYLOADS if not harm(text)] == []
    assert not harm(WORD) and marker.steers_json('{"a": 1}\n') == []
    assert (
        marker.steers_json('{"a": "\x1b"}\n') and marker.steers_json('{"a": 1\n') and marker.computes("=1,\n")
    )
    kinds = {"steers": marker.steers, "computes": marker.computes, "runs": marker.runs}
    counts = {name: sum(bool(kind(text)) for text in PAYLOADS) for name, kind in kinds.items()}
    assert counts["steers"] > 12 and counts["computes"] > 12 and counts["runs"] >= 3, counts


def test_tables_of_cells_compute_nothing(world: strangers.World) -> None:
    got = here("results", "export", "--csv", "--all", "--root", str(world.runs))
    assert fell(got) == [] and got.stdout.count(WORD) > 100
    assert marker.computes(got.stdout) + marker.steers(got.stderr) == []
    got = here("results", "export", "--ooni", "--all", "--root", str(world.runs))
    assert fell(got) == [] and marker.steers_json(got.stdout) == [] and got.stdout.count(WORD) > 1000


@pytest.fixture(scope="module")
def page(world: strangers.World) -> Path:
    """The report on everything that strangers wrote."""
    out = world.folder / "page.html"
    got = here("report", str(world.runs), str(world.others), str(world.country), "-o", str(out))
    assert fell(got) == [] and got.exit_code == 0, got.output
    return out


def test_a_page_runs_and_loads_nothing(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count(WORD) > 20 and marker.runs(text) == []
    # The page is one line.
    assert marker.steers(html.unescape(text), len(text)) == []
    packed = re.findall(r"text/csv;[^,]*base64,([A-Za-z0-9+/=]*)", text)
    files = [base64.b64decode(found).decode() for found in packed]
    assert len(files) > 5 and any(WORD in file for file in files)
    assert [marker.computes(file)[:3] for file in files] == [[]] * len(files)
    # And in a browser, which reads pages in its own way.
    (tmp_path / "empty.html").write_text("<!DOCTYPE html><title>-</title>", encoding="utf-8")
    shown, nothing = visit(page, tmp_path), visit(tmp_path / "empty.html", tmp_path)
    assert (shown.asked - nothing.asked, shown.console) == (frozenset(), ())
    assert re.search("<title>[^<]*</title>", shown.dom) and "<title>owned" not in shown.dom


def test_tables_in_a_notebook_are_text(world: strangers.World) -> None:
    import pandas as pd

    import gatewatch_analysis as gw

    data = gw.load([str(world.runs), str(world.others), str(world.country)])
    tables = (getattr(data, field.name) for field in dataclasses.fields(data))
    frames = [each for each in tables if isinstance(each, pd.DataFrame)]
    assert len(frames) >= 3
    with pd.option_context("display.max_rows", None, "display.max_columns", None):
        reprs = [str(frame.head(400)._repr_html_()) for frame in frames]  # type: ignore[operator]
    assert sum(text.count(WORD) for text in reprs) > 100
    assert [marker.runs(re.sub(" border=.1. class=.dataframe.", "", text)) for text in reprs] == [[]] * len(
        reprs
    )


def test_a_trace_as_it_is_shown() -> None:
    for turn in range(len(PAYLOADS)):
        keys = marker.Marker(turn).record(TraceKeys)
        whole = [dataclasses.replace(keys, failure=None), dataclasses.replace(keys, failure=PAYLOADS[turn])]
        for each in whole:
            shown = "\n".join(trace_show.lines(PAYLOADS[turn], each, None, 1e9, 1.0))
            # An address comes from the kernel: how long it is, is no question.
            assert marker.steers(shown, len(shown)) == []
        kept = dataclasses.replace(
            keys,
            destination="36.37.128.9",
            failure=PAYLOADS[turn],
            replies=(dataclasses.replace(keys.replies[0], address="36.37.1.1"),),
        )
        for form in ("json", "atlas", "scamper"):
            out = trace_show.lines(PAYLOADS[turn], kept, form, 1e9, 1.0)
            assert [json.loads(line) for line in out] and not any("\n" in line for line in out)


def test_files_stay_where_they_belong_and_are_called_as_we_call_them(world: strangers.World) -> None:
    for words in (
        ("dataset", "build", "kept.dataset", str(world.runs), str(world.others)),
        ("results", "export", "--parquet", "--all", "-o", "kept.export", "--root", str(world.runs)),
        ("results", "upload", "--upload-config", "kept.toml", "--root", str(world.runs)),
    ):
        (world.folder / "kept.stick").mkdir(exist_ok=True)
        config = f'[stick]\nkind = "store"\nurl = "file://{world.folder}/kept.stick"\nlab = true\n'
        (world.folder / "kept.toml").write_text(config)
        assert fell(here(*words)) == []
    kept = [path for top in world.folder.glob("kept.*") for path in top.rglob("*")]
    ours = [path for path in world.runs.rglob("*") if path.is_file()]
    assert len(kept) > 10 and sum(path.suffix == ".parquet" for path in kept) > 4
    assert any("kept.stick" in path.parts and path.is_file() for path in kept)
    for path in kept + ours:
        names = path.relative_to(world.folder).parts
        assert all(TAME.fullmatch(name) for name in names), path
    above = [*world.folder.parents]
    assert [p for folder in above for p in folder.iterdir() if WORD in p.name] == []


def test_logs_and_status_name_nothing_from_the_wire(world: strangers.World) -> None:
    log = (world.runs / "unattended.log").read_text(encoding="utf-8")
    status = (world.runs / "status.json").read_text(encoding="utf-8")
    assert log and WORD not in log and marker.steers_json(log) == []
    assert status and WORD not in status and marker.steers(status) == []
