"""A box by its packets: habits, and what they are consistent with; never a name on too few fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatewatch.locus.box import compare, fingerprint, recognised, said
from gatewatch.locus.look import Look
from gatewatch.records import Box, InjectedPacket, ResidualWait
from gatewatch_targets import known_boxes

KNOWN = {row.id: row for row in known_boxes()}
RESET = InjectedPacket(
    rtt=18.0, told_by=("ttl",), ttl=248, ip_id=0x9920, dont_fragment=False, flags="RA", window=0
)
STAYED = ResidualWait(passed=True, waits=(30.0, 60.0, 90.0), at_least=95.0, at_most=190.0)


def made(*shots: list[InjectedPacket], **more: Any) -> Box:
    looks = [Look(injected=tuple(shot)) for shot in shots]
    box = fingerprint("tls", "104.16.1.1", looks, **more)
    assert box is not None
    return box


def ids(*numbers: int) -> str | None:
    return made(*([replace(RESET, ip_id=number)] for number in numbers)).ip_id


def test_patterns_of_identifiers() -> None:
    assert ids(0, 0) == "zero"
    assert ids(7, 7, 7) == "constant"
    assert ids(7, 7) is None
    assert ids(65530, 2, 9) == "incrementing"
    assert ids(5, 40000, 9) == "random"


def test_what_packets_have_in_common() -> None:
    box = made([RESET, RESET], [replace(RESET, ttl=246, rtt=12.0, window=5)], in_path=0.01, hop_rtt=11.0)
    assert (box.shots, box.packets_least, box.packets_most, box.flags) == (2, 1, 2, ("RA",))
    assert (box.ttl_least, box.ttl_most, box.initial_ttl) == (246, 248, "255")
    assert (box.window_least, box.window_most, box.delay_least, box.delay_median) == (0, 5, 12.0, 15.0)
    assert (box.in_path, box.dont_fragment, box.residual_least, box.residual_most) == (False, False, 0.0, 0.0)


@pytest.mark.parametrize(
    ("ttls", "initial"), [((58,), "64"), ((32, 32), "32"), ((100,), "128"), ((60, 200), "varies")]
)
def test_what_a_packet_set_out_with(ttls: tuple[int, ...], initial: str) -> None:
    assert made(*([replace(RESET, ttl=ttl)] for ttl in ttls)).initial_ttl == initial


def test_a_copied_ttl_is_none_of_its_own() -> None:
    assert made([RESET], copies=0.99).initial_ttl == "copied"


def test_nothing_injected_is_no_box() -> None:
    assert fingerprint("tls", "104.16.1.1", [Look(), Look()]) is None


def test_consistent_with_the_third_of_the_wall_and_no_other() -> None:
    box = made(
        *([replace(RESET, ip_id=n)] for n in (0x9916, 0x9933, 0x9920)), residual=[STAYED], in_path=0.01
    )
    box = recognised(box, known_boxes())
    assert box.consistent_with == ("cn.gfw.3",)
    assert box.compared[0].contradict == ()
    assert said(box) == (
        "beside the path; consistent with Great Firewall, type III in "
        "flags, dont_fragment, ip_id, initial_ttl, packets, residual, in_path"
    )


def test_too_few_fields_are_no_name() -> None:
    # Turkmenistan's residual time agrees with many a box.
    stayed = ResidualWait(passed=True, waits=(30.0,), at_least=1.0, at_most=31.0)
    box = recognised(made([replace(RESET, ip_id=77)], residual=[stayed]), known_boxes())
    assert compare(box, KNOWN["tm.state"]).agree == ("residual",)
    assert box.consistent_with == ()
    assert said(box).startswith("in the path or beside it; unknown")


def test_one_contradiction_is_enough() -> None:
    henan = replace(RESET, ttl=58, ip_id=1, payload=bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 0]))
    assert recognised(made([henan], [henan]), known_boxes()).consistent_with == ("cn.henan",)
    odd = recognised(made([henan], [replace(henan, ip_id=2)]), known_boxes())
    assert odd.consistent_with == ()
    assert "ip_id" in next(m for m in odd.compared if m.id == "cn.henan").contradict


def test_words_in_a_payload() -> None:
    fin = replace(
        RESET, ttl=58, ip_id=0x3412, flags="FA", payload=b"Object not found\r\n", dont_fragment=True
    )
    assert recognised(made([fin]), known_boxes()).consistent_with == ("uz.sandvine",)


def test_a_wide_range_is_not_agreed_with_by_one_number() -> None:
    still = made([RESET], [RESET], [RESET])
    assert compare(still, KNOWN["cn.gfw.2"]).contradict.count("ip_id") == 1
    assert "ip_id" not in compare(made([RESET]), KNOWN["cn.gfw.2"]).agree
