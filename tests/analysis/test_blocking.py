from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.analysis.runs import measurement, web, write_run

from gatewatch.records import Measurement
from gatewatch_analysis.blocking import DISAGREE, by_category, by_isp, by_layer, everywhere_down, matrix
from gatewatch_analysis.loading import load
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import ByCategory, ByIsp, ByLayer, Dead, Table, Verdicts

SITE = "http://site.com/"
NAMES = {1: "One", 2: "Two", 3: "Three"}


def measured(tmp_path: Path, *measurements: Measurement) -> pd.DataFrame:
    return load([write_run(tmp_path / "run", measurements, isp=None)]).measurements


def on(
    asn: int, label: str, target: str = SITE, *, confidence: float = 0.8, category: str = "NEWS"
) -> Measurement:
    return web(target, label, confidence=confidence, asn=asn, name=NAMES[asn], category=category)


def test_repeats_become_one_verdict(tmp_path: Path) -> None:
    frame = measured(
        tmp_path,
        on(1, "tls.reset", confidence=0.9),
        on(1, "tls.reset", confidence=0.7),
        on(1, "tls.timeout", confidence=1.0),
        on(1, "ok"),
        *[on(1, "inconclusive")] * 5,
    )
    [cell] = matrix(frame).to_dict("records")
    assert (cell["label"], cell["status"], cell["layer"], cell["method"]) == (
        "blocked(tls.reset)",
        "blocked",
        "tls",
        "reset",
    )
    assert (cell["repeats"], cell["agree"]) == (9, 2)
    assert cell["confidence"] == pytest.approx(0.8)
    assert (cell["category"], cell["host"], cell["dead"]) == ("NEWS", "site.com", False)


def test_repeats_that_contradict_decide_nothing(tmp_path: Path) -> None:
    [cell] = matrix(measured(tmp_path, on(1, "ok"), on(1, "tls.reset"))).to_dict("records")
    assert (cell["label"], cell["status"], cell["agree"]) == (DISAGREE, "inconclusive", 0)
    assert pd.isna(cell["layer"])
    assert pd.isna(cell["confidence"])


def test_another_test_of_the_same_target_is_no_repeat(tmp_path: Path) -> None:
    app = replace(on(1, "tcp.timeout"), test_name="telegram")
    found = matrix(measured(tmp_path, on(1, "ok"), app)).set_index("input")["label"].to_dict()
    assert found == {SITE: "ok", f"{SITE} [telegram]": "blocked(tcp.timeout)"}


def test_inconclusive_stands_where_nothing_else_does(tmp_path: Path) -> None:
    [cell] = matrix(measured(tmp_path, on(1, "inconclusive"), on(1, "inconclusive"))).to_dict("records")
    assert (cell["label"], cell["agree"]) == ("inconclusive", 2)


def test_by_isp_counts_targets_with_an_interval(tmp_path: Path) -> None:
    labels = [
        "tls.reset",
        "dns.bogon",
        "dns.bogon",
        "ok",
        "ok",
        "tampered",
        "server_side",
        "down",
        "inconclusive",
    ]
    frame = measured(
        tmp_path,
        *[on(1, label, f"http://{i}.com/") for i, label in enumerate(labels)],
        on(1, "tls.reset", "http://0.com/"),
        on(2, "down", "http://7.com/x"),
    )
    one, two = by_isp(frame).to_dict("records")
    low, high = wilson(3, 7)
    assert one == {
        "country": "KH",
        "isp": "One",
        "asn": 1,
        "lab": False,
        "decided": 7,
        "blocked": 3,
        "share": pytest.approx(3 / 7),
        "low": low,
        "high": high,
        "measurements": 10,
        "measured": 9,
        "ok": 2,
        "tampered": 1,
        "down": 1,
        "server_side": 1,
        "inconclusive": 1,
    }
    # Where nothing is decided nothing is known: no share, and an interval of everything.
    assert (two["decided"], two["low"], two["high"], pd.isna(two["share"])) == (0, 0.0, 1.0, True)


def test_by_layer_orders_the_methods_of_each_isp(tmp_path: Path) -> None:
    frame = measured(
        tmp_path,
        on(1, "tls.reset", "http://a.com/"),
        on(1, "dns.bogon", "http://b.com/"),
        on(1, "dns.bogon", "http://c.com/"),
        on(1, "dns.bogon", "http://d.com/"),
        on(2, "http.blockpage", "http://a.com/"),
        on(2, "ok", "http://b.com/"),
    )
    rows = by_layer(frame)[["isp", "layer", "method", "targets", "share"]].values.tolist()
    assert rows == [
        ["One", "dns", "bogon", 3, 0.75],
        ["One", "tls", "reset", 1, 0.25],
        ["Two", "http", "blockpage", 1, 1.0],
    ]


def test_by_category(tmp_path: Path) -> None:
    frame = measured(
        tmp_path,
        on(1, "tls.reset", "http://a.com/"),
        on(1, "ok", "http://b.com/"),
        on(1, "inconclusive", "http://c.com/"),
        on(1, "ok", "http://d.com/", category="GMB"),
        measurement(
            "web_connectivity", "http://e.com/", asn=1, name="One", category=None, verdict={"status": "ok"}
        ),
    )
    rows = by_category(frame)[["category", "measured", "decided", "blocked", "share"]].values.tolist()
    assert rows == [["GMB", 1, 1, 0, 0.0], ["NEWS", 3, 2, 1, 0.5], ["none", 1, 1, 0, 0.0]]


@pytest.mark.parametrize(
    ("labels", "dead"),
    [
        (["down", "down", "down"], True),
        (["down", "tcp.timeout"], True),  # the control found it up once; nobody else did
        (["down", "inconclusive"], True),
        (["down", "dns.nxdomain", "tcp.timeout"], False),  # more say blocked than down
        (["down", "ok", "down"], False),
        (["down", "server_side"], False),
        (["down", "dns.bogon"], False),  # a dead site sends no lies
        (["tcp.timeout", "tcp.timeout"], False),  # the control reached it: blocked on every ISP
        (["inconclusive", "inconclusive"], False),
        (["down"], False),  # one ISP is not everywhere
    ],
)
def test_dead_everywhere_is_not_censored(tmp_path: Path, labels: list[str], dead: bool) -> None:
    frame = measured(tmp_path, *[on(asn, label) for asn, label in enumerate(labels, 1)])
    assert everywhere_down(frame)["input"].tolist() == ([SITE] if dead else [])
    cells = matrix(frame)
    assert set(cells["dead"]) == {dead}
    blocked = 0 if dead else sum("." in label for label in labels)
    assert by_isp(cells)["blocked"].sum() == blocked
    assert by_category(cells)["blocked"].sum() == blocked
    assert by_layer(cells)["targets"].sum() == blocked


def test_the_lab_is_never_mixed_with_the_real_thing(tmp_path: Path) -> None:
    real = write_run(tmp_path / "real", [on(1, "tcp.timeout")], isp=None)
    lab = write_run(tmp_path / "lab", [on(1, "down"), on(2, "down")], isp=None, lab={"scenario": "small"})
    cells = matrix(load([real, lab]).measurements)
    assert cells[["lab", "isp", "dead"]].values.tolist() == [
        [False, "One", False],
        [True, "One", True],
        [True, "Two", True],
    ]


@pytest.mark.parametrize("empty", [True, False])
def test_columns_are_those_documented(tmp_path: Path, empty: bool) -> None:
    frame = measured(tmp_path, *([] if empty else [on(1, "tls.reset"), on(2, "down")]))
    tables: list[tuple[type[Table], pd.DataFrame]] = [
        (Verdicts, matrix(frame)),
        (Dead, everywhere_down(frame)),
        (ByIsp, by_isp(frame)),
        (ByLayer, by_layer(frame)),
        (ByCategory, by_category(frame)),
    ]
    for table, got in tables:
        types = {str(name): str(kind) for name, kind in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}, table
