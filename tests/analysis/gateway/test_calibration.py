"""The calibration's file: what the code reads is what stands there, and it can be fitted anew."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest
from benchmarks import gateway as benchmark
from benchmarks.gateway import __main__ as refit
from benchmarks.gateway import fit
from tests.analysis.gateway.seeing import EMPTY, seeing

from gatewatch_analysis.gateway.calibration import CLASSES, FILE, HALF, calibration, parse
from gatewatch_analysis.gateway.likelihood import Bins, Groups, Shares
from gatewatch_analysis.gateway.seen import EXITS
from gatewatch_analysis.gateway.weigh import posterior, weights

TEXT = (files("gatewatch_analysis.gateway") / FILE).read_text("utf-8")


def test_every_piece_has_its_counts_for_every_class() -> None:
    known = calibration()
    assert set(known.pieces) == set(fit.PIECES)
    for name, piece in known.pieces.items():
        assert tuple(piece.table["categories"]) == fit.PIECES[name][2]
        assert set(piece.models) == set(CLASSES)
        assert 0 < piece.temper <= 1
    assert sum(known.prior.values()) == pytest.approx(1.0)


def test_it_says_how_it_was_made_and_of_which_countries() -> None:
    made = calibration().made
    assert made["command"].startswith("python -m benchmarks.gateway --refit")
    first, last = map(int, made["seeds"].split(" to "))
    assert made["countries"] == made["of_each_class"] * len(CLASSES) == (last - first + 1) * len(CLASSES)
    assert first == refit.FIRST
    # None of them is among those that the benchmark weighs.
    weighed = [range(benchmark.FIRST, benchmark.COUNT), range(benchmark.FIRST_FEW, benchmark.FIRST_FEW + 100)]
    assert not any(seed in range(first, last + 1) for seeds in weighed for seed in seeds)


def test_each_country_is_counted_once_at_most() -> None:
    known = calibration()
    many = known.made["of_each_class"]
    for name in ("interference", "places", "resolver or path", "exits", "carriers", "orders"):
        assert all(row["seen"] <= many for kind, row in known.pieces[name].table.items() if kind in CLASSES)
    assert {known.pieces["interference"].table[kind]["seen"] for kind in CLASSES} == {many}


def test_the_code_reads_what_stands_there() -> None:
    known = parse(TEXT)
    row = known.pieces["exits"].table["gateway"]
    model = known.pieces["exits"].models["gateway"]
    assert isinstance(model, Bins)
    whole = sum(row["counts"]) + 2 * HALF
    assert model.chances == {
        name: pytest.approx((count + HALF) / whole) for name, count in zip(EXITS, row["counts"], strict=True)
    }
    shares = known.pieces["places"].models["gateway"]
    assert isinstance(shares, Shares)
    table = known.pieces["places"].table["gateway"]
    assert sum(shares.alphas.values()) == pytest.approx(table["concentration"])


def test_other_counts_make_another_posterior() -> None:
    what = replace(EMPTY, exits="one for all")
    before = posterior(calibration().prior, weights(calibration(), what))
    section = TEXT.index('[piece."exits"]')
    spoilt = '"gateway" = { seen = 10, counts = [10, 0] }'
    changed = re.sub(r'"gateway" = \{[^\n]*', spoilt, TEXT[section:], count=1)
    other = parse(TEXT[:section] + changed)
    after = posterior(other.prior, weights(other, what))
    assert before["gateway"] < 0.1 < after["gateway"]


@pytest.mark.parametrize("spoilt", ["counts = [1, 2, 3]", "counts = [1]"])
def test_a_file_that_lacks_something_is_refused(spoilt: str) -> None:
    section = TEXT.index('[piece."exits"]')
    text = TEXT[:section] + re.sub(r"counts = \[[^]]*\]", spoilt, TEXT[section:], count=1)
    with pytest.raises(ValueError, match="counts for 2 categories"):
        parse(text)


def drawn(kind: str, number: int) -> fit.Labelled:
    """A few countries, each class with habits of its own."""
    place = {"gateway": "shared at home", "upstream": "abroad"}.get(kind, "inside")
    groups = Groups((1,) * 6) if kind == "ordered" else Groups((6 - number % 2, *[1] * (number % 2)))
    hit = (0, 7) if kind == "none" else (7, 0)
    exits = "one for all" if kind == "not identifiable" else "several"
    what = seeing(hit=hit, exits=exits, mechanisms=groups, places={place: 5.0 - number % 2, "inside": 1.0})
    return next(c for c in CLASSES if c == kind), what


def test_it_can_be_fitted_anew() -> None:
    worlds = [drawn(kind, number) for number in range(10) for kind in CLASSES]
    known = parse(fit.fit(worlds, {"command": "here", "countries": len(worlds)}))
    assert known.made["countries"] == 60
    for kind, what in worlds:
        after = posterior(known.prior, weights(known, what))
        assert max(after, key=lambda c: after[c]) == kind or kind == "central"


def test_what_was_counted_is_written() -> None:
    rows = fit.counted([drawn("gateway", n) for n in range(4)])
    text = fit.write(rows, dict.fromkeys(fit.GROUPS_OF, 1.0), {})
    row = parse(text).pieces["places"].table["gateway"]
    # 5, 4, 5, 4 at a shared node, and one inside each time.
    assert row["counts"] == [4, 0, 0, 18, 0, 0, 0] and row["seen"] == 4


def test_few_pairs_are_learnt_from_all_countries() -> None:
    assert (fit.three((3,)), fit.three((2, 1)), fit.three((1,) * 9)) == (1.0, 0.0, 0.0)
    # Of four of five alike, any three of them: 4 of 10.
    assert fit.three((4, 1)) == 0.4
