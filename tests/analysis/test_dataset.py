import json
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tests.analysis.runs import PREFIXES, trace, web, write_lines, write_run

from gatewatch.records import dumps
from gatewatch.store import Locked, lock
from gatewatch_analysis.dataset import (
    DamagedDataset,
    build,
    commit,
    cutting,
    is_dataset,
    manifest,
    merge,
    overview,
    read_table,
    tables,
)
from gatewatch_analysis.dataset.layout import CUT, MANIFEST, TABLES
from gatewatch_analysis.loading import NoDataset, load
from gatewatch_analysis.loading.observations import load_observations, stream
from gatewatch_analysis.loading.wanted import Wanted
from gatewatch_analysis.tables.arrow import schema

QUERY = {"engine": "udp", "hostname": "a.com", "answers": [{"answer_type": "A", "ipv4": "1.2.3.4"}]}


def line(target: str, cc: str = "KH", day: int = 1, **about: Any) -> bytes:
    made = {
        "test_name": "dnscheck",
        "test_keys": {"queries": [QUERY, QUERY]},
        "input": target,
        "report_id": "r1",
        "probe_cc": cc,
        "probe_asn": "AS38623",
        "probe_network_name": "Viettel",
        "measurement_start_time": f"2024-05-{day:02d} 10:00:00",
    }
    return json.dumps({**made, **about}).encode() + b"\n"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset; the lock has no content of its own."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if name != ".lock"}


def sources(folder: Path, count: int = 4) -> list[Path]:
    """Files of some countries and days, with a line in common between neighbours."""
    files = []
    for n in range(count):
        lines = [line(f"t{n}-{i}", ("KH", "TH")[i % 2], 1 + (n + i) % 2) for i in range(20)]
        lines += [line(f"t{n + 1}-0", "KH", 1 + (n + 1) % 2), b"broken\n"]
        files.append(write_lines(folder / f"{n}.jsonl.gz", lines))
    return files


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    order = [c for c in ("file", "line", "run", "start", "input", "measurement", "trace", "ttl") if c in one]
    left, right = (
        f.astype(object).sort_values(order, ignore_index=True, kind="stable") for f in (one, other)
    )
    pd.testing.assert_frame_equal(left, right)


def test_a_dataset_gives_what_its_files_give(tmp_path: Path) -> None:
    path = [("36.37.128.1", 1.0), (None, None)]
    run = write_run(
        tmp_path / "in" / "r1",
        [web("http://a.com/", "ok"), trace("1.1.1.1", path), trace("8.8.8.8", path)],
        lab={"scenario": "x"},
        prefixes=PREFIXES,
    )
    other = write_lines(
        tmp_path / "in" / "x.jsonl",
        [
            dumps(web("http://a.com/", "dns.nxdomain", name="Old name", start="2019-01-01 00:00:00")),
            dumps(web("http://b.com/", "ok", name="New name")),
            dumps(trace("9.9.9.9", path, name="")),
            line("t", measurement_start_time=None),
            b"broken\n",
        ],
    )
    built = build(tmp_path / "out", [tmp_path / "in"], processes=1)
    assert (len(built.added), built.measurements, built.aside) == (2, 7, 1)
    assert built.failed == {} and is_dataset(tmp_path / "out")
    straight, derived = load([run, other]), load([tmp_path / "out"])
    for table in ("measurements", "loci", "contrasts", "problems"):
        same(getattr(derived, table), getattr(straight, table))
    same(derived.hops.drop(columns="trace"), straight.hops.drop(columns="trace"))
    assert sorted(derived.hops["trace"].unique()) == [0, 1, 2]
    assert derived.hops.groupby("trace")["destination"].nunique().eq(1).all()
    assert [p.read_text() for p in derived.prefixes] == [PREFIXES]
    same(read_table(tmp_path / "out", "observations"), load_observations([run, other]).observations)
    for name, documented in TABLES.items():
        kinds = read_table(tmp_path / "out", name).dtypes.astype(str).to_dict()
        assert kinds == {k: c.dtype for k, c in documented.columns().items()}, name


def test_observations_of_a_dataset_and_of_files_load_together(tmp_path: Path) -> None:
    first, second = sources(tmp_path / "in", 2)
    build(tmp_path / "out", [first], processes=1)
    wanted = Wanted(frozenset({"KH"}), date(2024, 5, 1))
    about: dict[str, Any] = {"wanted": wanted, "kinds": ["answer"], "columns": ["input", "address"]}
    straight = load_observations([first], **about)
    derived = load_observations([tmp_path / "out"], **about)
    pd.testing.assert_frame_equal(derived.observations.astype(object), straight.observations.astype(object))
    assert derived.measurements == straight.measurements == 11
    both = load_observations([tmp_path / "out", second], **about)
    assert both.measurements == 22 and len(both.observations) == 44
    assert load_observations([tmp_path / "out"], wanted=wanted, kinds=["hop"]).observations.empty
    told: list[Any] = []
    assert sum(t.num_rows for t in stream([tmp_path / "out"], told.append, wanted)) == 22


def test_datasets_and_files_load_together(tmp_path: Path) -> None:
    path = [("36.37.128.1", 1.0)]
    build(tmp_path / "out", [write_run(tmp_path / "r1", [trace("1.1.1.1", path)])], processes=1)
    both = load([tmp_path / "out", write_run(tmp_path / "r2", [trace("8.8.8.8", path)])])
    assert both.measurements["run"].tolist() == ["r2", "r1"]
    assert both.hops[["trace", "destination"]].values.tolist() == [[0, "8.8.8.8"], [1, "1.1.1.1"]]


def test_other_programs_read_it_as_they_read_any_hive_dataset(tmp_path: Path) -> None:
    build(tmp_path / "out", sources(tmp_path / "in", 3), processes=1)
    hive = ds.dataset(tmp_path / "out" / "observations", partitioning="hive")
    assert {"probe_cc", "date", *schema(CUT["observations"]).names} == set(hive.schema.names)
    chosen = hive.to_table(filter=(ds.field("probe_cc") == "TH") & (ds.field("date") == "2024-05-02"))
    assert set(chosen["country"].to_pylist()) == {"TH"}
    assert {str(day.date()) for day in chosen["start"].to_pylist()} == {"2024-05-02"}
    file = next((tmp_path / "out" / "observations").rglob("*.parquet"))
    columns = pq.ParquetFile(file).metadata.row_group(0)
    encodings = {
        columns.column(i).path_in_schema: columns.column(i).encodings for i in range(columns.num_columns)
    }
    assert "RLE_DICTIONARY" in encodings["hostname"] and "RLE_DICTIONARY" in encodings["failure"]


def test_only_the_files_of_the_countries_and_days_wanted_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "out", sources(tmp_path / "in", 3), processes=1)
    wanted = Wanted(frozenset({"KH"}), date(2024, 5, 2), date(2024, 5, 2))
    for other in list((tmp_path / "out").rglob("*.parquet")):
        if "probe_cc=KH/date=2024-05-02" not in str(other) and "problems" not in str(other):
            other.write_bytes(b"not to be opened")
    data = load([tmp_path / "out"], wanted=wanted).measurements
    assert set(data["country"]) == {"KH"} and set(data["start"].dt.day) == {2} and len(data) == 11
    seen = read_table(tmp_path / "out", "observations", wanted, columns=["address", "kind"])
    assert list(seen.columns) == ["address", "kind"] and len(seen) == 22
    with pytest.raises(DamagedDataset, match=r"observations/.*parquet"):
        read_table(tmp_path / "out", "observations")


def test_a_second_build_of_the_same_adds_nothing(tmp_path: Path) -> None:
    files = sources(tmp_path / "in")
    first = build(tmp_path / "out", files, processes=1)
    # Each file's last measurement is the next one's first.
    assert (first.measurements, first.copies) == (81, 3)
    before = tree(tmp_path / "out")
    again = build(tmp_path / "out", [*files, write_lines(tmp_path / "other.jsonl.gz", [])], processes=2)
    assert again.known == [str(f) for f in files] and len(again.added) == 1
    after = tree(tmp_path / "out")
    assert {k for k in after if k != MANIFEST} == {k for k in before if k != MANIFEST}
    renamed = (tmp_path / "in" / "0.jsonl.gz").rename(tmp_path / "in" / "renamed.jsonl.gz")
    assert build(tmp_path / "out", [renamed]).known == [str(renamed)]


def test_a_file_that_grew_adds_what_is_new(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [line("a"), b"broken\n"])
    build(tmp_path / "out", [file])
    write_lines(file, [line("a"), b"broken\n", line("b"), line("b")])
    built = build(tmp_path / "out", [file])
    assert (built.measurements, built.copies) == (1, 2)
    data = load([tmp_path / "out"])
    assert sorted(data.measurements["input"]) == ["a", "b"] and data.problems["line"].tolist() == [2]
    assert len(read_table(tmp_path / "out", "observations")) == 4


def test_killed_between_files_and_manifest_it_clears_up_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each source by itself, so that its files have the same names whatever is read before.
    monkeypatch.setattr(sys.modules["gatewatch_analysis.dataset.build"], "_MOST_SOURCES", 1)
    files = sources(tmp_path / "in")
    build(tmp_path / "whole", files, processes=1)
    build(tmp_path / "out", files[:2], processes=1)

    class Dies(BaseException):
        pass

    def die(*about: Any) -> None:
        raise Dies

    with monkeypatch.context() as patch:
        patch.setattr(commit, "save", die)
        with pytest.raises(Dies):
            build(tmp_path / "out", files, processes=1)
    left = set(tree(tmp_path / "out")) - set(tree(tmp_path / "whole"))
    assert left == set(), "sources are named by their content, so that orphans have the names of what follows"
    assert len(read_table(tmp_path / "out", "measurements")) == overview(tmp_path / "out").measurements == 41
    built = build(tmp_path / "out", files, processes=1)
    assert len(built.added) == 2 and tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_kill_9_at_any_moment_and_again_gives_the_same(tmp_path: Path) -> None:
    files = sources(tmp_path / "in", 3)
    build(tmp_path / "whole", files, processes=1)
    # Says when it is at a source, and is killed there.
    script = (
        "import os, signal, sys\n"
        "from gatewatch_analysis.dataset import build, commit\n"
        "commit._SECONDS = 0.0\n"
        "left = int(sys.argv[2])\n"
        "def progress(name, of):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left == 0:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "build(sys.argv[1], sys.argv[3:], processes=1, progress=progress)\n"
    )
    for moment in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", script, tmp_path / "out", str(moment), *files], check=False
        )
        assert done.returncode == -signal.SIGKILL
    assert len(read_table(tmp_path / "out", "measurements")) > 0
    build(tmp_path / "out", files, processes=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_two_cannot_build_at_once(tmp_path: Path) -> None:
    with lock(tmp_path / "out"), pytest.raises(Locked):
        build(tmp_path / "out", sources(tmp_path / "in", 1))


def test_merging_leaves_copies_out_and_counts_them(tmp_path: Path) -> None:
    one, two, three, four = sources(tmp_path / "in", 4)
    build(tmp_path / "a", [one, two], processes=1)
    build(tmp_path / "b", [two, three, four], processes=1)
    merged = merge(tmp_path / "c", [tmp_path / "a", tmp_path / "b"])
    build(tmp_path / "whole", [one, two, three, four], processes=1)
    # Three within sources that were read together, and all 21 of the source that both have.
    assert merged.known == [str(two)] and overview(tmp_path / "c").copies == 3 + 21
    for name in ("measurements", "observations", "problems"):
        same(read_table(tmp_path / "c", name), read_table(tmp_path / "whole", name))
    assert merge(tmp_path / "c", [tmp_path / "b"]).added == []
    with pytest.raises(NoDataset, match="no dataset"):
        merge(tmp_path / "c", [tmp_path / "in"])


def test_an_older_build_is_read_and_merged_into_the_columns_of_today(tmp_path: Path) -> None:
    build(tmp_path / "old", [write_lines(tmp_path / "x.jsonl", [line("a")])], processes=1)
    (file,) = (tmp_path / "old" / "measurements").rglob("*.parquet")
    older = pq.ParquetFile(file).read().drop_columns(["rule", "confidence"])
    pq.write_table(older.append_column("gone", pa.array([1])), file)
    merge(tmp_path / "new", [tmp_path / "old"])
    for place in ("old", "new"):
        [row] = read_table(tmp_path / place, "measurements").to_dict("records")
        assert row["input"] == "a" and pd.isna(row["rule"]) and "gone" not in row


def test_what_is_in_it(tmp_path: Path) -> None:
    build(tmp_path / "out", sources(tmp_path / "in", 2), processes=1)
    seen = overview(tmp_path / "out")
    assert (seen.sources, seen.measurements, seen.copies, seen.aside) == (2, 41, 1, 2)
    assert seen.rows == {"measurements": 41, "observations": 82, "problems": 2}
    assert {
        code: (c.measurements, c.observations, c.first, c.last, c.days) for code, c in seen.countries.items()
    } == {
        "KH": (21, 42, "2024-05-01", "2024-05-02", 2),
        "TH": (20, 40, "2024-05-01", "2024-05-02", 2),
    }
    assert seen.missing == () and sum(seen.bytes.values()) > 0
    gone = next((tmp_path / "out" / "measurements").rglob("*.parquet"))
    gone.unlink()
    assert overview(tmp_path / "out").missing == (str(gone.relative_to(tmp_path / "out")),)
    with pytest.raises(DamagedDataset, match="1 files are missing"):
        build(tmp_path / "out", [])


def test_a_place_by_url(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    files = sources(tmp_path / "in", 2)
    build("memory://observe/out", files, processes=1)
    build(tmp_path / "whole", files, processes=1)
    for name in ("measurements", "observations", "problems"):
        same(read_table("memory://observe/out", name), read_table(tmp_path / "whole", name))
    assert build("memory://observe/out", files).known == [str(f) for f in files]
    merge(tmp_path / "back", ["memory://observe/out"])
    assert {k: v for k, v in tree(tmp_path / "back").items() if k != MANIFEST} == {
        k: v for k, v in tree(tmp_path / "whole").items() if k != MANIFEST
    }
    same(load(["memory://observe/out"]).measurements, load(files).measurements.drop_duplicates("measurement"))


@pytest.mark.parametrize("cc", ["../../x", "kh", "", "K/", "\ud800", "ZZZZ"])
def test_no_country_leads_out_of_the_dataset(tmp_path: Path, cc: str) -> None:
    build(
        tmp_path / "out",
        [write_lines(tmp_path / "x.jsonl", [line("a", cc), line("b", "TH", 2)])],
        processes=1,
    )
    found = {
        str(p.relative_to(tmp_path / "out" / "measurements").parent)
        for p in tmp_path.rglob("meas*/**/*.parquet")
    }
    assert found == {"probe_cc=ZZ/date=2024-05-01", "probe_cc=TH/date=2024-05-02"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-30],
        lambda text: text.replace("gatewatch dataset", "other"),
        lambda text: text.replace("measurements/probe_cc=KH", "measurements/../probe_cc=KH", 1),
        lambda text: text.replace("date=2024-05-01", "date=2024-05-99"),
        lambda text: text.replace('"version": 1', '"version": 99'),
        lambda text: "[" * 5_000,
    ],
)
def test_a_damaged_manifest_is_told(tmp_path: Path, spoil: Any) -> None:
    build(tmp_path / "out", [write_lines(tmp_path / "x.jsonl", [line("a")])], processes=1)
    file = tmp_path / "out" / MANIFEST
    file.write_text(spoil(file.read_text()))
    with pytest.raises(DamagedDataset):
        read_table(tmp_path / "out", "measurements")


def test_many_countries_and_days_take_few_files_and_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "_MOST_OPEN", 4)
    monkeypatch.setattr(cutting, "_MOST_WAITING", 30_000)
    monkeypatch.setattr(cutting, "_GROUP", 10_000)
    monkeypatch.setattr("gatewatch_analysis.loading.observations.observe.MOST_HELD", 30)
    lines = [line(f"{n}", ("KH", "TH", "NP")[n % 3], 1 + n % 4) for n in range(120)]
    build(tmp_path / "out", [write_lines(tmp_path / "x.jsonl", lines)], processes=1)
    same(read_table(tmp_path / "out", "measurements"), load([tmp_path / "x.jsonl"]).measurements)
    sizes = [t.num_rows for t in tables(tmp_path / "out", "observations")]
    assert sum(sizes) == 240 and len(sizes) > 12


def test_a_source_that_cannot_be_opened_is_told_and_the_rest_is_built(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "in" / "a.jsonl", [line("a")])
    (tmp_path / "in" / "b.jsonl").symlink_to(tmp_path / "nowhere")
    built = build(tmp_path / "out", [tmp_path / "in"], processes=1)
    assert built.added == [str(good)] and "FileNotFoundError" in "".join(built.failed.values())


def test_the_dataset_itself_is_no_source(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [line("a")])
    build(tmp_path / "out", [tmp_path], processes=1)
    assert build(tmp_path / "out", [tmp_path], processes=1).known == [str(file)]
    assert (
        msgspec.json.decode((tmp_path / "out" / MANIFEST).read_bytes(), type=manifest.Manifest).version == 1
    )
    assert not (tmp_path / "out" / "_unfinished").exists()
