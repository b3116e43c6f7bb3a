"""Who is affected against whose carrier it is."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.analysis.gateway.frames import borders, link, loci, locus, measurements, records, verdicts

from gatewatch_analysis.gateway.node import places
from gatewatch_analysis.gateway.upstream import affected, carriers, fisher

INDIA, OTHER = ("182.79.1.1", 9498), ("80.1.1.1", 6453)


def test_interference_follows_a_carrier() -> None:
    links = borders(*(link(n, (f"36.{n}.0.1", n), INDIA if n < 4 else OTHER) for n in range(1, 7)))
    rows = measurements(*(verdicts(n, "tls.reset" if n < 4 else "ok") for n in range(1, 7)))
    there = ("182.79.1.1", 9498, "IN")
    placed = places(loci(*(locus(n, "foreign", there, there) for n in (1, 2))))
    hit = affected(rows, placed)
    assert [hit[isp] for isp in sorted(hit)] == [True] * 3 + [False] * 3
    india, other = records(carriers(links, hit, placed))[::-1]
    assert (india["network"], india["through"], india["affected"], india["abroad"]) == (9498, 3, 3, 2)
    assert (india["others"], india["others_affected"], india["p_value"]) == (3, 0, pytest.approx(1 / 20))
    assert (other["affected"], other["others_affected"], other["p_value"]) == (0, 3, 1.0)


def test_an_isp_whose_ways_are_shared_out_has_no_main_carrier() -> None:
    two = [link(1, ("36.1.0.1", 1), end, d) for end, d in ((INDIA, "a"), (OTHER, "b"))]
    assert carriers(borders(*two), {}, places(loci())).empty


def test_most_rounds_of_some_target_must_be_blocked() -> None:
    once = [*verdicts(1, "tls.reset", at=0), *verdicts(1, "ok", at=1, many=2), *verdicts(2, "down")]
    assert [(isp.asn, hit) for isp, hit in affected(measurements(once), places(loci())).items()] == [
        (1, False)
    ]


@pytest.mark.parametrize(
    ("cells", "chance"),
    # The lady tasting tea, all four and three of four.
    [((4, 0, 0, 4), Fraction(1, 70)), ((3, 1, 1, 3), Fraction(17, 70)), ((2, 0, 3, 0), None)],
)
def test_fishers_exact_test(cells: tuple[int, int, int, int], chance: Fraction | None) -> None:
    found = fisher(*cells)
    assert found is None if chance is None else found == pytest.approx(float(chance))
