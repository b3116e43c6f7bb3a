import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from tests.analysis.runs import measurement, trace, web, write_lines, write_run

from gatewatch.records import HopReply, MplsLabel, TraceKeys, dumps, encode
from gatewatch_analysis.blocking import matrix
from gatewatch_analysis.loading import NoDataset, blocks, load
from gatewatch_analysis.tables import Hops, Measurements, Problems, Table

OONI = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"
A, B = "http://a.com/", "https://b.com:8443/path"


def types_of(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def documented(table: type[Table]) -> dict[str, str]:
    return {name: column.dtype for name, column in table.columns().items()}


def reasons(problems: pd.DataFrame) -> list[tuple[int, str, bool]]:
    return [(int(p["line"]), str(p["reason"]), bool(p["kept"])) for _, p in problems.iterrows()]


@pytest.mark.parametrize("full", [True, False])
def test_columns_are_those_documented(tmp_path: Path, full: bool) -> None:
    lines = [dumps(web(A, "ok")), dumps(trace("1.1.1.1", [("36.37.128.1", 1.0)])), b"damaged\n"]
    data = load([write_lines(tmp_path / "x.jsonl", lines if full else [])])
    assert [len(data.measurements), len(data.hops), len(data.problems)] == ([2, 1, 1] if full else [0, 0, 0])
    assert types_of(data.measurements) == documented(Measurements)
    assert types_of(data.hops) == documented(Hops)
    assert types_of(data.problems) == documented(Problems)


def test_every_column_of_a_measurement(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run-1", [web(B, "tls.reset")], lab={"scenario": "kh-2024"})
    [row] = load([run]).measurements.to_dict("records")
    assert isinstance(row.pop("measurement"), int)
    assert row == {
        "country": "KH",
        "isp": "Metfone",
        "asn": 38623,
        "lab": True,
        "run": "run-1",
        "test_name": "web_connectivity",
        "input": B,
        "host": "b.com",
        "category": "NEWS",
        "start": pd.Timestamp("2024-05-01 12:00:00", tz="UTC"),
        "runtime_s": 1.5,
        "status": "blocked",
        "layer": "tls",
        "method": "reset",
        "label": "blocked(tls.reset)",
        "rule": "tls.reset.test",
        "confidence": 0.8,
    }


def test_hops_keep_silence_and_number_the_traces(tmp_path: Path) -> None:
    path = [("192.168.1.1", 0.5), (None, None), ("1.1.1.1", 9.25)]
    data = load(
        [write_run(tmp_path / "r", [trace("1.1.1.1", path), trace("8.8.8.8", path[:2], reached=False)])]
    )
    hops = data.hops
    assert list(zip(hops["trace"], hops["ttl"], strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]
    assert hops["address"].isna().tolist() == [False, True, False, False, True]
    assert hops["rtt_ms"].iloc[2] == 9.25
    assert hops["reached"].tolist() == [True, True, True, False, False]
    # A trace is measured, and nothing judges it.
    assert data.measurements["status"].isna().all()


def test_a_hop_keeps_what_tells_of_tunnels_places_and_repeats(tmp_path: Path) -> None:
    labels = (MplsLabel(label=24015, ttl=1), MplsLabel(label=16, bottom=True, ttl=3))
    name = "ae1.sin01.example.net"
    reply = HopReply(
        ttl=4, address="63.218.0.1", rtt=9.0, reply_ttl=250, quoted_ttl=2, labels=labels, name=name
    )
    keys = TraceKeys(
        protocol="udp", destination="1.1.1.1", source_port=None, destination_port=33434, reached=False,
        replies=(reply, HopReply(ttl=5, address=None)),
    )  # fmt: skip
    hops = load([write_run(tmp_path / "r", [measurement("trace", "1.1.1.1", encode(keys))])]).hops
    kept = ["flow", "reply_ttl", "quoted_ttl", "labels", "name"]
    assert hops[kept].iloc[0].tolist() == ["udp - 33434", 250, 2, "24015,16", name]
    assert hops[kept[1:]].iloc[1].isna().all()
    assert hops["start"].eq(pd.Timestamp("2024-05-01 12:00:00", tz="UTC")).all()


def test_all_ways_to_name_a_run_give_the_same(tmp_path: Path) -> None:
    write_run(tmp_path / "all" / "one", [web(A, "ok")])
    write_run(tmp_path / "all" / "two", [web(B, "ok")], compressed=True)
    whole = load([tmp_path / "all"])
    assert whole.measurements["run"].tolist() == ["one", "two"]
    files = [tmp_path / "all/one/measurements.jsonl", tmp_path / "all/two/measurements.jsonl.gz"]
    pd.testing.assert_frame_equal(load(files).measurements, whole.measurements)
    # Named twice, read once.
    again = [tmp_path / "all", tmp_path / "all/../all/one", *files]
    pd.testing.assert_frame_equal(load(again).measurements, whole.measurements)


def test_an_unfinished_run_loads_without_its_run_file(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [web(A, "ok")])
    (run / "run.json").unlink()
    data = load([run])
    assert data.measurements["isp"].tolist() == ["Viettel"]
    assert reasons(data.problems) == [
        (0, "is missing: the network's name is taken from the measurements", True)
    ]


def test_a_network_goes_by_its_last_name_in_files_of_others(tmp_path: Path) -> None:
    lines = [
        dumps(web(A, "ok", name="New Name", start="2024-05-02 00:00:00")),
        dumps(web(A, "ok", name="OLD NAME Co. Ltd.", start="2019-05-01 00:00:00")),
        dumps(web(A, "ok", name="", asn=45498)),
    ]
    data = load([write_lines(tmp_path / "x.jsonl", lines)])
    assert data.measurements["isp"].tolist() == ["New Name", "New Name", "AS45498"]


def test_malformed_lines_are_counted_and_set_aside(tmp_path: Path) -> None:
    good = dumps(web(A, "ok"))
    no_time = good.replace(b"2024-05-01 12:00:00", b"yesterday")
    lines = [
        good,
        b'{"test_name": "web_connectivity", "test_ke\n',
        b"\x00\x00\x00\n",
        b"[1, 2]\n",
        b'{"input": "x"}\n',
        b"[" * 100_000 + b"\n",
        b"\n",
        no_time,
        dumps(measurement("web_connectivity", A, verdict={"status": "great"})),
        dumps(measurement("trace", A, {"destination": "1.1.1.1"})),
    ]
    data = load([write_lines(tmp_path / "x.jsonl", lines)])
    assert len(data.measurements) == 4
    found = reasons(data.problems)
    assert [(line, kept) for line, _, kept in found] == [
        (2, False),
        (3, False),
        (4, False),
        (5, False),
        (6, False),
        (8, True),
        (9, True),
        (10, True),
    ]
    assert found[2][1] == "not a measurement: [1, 2] is no Measurement"
    assert found[3][1] == "not a measurement: it has no test_name or no test_keys"
    assert found[4][1] == "not a measurement: nested too deeply"
    assert found[5][1] == "$.measurement_start_time: no time"
    assert pd.isna(data.measurements["start"].iloc[1])
    assert set(data.problems["file"]) == {str(tmp_path / "x.jsonl")}


def test_a_trace_that_says_why_it_has_no_way_is_no_trouble(tmp_path: Path) -> None:
    """A name that nobody had an address for: so our own probe writes it."""
    given = dumps(measurement("trace", A, {"failure": "dns_no_answer", "queries": []}))
    silent = dumps(measurement("trace", A, {"failure": None}))
    data = load([write_lines(tmp_path / "x.jsonl", [given, silent])])
    assert len(data.measurements) == 2
    assert data.hops.empty
    assert [line for line, _, _ in reasons(data.problems)] == [2]


def test_numbers_and_letters_that_no_column_can_hold(tmp_path: Path) -> None:
    line = dumps(web("http://a.com/", "ok"))
    odd = (
        line.replace(b'"test_runtime":1.5', b'"test_runtime":1e999')
        .replace(b'"AS38623"', b'"AS99999999999999999999"')
        .replace(b'"Viettel"', b'"\\ud800 \\u001b[2J"')
    )
    hop = dumps(trace("1.1.1.1", [("36.37.128.1", 1.0)])).replace(
        b'"icmp_type":11', b'"icmp_type":%d' % 10**30
    )
    data = load([write_lines(tmp_path / "x.jsonl", [odd, hop])])
    assert data.measurements["asn"].tolist() == [0, 38623]
    assert data.measurements["isp"].tolist() == ["? \x1b[2J", "Viettel"]
    assert pd.isna(data.measurements["runtime_s"].iloc[0])
    assert pd.isna(data.hops["icmp_type"].iloc[0])


def test_a_line_beyond_all_measure_is_stepped_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_LINE", 5_000)
    lines = [dumps(web(A, "ok")), b'"' + b"x" * 20_000 + b'"\n', dumps(web(B, "ok"))]
    data = load([write_lines(tmp_path / "x.jsonl.gz", lines)])
    assert data.measurements["input"].tolist() == [A, B]
    assert reasons(data.problems) == [(2, "more than 5000 bytes", False)]


def test_a_compressed_file_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    lines = [dumps(web(f"http://{i}.com/", "ok")) for i in range(3)]
    whole = gzip.compress(b"".join(lines), compresslevel=0)
    (tmp_path / "x.jsonl.gz").write_bytes(whole[: len(lines[0]) + 300])
    data = load([tmp_path / "x.jsonl.gz"])
    assert data.measurements["host"].tolist() == ["0.com"]
    [(line, reason, kept)] = reasons(data.problems)
    assert (line, kept) == (2, False)
    assert reason.startswith("reading ends here: EOFError")


def test_chunks_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch_analysis.loading.measured.columns.CHUNK", 2)
    data = load([write_run(tmp_path / "r", [web(f"http://{i}.com/", "ok") for i in range(5)])])
    assert data.measurements["host"].tolist() == [f"{i}.com" for i in range(5)]
    assert types_of(data.measurements) == documented(Measurements)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"vantage": 7, "lab": null}', "[" * 100_000])
def test_a_damaged_run_file_stops_nothing(tmp_path: Path, content: str) -> None:
    run = write_run(tmp_path / "r", [web(A, "ok")])
    (run / "run.json").write_text(content)
    assert load([run]).measurements[["isp", "lab"]].values.tolist() == [["Viettel", False]]


def test_paths_that_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NoDataset, match="does not exist"):
        load([tmp_path / "nowhere"])
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(NoDataset, match=r"x\.csv is no run folder"):
        load([tmp_path / "x.csv"])


@pytest.mark.parametrize(
    ("name", "status", "layer"),
    [("successWithHTTPS", "ok", None), ("dnsBlockingNXDOMAIN", "blocked", "dns")],
)
def test_oonis_own_files_are_judged(name: str, status: str, layer: str | None) -> None:
    file = OONI / f"{name}.json"
    if not file.exists():
        pytest.skip(f"OONI's test measurements not present: {file}")
    data = load([file])
    assert data.problems.empty
    [row] = data.measurements.to_dict("records")
    source = json.loads(file.read_text())
    assert (row["run"], row["isp"], row["asn"]) == (name, "Consortium GARR", 137)
    assert (row["country"], row["lab"], row["input"]) == ("IT", False, source["input"])
    assert row["start"] == pd.Timestamp(source["measurement_start_time"], tz="UTC")
    assert row["status"] == status
    assert pd.isna(row["layer"]) if layer is None else row["layer"] == layer


def test_traceroutes_of_ripe_atlas_and_scamper_are_hops_too(tmp_path: Path) -> None:
    from gatewatch.records import HopReply, TraceKeys
    from gatewatch.records.atlas import measurement as wrapped
    from gatewatch.records.atlas import to_atlas
    from gatewatch.records.scamper import to_scamper

    keys = TraceKeys(
        protocol="udp",
        destination="104.17.0.2",
        source_port=50000,
        destination_port=33434,
        reached=True,
        replies=(
            HopReply(ttl=1, address="36.37.128.7", rtt=1.0, icmp_type=11, icmp_code=0),
            HopReply(ttl=2, address=None),
            HopReply(ttl=3, address="104.17.0.2", rtt=9.0, icmp_type=3, icmp_code=3),
            # Another flow's way: not to be mixed with the first one's.
            HopReply(ttl=2, address="63.218.0.9", rtt=5.0, icmp_type=11, icmp_code=0, flow=1),
        ),
        stop="reached",
    )
    m = wrapped(keys, 1_714_564_800, "example.com", 1.0, "gatewatch")
    file = tmp_path / "traces.jsonl"
    rows = [to_atlas(m, keys), to_scamper(m, keys), {"type": "traceroute", "dst_addr": "?"}]
    lines = [dumps(m).decode().strip(), *(json.dumps(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    found = load([file])
    assert found.hops["trace"].nunique() == 3
    for _, hops in found.hops.groupby("trace"):
        assert hops["ttl"].tolist() == [1, 2, 3]
        assert hops["address"].fillna("").tolist() == ["36.37.128.7", "", "104.17.0.2"]
        assert set(hops["destination"]) == {"104.17.0.2"}
    (problem,) = found.problems["reason"]
    assert "no traceroute result that can be read" in problem


def test_a_run_whose_clock_was_wrong_is_told(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [web("http://a.com/", "ok")])
    about = json.loads((run / "run.json").read_text())
    for seconds, told in ((-86400, 1), (12.5, 0), (None, 0), ("x", 0)):
        (run / "run.json").write_text(json.dumps(about | {"clock_offset_s": seconds}))
        assert len(load([run]).problems) == told
    (run / "run.json").write_text(json.dumps(about | {"clock_offset_s": -86400}))
    problem = load([run]).problems.iloc[0]
    assert problem["reason"] == "the clock was -24.0 hours off, and dates what is in it"


def test_a_measurement_that_is_read_twice_has_one_vote(tmp_path: Path) -> None:
    site = "https://www.rfa.org/"
    runs = [
        write_run(tmp_path / name, [web(site, label, start=f"2024-05-0{day} 12:00:00")])
        for day, (name, label) in enumerate([("a", "ok"), ("b", "ok"), ("c", "tls.reset")], 1)
    ]
    path = [("36.37.130.14", 1.0), (None, None), (None, None), ("63.218.10.5", 30.0)]
    traced = write_run(tmp_path / "t", [trace("104.16.1.1", path), trace("104.16.1.2", path)])
    copied = [shutil.copytree(run, tmp_path / f"copy {n}") for n, run in enumerate([runs[2]] * 2 + [traced])]
    once, found = load([*runs, traced]), load([*runs, traced, *copied])
    assert len(once.measurements) == 5 and len(once.hops) == 8
    # The interference was seen in one of three measurements, whoever sent that one again.
    assert (
        matrix(found.measurements)["label"].tolist() == matrix(once.measurements)["label"].tolist() == ["ok"]
    )
    pd.testing.assert_frame_equal(found.hops, once.hops)
    assert found.measurements["measurement"].tolist() == once.measurements["measurement"].tolist()
