from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatewatch.records import HopReply, Intercept, Measurement, TestKeys, TraceKeys, WalkStep, decode, encode
from gatewatch.store import Scrubber, Unscrubbable

SCRUBBER = Scrubber(["36.37.200.10"])


def trace(*hops: tuple[int, str | None], destination: str = "93.184.216.34", **extra: Any) -> Measurement:
    replies = tuple(
        HopReply(ttl=ttl, address=address, rtt=1.5, icmp_type=11, extra=extra) for ttl, address in hops
    )
    keys = TraceKeys(
        protocol="udp",
        destination=destination,
        source_port=5000,
        destination_port=33434,
        reached=True,
        replies=replies,
    )
    return Measurement(
        input="https://www.example.com/",
        measurement_start_time="2024-02-12 20:33:47",
        software_version="0.1.0",
        test_name="trace",
        test_start_time="2024-02-12 20:33:47",
        test_keys=TestKeys(extra=encode(keys)),
    )


def addresses(m: Measurement) -> list[str | None]:
    keys, problems = decode(TraceKeys, SCRUBBER.measurement(m).test_keys.extra)
    assert problems == ()
    return [reply.address for reply in keys.replies]


def test_first_hops_are_truncated() -> None:
    hops = [
        (1, "192.168.1.1"),
        (2, "100.64.3.4"),
        (3, None),
        (4, "36.37.128.7"),
        (4, "36.37.129.9"),
        (5, "36.37.128.7"),
        (6, "10.1.2.3"),
        (7, "202.79.32.1"),
        (8, "93.184.216.34"),
    ]
    assert addresses(trace(*hops)) == [
        "192.168.0.0/16",
        "100.64.0.0/10",
        None,
        "36.37.128.0/24",
        "36.37.129.0/24",
        # The same router again: its address would undo the truncation.
        "36.37.128.0/24",
        "10.0.0.0/8",
        "202.79.32.1",
        "93.184.216.34",
    ]


def test_ipv6_hops() -> None:
    hops = [(1, "fe80::1"), (2, "fd00:1::1"), (3, "2400:cb00:12:34::1"), (4, "2400:cb00:12:35::1")]
    assert addresses(trace(*hops, destination="2606:2800::1")) == [
        "fe80::/10",
        "fc00::/7",
        "2400:cb00:12::/48",
        "2400:cb00:12:35::1",
    ]


def test_a_truncated_reply_says_so_and_loses_its_texts() -> None:
    m = trace(
        (1, "192.168.1.1"), (2, "202.79.32.1"), (3, "202.79.33.1"), ptr="gw.alley-7.isp.example", quoted_ttl=1
    )
    first, second, third = SCRUBBER.measurement(m).test_keys.extra["replies"]
    assert (first["x_gatewatch_truncated"], second["x_gatewatch_truncated"]) == (16, 24)
    assert "x_gatewatch_truncated" not in third
    assert ("ptr" in first, "ptr" in second, "ptr" in third) == (False, False, True)
    assert (first["quoted_ttl"], first["rtt"]) == (1, 1.5)


def test_truncated_wherever_it_is_written() -> None:
    m = trace((1, "192.168.1.1"), (2, "202.79.32.1"), (3, "202.79.33.1"))
    extra = {**m.test_keys.extra, "x_log": ["192.168.1.1:0 said 11", {"last": "202.79.32.1"}, "202.79.33.1"]}
    m = Measurement(**{**{f: getattr(m, f) for f in m.__slots__}, "test_keys": TestKeys(extra=extra)})
    log = SCRUBBER.measurement(m).test_keys.extra["x_log"]
    assert log == ["192.168.0.0/16 said 11", {"last": "202.79.32.0/24"}, "202.79.33.1"]


def test_the_target_itself_stays() -> None:
    assert addresses(trace((1, None), (2, "93.184.216.34"))) == [None, "93.184.216.34"]


def test_own_address_and_scrubbing_twice() -> None:
    once = SCRUBBER.measurement(trace((1, "36.37.200.10"), (2, "36.37.201.1"), (3, "36.37.202.1")))
    assert addresses(once) == ["[scrubbed]", "36.37.201.0/24", "36.37.202.1"]


@pytest.mark.parametrize(
    "replies", [7, ["no reply"], [{"ttl": 1, "address": "no address"}], [{"address": "10.0.0.1"}]]
)
def test_what_cannot_be_read_is_not_written(replies: Any) -> None:
    m = trace()
    extra = {**m.test_keys.extra, "replies": replies}
    m = Measurement(**{**{f: getattr(m, f) for f in m.__slots__}, "test_keys": TestKeys(extra=extra)})
    with pytest.raises(Unscrubbable):
        SCRUBBER.measurement(m)


def walk(*hops: tuple[int, str | None], **more: Any) -> Measurement:
    steps = tuple(
        WalkStep(name="innocuous", ttl=ttl, address=address, icmp_type=11, icmp_code=0)
        for ttl, address in hops
    )
    found = Intercept(
        kind="injector", resolver="8.8.8.8", innocuous="example.com", trigger="x.org", steps=steps, **more
    )
    return Measurement(
        input="https://x.org/",
        measurement_start_time="2024-02-12 20:33:47",
        software_version="0.1.0",
        test_name="intercept",
        test_start_time="2024-02-12 20:33:47",
        test_keys=TestKeys(extra={"x_gatewatch_intercept": encode(found)}),
        x_gatewatch_verdict={"evidence": [f"between {more.get('before')} and {more.get('after')}"]},
    )


def test_the_first_hops_of_a_walk_are_truncated_in_the_record_and_in_the_evidence() -> None:
    sides = {"before": "192.168.1.1", "after": "36.37.129.9"}
    m = walk((1, "192.168.1.1"), (2, "36.37.129.9"), (5, "63.218.10.5"), **sides)
    scrubbed = SCRUBBER.measurement(m)
    found, problems = decode(Intercept, scrubbed.test_keys.extra["x_gatewatch_intercept"])
    assert problems == ()
    assert [step.address for step in found.steps] == ["192.168.0.0/16", "36.37.129.0/24", "63.218.10.5"]
    assert (found.before, found.after) == ("192.168.0.0/16", "36.37.129.0/24")
    assert scrubbed.x_gatewatch_verdict == {"evidence": ["between 192.168.0.0/16 and 36.37.129.0/24"]}
    # Once more changes nothing.
    assert SCRUBBER.measurement(scrubbed) == scrubbed


def test_a_walk_that_cannot_be_read_is_not_written() -> None:
    unread: list[Any] = [{"steps": "x"}, {"steps": [1]}, {"steps": [{"ttl": 1, "address": "x"}]}, []]
    for broken in unread:
        m = walk()
        m = replace(m, test_keys=TestKeys(extra={"x_gatewatch_intercept": broken}))
        with pytest.raises(Unscrubbable):
            SCRUBBER.measurement(m)


def test_no_key_of_a_trace_names_a_first_hop() -> None:
    from gatewatch.net.tracing import multipath, outcome
    from gatewatch.records import MplsLabel

    home, street, exchange, beside = "192.168.1.1", "100.64.3.4", "36.37.128.7", "36.37.128.99"
    labels = (MplsLabel(label=24015),)

    def reply(ttl: int, address: str, flow: int = 0) -> HopReply:
        return HopReply(
            ttl=ttl, address=address, rtt=1.0, icmp_type=11, reply_ttl=255, labels=labels, flow=flow
        )

    replies = (
        *(reply(1, home), reply(2, street), reply(3, exchange), reply(4, "202.79.32.1")),
        # Only other flows meet the branch beside the first public hop.
        *(reply(1, home, 1), reply(2, street, 1), reply(3, beside, 1), reply(4, "202.79.32.1", 1)),
    )
    keys = TraceKeys(
        protocol="udp",
        destination="93.184.216.34",
        source_port=5000,
        destination_port=33434,
        reached=False,
        replies=replies,
        hops=outcome.hops(r for r in replies if not r.flow),
        branches=multipath.branches(replies, 0.95),
        links=multipath.links(replies),
        confidence=0.95,
    )
    m = replace(trace((1, home)), test_keys=TestKeys(extra=encode(keys)))
    scrubbed = SCRUBBER.measurement(m)
    text = str(encode(scrubbed))
    assert not any(address in text for address in (home, street, exchange, beside))
    assert "202.79.32.1" in text
    kept, problems = decode(TraceKeys, scrubbed.test_keys.extra)
    assert problems == () and {r.address for r in kept.replies if r.ttl == 3} == {"36.37.128.0/24"}
    # Its label is a mark of the router as well.
    assert {r.ttl for r in kept.replies if r.labels} == {4}
    assert kept.hops[2].addresses == ("36.37.128.0/24",) and kept.links[0].near == "192.168.0.0/16"
    assert SCRUBBER.measurement(scrubbed) == scrubbed
