"""locate in deep mode: in the path or beside it, the box's packets, and nothing of it unless asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path as FilePath
from typing import Any

import pytest
from tests.probes.test_locate import boxed, loci
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab import kernel
from gatewatch.lab.country.scenario import Box as LabBox
from gatewatch.lab.path import packet as p
from gatewatch.locus import Path, Sighting
from gatewatch.net import capture
from gatewatch.net.capture import Caught
from gatewatch.net.restraint import TRIGGERS
from gatewatch.records import Box, Locus, Measurement, TestKeys, decode, encode
from gatewatch.store import Scrubber
from gatewatch_probes.locate import Locate
from gatewatch_probes.place.deep import Watch
from gatewatch_targets import Target

NAMES = frozenset({"drop.com"})


def deep(kind: str = "sni-reset", hop: int = 3, scheme: str = "https", **options: Any) -> tuple[Locus, Box]:
    """Locate a box of the small country, deeply."""
    keys = keys_of(kind, hop, scheme, **options)
    (locus,) = loci(keys)
    (row,) = keys.extra["x_gatewatch_box"]
    box, problems = decode(Box, row)
    assert problems == ()
    return locus, box


def keys_of(kind: str = "sni-reset", hop: int = 3, scheme: str = "https", **options: Any) -> TestKeys:
    country = boxed(LabBox(kind, hop, domains=NAMES, **options))
    return measure(Locate(seed=1), f"{scheme}://drop.com/", "blocked", country, deep=True)


@pytest.mark.parametrize("in_path", [True, False])
@pytest.mark.parametrize(
    ("kind", "scheme"), [("sni-reset", "https"), ("sni-eof", "https"), ("http-reset", "http")]
)
def test_in_the_path_or_beside_it(kind: str, scheme: str, in_path: bool) -> None:
    locus, box = deep(kind, scheme=scheme, in_path=in_path)
    assert (locus.before, locus.after, box.in_path) == (2, 3, in_path)
    assert locus.triggers <= TRIGGERS
    assert box.spares_server is (None if in_path else True)


def test_a_router_beyond_tells_where_the_one_at_the_far_end_is_silent() -> None:
    # The fourth router never answers, so whether the trigger went on shows at the fifth only.
    locus, box = deep(hop=4, in_path=False)
    assert (locus.before, locus.after, box.in_path) == (3, 4, False)
    _, box = deep(hop=4, in_path=True)
    assert box.in_path is True


def test_what_the_box_writes() -> None:
    hand: dict[str, Any] = {
        "initial_ttl": 255,
        "ip_id": "0x9916-0x9933",
        "dont_fragment": False,
        "flags": "R",
        "window": 1980,
        "copies": 3,
        "payload": "0102",
    }
    locus, box = deep(in_path=False, **hand)
    assert (box.initial_ttl, box.flags, box.dont_fragment, box.payload) == ("255", ("R",), False, b"\1\2")
    assert (box.packets_least, box.packets_most, box.window_least, box.window_most) == (3, 3, 1980, 1980)
    assert box.ip_id_least is not None
    assert box.ip_id_most is not None
    assert 0x9916 <= box.ip_id_least <= box.ip_id_most <= 0x9933
    # The third router is 2.5 ms away, one way.
    assert (box.delay_least, box.hop_rtt) == (5.0, 5.0)
    shot = next(shot for shot in locus.shots if shot.ttl == 3)
    assert [(p.rtt, p.ttl, p.seq_offset, p.ack_offset) for p in shot.injected] == [(5.0, 253, 0, None)] * 3
    assert (shot.offender, shot.offender_rtt, shot.went_on) == ("36.37.129.9", 5.0, True)


def test_a_copied_ttl_shows_without_screening() -> None:
    locus, box = deep(in_path=False, copies_ttl=True)
    assert (locus.before, locus.after, locus.copies_ttl, box.initial_ttl) == (2, 3, 1.0, "copied")


def test_forged_names() -> None:
    box = LabBox("dns-inject", 3, NAMES, method="bogon", address="127.0.0.1", resolvers="all", ip_id="7")
    country = boxed(box)
    keys = measure(Locate(seed=1), "https://drop.com/", "blocked", country, deep=True)
    (row,) = keys.extra["x_gatewatch_box"]
    assert (row["method"], row["ip_id"], row["ip_id_least"], row["flags"]) == ("dns", "constant", 7, [])


def test_a_box_that_only_swallows_leaves_no_print() -> None:
    keys = keys_of("sni-drop")
    assert keys.extra["x_gatewatch_box"] == []


def test_nothing_is_captured_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> capture.Capture:
        raise AssertionError("opened")

    monkeypatch.setattr(Watch, "over", never)
    keys = measure(Locate(seed=1), "https://reset.com/", "blocked")
    assert "x_gatewatch_box" not in keys.extra
    assert all(not shot.injected and shot.went_on is None for shot in loci(keys)[0].shots)


def test_captures_are_closed() -> None:
    async def main() -> int:
        async with attached("blocked") as (wire, _):
            wire.deep = True
            await Locate(seed=1).measure(Target("https://reset.com/"), wire)
            return len(capture._open.__self__._taps)  # type: ignore[attr-defined]

    assert run(main) == 0


def test_nothing_of_the_volunteer_is_left_in_deep_rows() -> None:
    keys = keys_of(in_path=False, payload=b"you are 36.37.200.10, or 9.8.7.6".hex())
    m = Measurement(
        input="https://drop.com/",
        measurement_start_time="2026-11-24 08:00:00",
        software_version="0.1.0",
        test_name="locate",
        test_start_time="2026-11-24 08:00:00",
        test_keys=keys,
    )
    scrubbed = Scrubber(["36.37.200.10"]).measurement(m)
    text = json.dumps(encode(scrubbed))
    # First hops that spoke about a trigger, and a payload that tells whom it was sent to.
    assert "36.37.128.1" not in text
    (locus,) = loci(scrubbed.test_keys)
    assert {p.payload for shot in locus.shots for p in shot.injected} == {
        b"you are [scrubbed], or [scrubbed]"
    }
    (row,) = scrubbed.test_keys.extra["x_gatewatch_box"]
    assert decode(Box, row)[0].payload == b"you are [scrubbed], or [scrubbed]"


class Fake:
    """A capture of given packets."""

    def __init__(self, packets: list[Caught]) -> None:
        self.packets = packets

    def take(self) -> list[Caught]:
        return self.packets

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answers", "screened", "outcome"),
    [
        # (seconds after the question, TTL); the server's own have 58 and take 40 ms.
        ([(0.010, 40), (0.040, 58)], False, "interfered"),
        ([(0.041, 40), (0.040, 58)], False, "interfered"),
        ([(0.010, 40)], False, "interfered"),
        # Another machine of the same farm.
        ([(0.040, 40)], False, "expired"),
        ([(0.040, 58)], False, "expired"),
        ([(0.010, 40), (0.040, 58)], True, "expired"),
    ],
)
def test_a_forged_answer_at_the_servers_own_ttl_is_given_away_by_its_own(
    answers: list[tuple[float, int]], screened: bool, outcome: str
) -> None:
    me, server = p.packed("103.5.24.10"), p.packed("8.8.8.8")
    packets = [Caught(0.0, True, p.udp(me, 4000, server, 53, b"?", ttl=7))]
    packets += [Caught(at, False, p.udp(server, 53, me, 4000, b"!", ttl=ttl)) for at, ttl in answers]
    watch = Watch(Fake(packets), reference=58)
    path = Path(7)
    path.control(7, 40.0)
    seen = watch.trigger(Sighting(7, "expired", 40.0, screened=screened), path)
    assert seen.outcome == outcome
    assert watch.kept == packets


KERNEL = """
import json, socket, trio
from gatewatch.locus.box import fingerprint
from gatewatch.net.shot import Flow
from gatewatch.records import encode
from gatewatch_probes.place import triggers
from gatewatch_probes.place.deep import Watch
from gatewatch_probes.place.hunt import Hunt

async def main():
    address = socket.getaddrinfo("reset.com", 443)[0][4][0]
    trigger = triggers.tls(Flow(address, 443, 61000), "reset.com")
    watch = Watch.over(trigger.flow, "tls")
    hunt = Hunt(trigger, watch=watch)
    await hunt.run()
    box = fingerprint("tls", address, watch.looks, in_path=hunt.place.in_path)
    print(json.dumps([hunt.place.before, hunt.place.after, encode(box), len(watch.kept) > 20]))

trio.run(main)
"""


def test_through_a_kernel_and_a_packet_socket(tmp_path: FilePath) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    if os.geteuid() != 0:
        pytest.skip("packets can only be captured with CAP_NET_RAW")
    script = tmp_path / "deep.py"
    script.write_text(KERNEL, encoding="utf-8")
    done = subprocess.run(
        kernel.argv("small", "blocked", [sys.executable, str(script)]),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after, box, kept = json.loads(done.stdout)
    assert (before, after, box["in_path"], kept) == (3, 4, True, True)
    assert (box["flags"], box["ip_id"], box["initial_ttl"]) == (["RA"], "zero", "64")
    assert (box["packets_most"], box["ttl_least"], box["ttl_most"]) == (1, 61, 61)
