"""The throttling box: what a bucket lets pass, when it begins, whom it slows."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.lab.village import NAMES, bench, box, client_hello, read, run, tcp

from gatewatch.lab.boxes.throttle import Bucket
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.scenario import load
from gatewatch.lab.path import packet as p

BAD = NAMES["www.bad.com"]


def test_a_bucket_lets_its_burst_pass_and_then_its_rate() -> None:
    bucket = Bucket(80.0, 3000, 10.0)  # 10,000 bytes a second
    assert [bucket.take(1000, 0.0) for _ in range(5)] == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])
    # A second later all of it has filled again.
    assert [bucket.take(1000, 10.0) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.1])


def test_a_policer_drops_what_a_shaper_holds() -> None:
    policer, shaper = Bucket(80.0, 1500, 0.0), Bucket(80.0, 1500, 0.15)
    assert [policer.take(1500, 0.0), policer.take(1500, 0.0), policer.take(1500, 0.15)] == [0.0, None, 0.0]
    assert shaper.take(1500, 0.0) == 0.0
    assert shaper.take(1500, 0.0) == pytest.approx(0.15)
    assert shaper.take(1500, 0.0) is None  # the queue is full


def flight(name: str, **options: Any) -> list[float]:
    """When each answer to a hello and forty more questions on one connection first comes, in ms."""
    engine, _ = bench(box("throttle", **options))
    (_, opened), *_ = run(engine, tcp(BAD, 443, flags=p.SYN, seq=0), until=0.2)
    ack = (read(opened).seq + 1) & 0xFFFFFFFF
    hello = client_hello(name)
    packets = [tcp(BAD, 443, flags=p.ACK | p.PSH, seq=1, ack=ack, data=hello)]
    seq = 1 + len(hello)
    packets += [tcp(BAD, 443, flags=p.ACK | p.PSH, seq=seq + n, ack=ack, data=b"x") for n in range(40)]
    first: dict[int, float] = {}
    for when, packet in run(engine, *packets, now=1.0, until=30.0):
        if read(packet).data:
            first.setdefault(read(packet).seq, when)
    return list(first.values())


def test_a_named_flow_is_slowed_and_a_neighbour_is_not() -> None:
    free = flight("good.com", kbps=0.8, queue_ms=60_000.0, burst=1500.0)
    slow = flight("www.bad.com", kbps=0.8, queue_ms=60_000.0, burst=1500.0)
    assert max(free) == pytest.approx(49.0, abs=1.0)  # one round trip
    # The burst passes at once; what is beyond it comes at 100 bytes a second.
    assert min(slow) == pytest.approx(49.0, abs=1.0)
    assert max(slow) > 5000


def test_it_can_slow_both_directions_delay_and_lose() -> None:
    assert max(flight("www.bad.com", up_kbps=0.8, queue_ms=60_000.0, burst=1500.0)) > 1000
    late = flight("www.bad.com", delay_ms=100.0)
    # The hello named it, so what answers is late already: once on its way back; what follows, on both.
    assert min(late) == pytest.approx(149.0, abs=1.0)
    assert len(flight("www.bad.com", loss=1.0)) == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "needs kbps, up_kbps, loss or delay_ms"),
        ("kbps = 100.0\nburst = 100.0", "100 bytes are less than one packet"),
        ('kbps = 100.0\nmethod = "nxdomain"', "'nxdomain' is none of"),
        ("loss = 2.0", "2.0 is not a share"),
        ("kbps = -1.0", "is less than nothing"),
    ],
)
def test_a_box_that_makes_no_sense_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    text = (resources.files("gatewatch.lab") / "scenarios" / "small.toml").read_text()
    table = f'  [[isp.box]]\n  kind = "throttle"\n  hop = 2\n  domains = ["slow.com"]\n{line}\n\n'
    wrong = text.replace('[[isp]]\nid = "clear"', table + '[[isp]]\nid = "clear"')
    path = tmp_path / "wrong.toml"
    path.write_text(wrong)
    with pytest.raises(ScenarioError, match=problem):
        load(str(path))
