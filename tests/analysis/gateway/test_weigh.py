"""From what counts to a posterior, an answer, and what would tell more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.analysis.gateway.seeing import EMPTY, isps, seeing

from gatewatch_analysis.gateway.answer import ENOUGH, answer
from gatewatch_analysis.gateway.calibration import CLASSES, Class, calibration
from gatewatch_analysis.gateway.decide import entropy, steps
from gatewatch_analysis.gateway.likelihood import Groups
from gatewatch_analysis.gateway.node import Place
from gatewatch_analysis.gateway.seen import Seen
from gatewatch_analysis.gateway.weigh import observations, posterior, weights


def after(what: Seen) -> dict[Class, float]:
    known = calibration()
    return posterior(known.prior, weights(known, what))


def leading(what: Seen) -> str:
    chances = after(what)
    return max(CLASSES, key=lambda kind: chances[kind])


GATE = seeing(
    hit=(7, 0),
    places={"shared at home": 5.0},
    contrasts={"home": {"foreign_only": 4.0}},
    mechanisms=Groups((7,), (5,)),
    exits="several",
    located=frozenset(isps(5)),
)


def test_no_evidence_leaves_the_prior() -> None:
    assert observations(EMPTY) == {}
    assert after(EMPTY) == pytest.approx(calibration().prior)


def test_what_each_class_looks_like() -> None:
    inside: dict[str, Any] = {"places": {"inside": 5.0}, "exits": "several", "hit": (7, 0)}
    assert leading(GATE) == "gateway"
    assert leading(replace(GATE, exits="one for all")) == "not identifiable"
    assert leading(seeing(**inside, mechanisms=Groups((2, 2, 1, 1, 1)))) == "ordered"
    both = {"inside": {"both": 4.0}}
    assert leading(seeing(**inside, mechanisms=Groups((7,)), contrasts=both)) == "central"
    abroad: dict[str, Any] = {"places": {"abroad": 3.0}, "carriers": "follows one", "exits": "several"}
    assert leading(seeing(hit=(4, 3), mechanisms=Groups((4,)), **abroad)) == "upstream"
    assert leading(seeing(hit=(0, 7))) == "none"


def test_a_contrary_isp_counts_against() -> None:
    def odds(contrary: float) -> float:
        places: dict[Place, float] = {"shared at home": 5.0 - contrary, "inside": contrary}
        chances = after(replace(GATE, places=places))
        return chances["gateway"] / chances["ordered"]

    assert odds(0.0) > odds(1.0) > odds(2.0) > odds(4.0)


def test_a_fifth_isp_at_the_node_tells_less_than_the_second() -> None:
    known = calibration()

    def odds(many: float) -> float:
        logs = weights(known, seeing(places={"shared at home": many}))["places"]
        return logs["gateway"] - logs["ordered"]

    gains = [odds(n + 1) - odds(n) for n in range(1, 8)]
    assert gains == sorted(gains, reverse=True) and gains[-1] > 0


def test_pieces_that_are_missing_have_no_factor() -> None:
    known = calibration()
    only = seeing(places={"inside": 3.0})
    assert set(weights(known, only)) == {"places"}
    assert posterior(known.prior, {}) == pytest.approx(known.prior)


# -- the answer


def sure(kind: Class, chance: float = 0.99) -> dict[Class, float]:
    rest = (1 - chance) / (len(CLASSES) - 1)
    return {c: chance if c == kind else rest for c in CLASSES}


PLACED = {"located": frozenset(isps(3))}


@pytest.mark.parametrize(
    ("kind", "chance", "what", "said", "why"),
    [
        ("ordered", 0.99, seeing(2), "undetermined", "2 of at least 3 ISPs measured"),
        ("ordered", 0.99, seeing(3), "ordered", ""),
        ("ordered", ENOUGH - 0.001, seeing(9), "undetermined", "no class has a probability of 95%"),
        ("gateway", 0.999, seeing(9), "undetermined", "placed, or contrasted, on 0 of at least 3"),
        ("gateway", 0.999, seeing(9, **PLACED), "gateway", ""),
        ("gateway", 0.999, seeing(4, **PLACED), "undetermined", "at least 5 ISPs, not of 4"),
        ("gateway", 0.999, seeing(9, units=1, **PLACED), "undetermined", "all 9 ISPs hang together"),
        ("gateway", 0.999, seeing(9, contrasted=frozenset(isps(4))), "gateway", ""),
        ("central", 0.999, seeing(9), "undetermined", "on 0 of at least 3"),
        ("not identifiable", 0.99, seeing(9, units=1, **PLACED), "not identifiable", ""),
        ("none", 0.99, seeing(9), "none", ""),
    ],
)
def test_undetermined_unless_the_rules_allow_more(
    kind: Class, chance: float, what: Seen, said: str, why: str
) -> None:
    found = answer(sure(kind, chance), what)
    assert (found.answer, found.leaning) == (said, kind)
    assert why in "; ".join(found.why) and bool(why) == bool(found.why)


def test_two_isps_say_nothing_however_sure_the_posterior_is() -> None:
    for kind in CLASSES:
        assert answer(sure(kind, 1.0), seeing(2)).answer == "undetermined"


# -- what would tell more


def test_where_nothing_is_known_places_tell_most() -> None:
    what = seeing(hit=(7, 0))
    found = steps(calibration(), what, dict.fromkeys(what.isps, True))
    assert found[0].what.startswith("locate where it is cut")
    assert "ISP 1 (AS1), ISP 2 (AS2)" in found[0].on
    assert all(0 <= step.bits <= entropy(after(what)) for step in found)
    assert [step.bits for step in found] == sorted((step.bits for step in found), reverse=True)
    assert "shared at home" in found[0].outcomes


def test_where_all_is_known_nothing_tells_much() -> None:
    found = steps(calibration(), GATE, dict.fromkeys(GATE.isps, True))
    assert found[0].bits < 0.1 * entropy(calibration().prior)


def test_what_was_measured_is_not_asked_for_again() -> None:
    known: dict[str, Any] = {"exits": "several", "lists": frozenset(["0.95 and more"])}
    what = seeing(hit=(7, 0), onsets=frozenset(["longer"]), **known)
    asked = {step.what for step in steps(calibration(), what, {})}
    unwanted = ("trace", "measure the whole list", "measure often")
    assert not {word for word in asked if word.startswith(unwanted)}


def test_the_gain_of_two_classes_by_hand() -> None:
    """The ways out, where only two classes are possible and each shows one kind of them."""
    known = calibration()
    prior: dict[Class, float] = {**dict.fromkeys(CLASSES, 0.0), "gateway": 0.5, "not identifiable": 0.5}
    table = dict(known.pieces["exits"].table)
    two = replace(known, prior=prior)
    [step] = [s for s in steps(two, seeing(), {}) if s.what == "trace the ways abroad"]
    p = {}
    for kind in ("gateway", "not identifiable"):
        one, several = (count + 0.5 for count in table[kind]["counts"])
        p[kind] = one / (one + several)
    mean = (p["gateway"] + p["not identifiable"]) / 2

    def h(x: float) -> float:
        return entropy({"none": x, "ordered": 1 - x}) if 0 < x < 1 else 0.0

    left = mean * h(p["gateway"] / 2 / mean) + (1 - mean) * h((1 - p["gateway"]) / 2 / (1 - mean))
    if known.pieces["exits"].temper == 1:
        assert step.bits == pytest.approx(1 - left)
    assert 0.5 < step.bits <= 1
