"""trace through the lab's paths with habits, in memory: exact times, and the truth beside."""

from typing import Any

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab.country.scenario import load
from gatewatch.net.tracing.agenda import Manner
from gatewatch.net.tracing.multipath import enough
from gatewatch.net.tracing.tracer import UDP, CannotTrace, Way, trace
from gatewatch.records import TraceKeys, decode, encode
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_probes.trace import Trace

PATHS = load("paths")
FAR, FAR6 = "8.8.8.8", "2001:4860:4860::8888"


def traced(isp: str, address: str = FAR, way: Way = UDP, **more: Any) -> tuple[TraceKeys, float]:
    async def main() -> tuple[TraceKeys, float]:
        async with attached(isp, PATHS):
            began = trio.current_time()
            (keys,) = await trace((address,), way, **more)
            return keys, trio.current_time() - began

    return run(main)


def addresses(keys: TraceKeys) -> list[str | None]:
    return [hop.addresses[0] if hop.addresses else None for hop in keys.hops]


def path(isp: str) -> list[str | None]:
    own = [None if hop.silent else hop.address for hop in PATHS.isp(isp).path]
    return [*own, "63.218.10.5", "63.218.11.9"]


@pytest.mark.parametrize("isp", ["labels", "limited", "asymmetric", "narrow"])
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_every_hop_is_named_on_every_kind_of_path(isp: str, protocol: Any) -> None:
    keys, took = traced(isp, way=Way(protocol))
    found = addresses(keys)
    assert found == [*path(isp), FAR]
    assert keys.reached and keys.stop == "reached" and keys.failure is None
    assert keys.source_port is not None and not keys.loops and not keys.changed
    # Three rounds, the silences included.
    assert took < 12
    again, problems = decode(TraceKeys, encode(keys))
    assert problems == () and again == keys


def test_times_are_exact_and_every_reply_is_kept() -> None:
    keys, _ = traced("asymmetric")
    rtts = {hop.ttl: hop.rtt for hop in keys.hops}
    assert rtts == {1: 1.0, 2: 4.0, 3: 5.0, 4: 6.0, 5: 7.0, 6: 31.0, 7: 47.0, 8: 50.0}
    assert {reply.attempt for reply in keys.replies} == {0, 1, 2} and len(keys.replies) == 24
    assert all(reply.icmp_type == (3 if reply.ttl == 8 else 11) for reply in keys.replies)
    # The way back, by the TTLs that answers come in with: one router begins with 64.
    assert [hop.back for hop in keys.hops] == [0, 1, 5, 6, 2, 5, 6, 7]


def test_labels_are_kept_without_privileges() -> None:
    keys, _ = traced("labels")
    labels = {r.ttl: [x.label for x in r.labels] for r in keys.replies if r.labels}
    assert labels == {3: [24015, 16], 4: [24102, 16], 5: [16]}


def test_a_limited_router_and_a_silent_one() -> None:
    keys, _ = traced("limited")
    states = {hop.ttl: hop.state for hop in keys.hops}
    assert states[3] == "silent" and states[2] in ("answers", "limited") and states[4] == "answers"
    assert keys.hops[3].rtt == 66.0  # slow to write its errors


@pytest.mark.parametrize(("address", "protocol"), [(FAR, "udp"), (FAR6, "udp"), (FAR, "tcp"), (FAR6, "tcp")])
def test_one_flow_stays_on_one_branch_and_multipath_finds_all(address: str, protocol: Any) -> None:
    one, _ = traced("diamonds", address, Way(protocol))
    assert all(len(hop.addresses) <= 1 for hop in one.hops) and not one.changed
    assert not one.branches and one.confidence is None
    keys, _ = traced("diamonds", address, Way(protocol), confidence=0.95)
    hops = PATHS.isp("diamonds").path
    for branch in keys.branches:
        if branch.ttl <= len(hops):
            assert set(branch.addresses) == set(hops[branch.ttl - 1].of(":" in address))
        assert branch.complete and branch.flows >= enough(len(branch.addresses), 0.95)
    # Two balancers that choose alike make a diamond of straight rungs: four links, and not sixteen.
    assert sum(link.ttl == 4 for link in keys.links) == 4
    assert sum(link.ttl == 1 for link in keys.links) == 2


def test_the_stopping_rule_is_that_of_the_literature() -> None:
    assert [enough(n, 0.95) for n in range(1, 6)] == [6, 11, 16, 21, 27]
    assert enough(1, 0.99) == 8


def test_silence_costs_one_wait_where_the_quotes_tell_probes_apart() -> None:
    # IPv6 routers quote the payload, so that all hops are asked at once.
    _, took = traced("diamonds", FAR6, manner=Manner(repeats=1, tries=1, rate=1000))
    assert took < 0.2


def test_no_way_out_is_a_failure_and_not_silence() -> None:
    keys, took = traced("labels", FAR6)
    assert keys.failure == "network_unreachable" and keys.replies == () and took < 0.1


def test_icmp_needs_a_privilege_that_the_memory_has_not() -> None:
    with pytest.raises(CannotTrace, match="ping_group_range"):
        traced("labels", way=Way("icmp"))


def test_whose_each_hop_is_where_a_table_says() -> None:
    table = PrefixTable(parse_prefixes(load("small").prefixes_csv().splitlines(), lambda *_: None))
    keys = measure(Trace(), "https://free.com/", "blocked", whereabouts=table)
    found = [(hop["asn"], hop["country"]) for hop in keys.extra["hops"]]
    # A private router, three of the provider's with a silent one among them, two abroad, the server.
    own, abroad = (38623, "KH"), (13335, "US")
    assert found == [(None, None), own, own, (None, None), own, abroad, abroad, abroad]
    plain = measure(Trace(), "https://free.com/", "blocked")
    assert {hop["asn"] for hop in plain.extra["hops"]} == {None}
