"""Loading over several processes and pieces gives what one process gives; deaths and bad lines are told."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.analysis.ooni_lines import cases, generated
from tests.analysis.runs import trace, web, write_lines, write_run

from gatewatch.records import dumps
from gatewatch_analysis.loading import Dataset, blocks, files, load
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.loading.stores import Store


def assert_same(one: Dataset, other: Dataset) -> None:
    for name in ("measurements", "hops", "loci", "contrasts", "problems"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def mixed(first: int = 0) -> list[bytes]:
    """Measurements of others and of ours, traces, blank lines and bad ones; no two the same."""
    path = [("192.168.1.1", 0.5), ("1.1.1.1", 9.25)]
    ours: list[bytes] = []
    for n in range(first, first + 30):
        two = web("http://a.com/", "ok"), trace("1.1.1.1", path)
        ours += [*(dumps(replace(m, id=f"{n} {m.test_name}")) for m in two), b"\n", b"damaged\n"]
    return [line for group in zip(generated()[first : first + 120], ours, strict=True) for line in group]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_lines(folder / "a.jsonl", mixed())
    write_lines(folder / "b.jsonl.gz", mixed(200)[:40])
    write_run(folder / "run", [web("http://b.com/", "tls.reset"), trace("8.8.8.8", [("8.8.8.8", 1.0)])])
    return folder


def test_readers_import_nothing_from_where_they_are_started(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = load([place], processes=1)
    for name in ("pickle", "struct", "zlib"):
        (tmp_path / f"{name}.py").write_text("open('sprung', 'w').close()\nraise SystemExit(99)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "pieces", lambda sources: blocks.pieces(sources, 100_000))
    assert_same(load([place], processes=2), alone)
    assert not (tmp_path / "sprung").exists()


def test_over_processes_and_pieces(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = load([place], processes=1)
    assert len(alone.problems) == 35
    assert alone.problems["line"].iloc[0] == 8
    assert alone.hops["trace"].nunique() == 36
    monkeypatch.setattr(files, "pieces", lambda sources: blocks.pieces(sources, 100_000))
    assert_same(load([place], processes=1), alone)
    assert_same(load([place], processes=2), alone)


def test_networks_are_called_as_they_were_last_whichever_piece_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [("B", "2024-05-02"), ("A", "2024-05-01"), ("C", "2024-05-02"), ("", "2024-05-03")]
    lines = [dumps(web("http://a.com/", "ok", name=name, start=f"{day} 00:00:00")) for name, day in names]
    file = write_lines(tmp_path / "x.jsonl", lines)
    monkeypatch.setattr(files, "pieces", lambda sources: blocks.pieces(sources, 500))
    assert load([file], processes=1).measurements["isp"].unique().tolist() == ["C"]


@pytest.mark.parametrize("processes", [1, 2])
def test_bad_lines_are_put_aside(place: Path, tmp_path: Path, processes: int) -> None:
    data = load([place], aside=tmp_path / "aside", processes=processes)
    written = sorted((tmp_path / "aside").iterdir())
    assert len(written) == 2
    assert sum(len(file.read_bytes().splitlines()) for file in written) == len(data.problems)
    assert {line for file in written for line in file.read_bytes().splitlines()} == {b"damaged"}


def test_nothing_bad_nothing_aside(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", generated()[:5])
    load([file], aside=tmp_path / "aside")
    assert list((tmp_path / "aside").iterdir()) == []


class Deadly(Source):
    """A file that kills who reads it."""

    def store(self) -> Store:
        os._exit(3)


def test_a_process_that_dies_is_a_row_of_the_problems(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Source(str(place / "b.jsonl.gz"), "b")
    monkeypatch.setattr(files, "find", lambda *_: [Deadly("deadly.jsonl", "d"), good])
    data = load([place], processes=2)
    assert len(data.measurements) == 30
    died = data.problems.iloc[0]
    assert (died["file"], died["line"], died["kept"]) == ("deadly.jsonl", 0, False)
    assert died["reason"] == (
        "is not read from byte 0 to its end: the process that read it ended (with code 3)"
    )


def test_a_tenth_damaged_loads_the_rest_and_says_what_was_wrong(tmp_path: Path) -> None:
    lines = [line if n % 10 else line[: len(line) // 3] + b"\n" for n, line in enumerate(generated())]
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    data = load([tmp_path / "x.jsonl.gz"])
    assert len(data.measurements) == 360
    assert data.problems["line"].tolist() == list(range(1, 401, 10))
    assert data.problems["reason"].str.startswith("not a measurement: ").all()


def test_all_of_oonis_files_load() -> None:
    if not cases():
        pytest.skip("OONI's acceptance cases are not present")
    data = load(cases())
    assert len(data.measurements) == 39
    assert data.measurements["status"].notna().all()
    # The table of the cases lies beside them.
    assert {Path(file).name for file in data.problems["file"]} == {"cases.json"}
