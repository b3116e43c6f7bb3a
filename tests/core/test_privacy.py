"""Nobody is told of by any output: every record type, every file of a run, logs, summary, exports.

A person is made up for each example: addresses, the router at home, carrier NAT, exchange, hardware address,
Wi-Fi, names and home folder.  They are put wherever this machine or somebody on the way may put them.
"""

import dataclasses
import itertools
import random
import types
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds.person import Person, anything, person
from tests.worlds.writer import ONE, OWN_KEYS, Writer, told

from gatewatch import records
from gatewatch.records import HopReply, Measurement, TestKeys, TraceKeys, dumps, encode
from gatewatch.store import Scrubber
from gatewatch.store.hops import HOP, TRUNCATED, hashed

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)
# A seed, since records take thousands of choices: hypothesis draws the cases, random fills them.
CHANCE = st.integers(0, 2**64 - 1).map(random.Random)


def held(cls: Any) -> set[type]:
    """A record and all records in it."""
    found: set[type] = set()
    waiting = [cls]
    while waiting:
        hint = waiting.pop()
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if hint not in found:
                found.add(hint)
                waiting += get_type_hints(hint).values()
        elif get_origin(hint) in (tuple, types.UnionType, list):
            waiting += get_args(hint)
    return found


def test_every_record_type_is_written_by_one_of_these_tests() -> None:
    reached = held(Measurement) | {each for _, _, cls in OWN_KEYS for each in held(cls)}
    every = [getattr(records, name) for name in records.__all__]
    # What reading complains of is not written down.
    assert {cls for cls in every if isinstance(cls, type) and dataclasses.is_dataclass(cls)} - reached == {
        records.Problem
    }


def measured(writer: Writer, test: str, extra: Mapping[str, Any]) -> Measurement:
    """A measurement with everything in it, and one test's own keys."""
    whole = writer.record(Measurement)
    keys = dataclasses.replace(whole.test_keys, extra={**whole.test_keys.extra, **extra})
    m: Measurement = dataclasses.replace(whole, test_name=test, test_keys=keys)
    return m


@pytest.mark.parametrize(
    ("test", "key", "cls"), OWN_KEYS, ids=lambda v: v if isinstance(v, str) else v.__name__
)
@EXAMPLES
@given(rng=CHANCE)
def test_no_own_address_in_any_record(test: str, key: str, cls: type[Any], rng: random.Random) -> None:
    writer = Writer(rng.getrandbits(64))
    own = (writer.own4, writer.own6)
    if cls is TraceKeys:
        # Addresses of hops are addresses; what else is in a trace may be anything.
        whole = writer.record(TraceKeys)
        replies = tuple(
            dataclasses.replace(r, address=str(rng.choice((*own, "8.8.8.8")))) for r in whole.replies
        )
        keys = encode(dataclasses.replace(whole, replies=replies, destination="93.184.216.34"))
    else:
        rows = [encode(address_like(writer, writer.record(cls))) for _ in range(1 + rng.randrange(2))]
        keys = {key: rows[0] if key in ONE else rows}
    m = measured(writer, test, keys)
    out = dumps(Scrubber(map(str, own)).measurement(m))
    assert told(out, own) == []


def address_like(writer: Writer, row: Any) -> Any:
    """Give fields that hold a router's or server's address one: a walk that cannot be read is not written."""
    rng = writer.rng
    changed: dict[str, Any] = {}
    choice = (str(writer.own4), str(writer.own6), "8.8.8.8", None)
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if field.name in (
            "address",
            "offender",
            "before_address",
            "after_address",
            "before",
            "after",
            "resolver",
        ):
            if isinstance(value, str) or value is None:
                changed[field.name] = rng.choice(choice if value is None else choice[:3])
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            changed[field.name] = tuple(address_like(writer, each) for each in value)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            changed[field.name] = address_like(writer, value)
    return dataclasses.replace(row, **changed)


def walked(who: Person, test: str) -> dict[str, Any]:
    """A way that begins at somebody's home, in the records of each test that walks."""
    further = [(4, "202.79.32.1"), (5, "93.184.216.34")]
    hops = [*who.path, *further]
    if test == "trace":
        replies = tuple(
            HopReply(ttl=ttl, address=address, rtt=1.0, extra={"log": f"from {address}"})
            for ttl, address in hops
        )
        summed = tuple(records.TraceHop(ttl=t, addresses=(a,), state="answers") for t, a in hops)
        links = tuple(records.TraceLink(ttl=t, near=a, far=b) for (t, a), (_, b) in itertools.pairwise(hops))
        branches = tuple(records.TraceBranch(ttl=t, addresses=(a,)) for t, a in hops)
        keys = TraceKeys(
            protocol="udp",
            destination="93.184.216.34",
            source_port=1,
            destination_port=2,
            reached=True,
            replies=replies,
            hops=summed,
            links=links,
            branches=branches,
        )
        return dict(encode(keys))
    if test == "locate":
        locus = records.Locus(
            method="tls",
            address="93.184.216.34",
            port=443,
            source_port=1,
            before=1,
            after=2,
            before_address=who.router,
            after_address=who.nat,
            hops=tuple(records.LocateHop(ttl=t, address=a, rtt=1.0) for t, a in hops),
        )
        return {"x_gatewatch_locate": [encode(locus)]}
    steps = tuple(
        records.WalkStep(ttl=t, address=a, **_needed(records.WalkStep, {"ttl", "address"})) for t, a in hops
    )
    found = records.Intercept(
        kind="proxy",
        resolver="8.8.8.8",
        innocuous="example.com",
        trigger="x.org",
        hop=2,
        before=who.router,
        after=who.nat,
        steps=steps,
    )
    return {"x_gatewatch_intercept": encode(found)}


def _needed(cls: type[Any], given: set[str]) -> dict[str, Any]:
    """Values for what a record cannot do without."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name not in given and field.default is field.default_factory is dataclasses.MISSING:
            out[field.name] = {str: "", int: 0, float: 0.0, bool: False}.get(get_type_hints(cls)[field.name])
    return out


@pytest.mark.parametrize("test", ["trace", "locate", "intercept"])
@EXAMPLES
@given(rng=CHANCE)
def test_no_first_hop_and_no_name_in_any_walk(test: str, rng: random.Random) -> None:
    who = person(rng)
    body = " ".join(anything(rng, who) for _ in range(4))
    m = Measurement(
        input="https://www.example.com/",
        measurement_start_time="2024-02-12 20:33:47",
        software_version="0.1.0",
        test_name=test,
        test_start_time="2024-02-12 20:33:47",
        annotations={"note": anything(rng, who)},
        test_keys=TestKeys(
            queries=(
                records.Query(
                    engine="udp",
                    failure=anything(rng, who),
                    hostname="www.example.com",
                    query_type="A",
                    resolver_address=f"{who.router}:53",
                    **_needed(
                        records.Query, {"engine", "failure", "hostname", "query_type", "resolver_address"}
                    ),
                ),
            ),
            requests=(
                records.Transaction(
                    failure=None,
                    request=records.HttpRequest(headers={}, headers_list=(), url="http://www.example.com/"),
                    response=records.HttpResponse(
                        body=body,
                        code=200,
                        headers={"X-You": (said := anything(rng, who))},
                        headers_list=(("X-You", said),),
                    ),
                    t=1.0,
                ),
            ),
            extra={**walked(who, test), "x_gatewatch_note_failure": anything(rng, who)},
        ),
    )
    assert who.tells(dumps(m)), "whoever looks finds what is there"
    out = dumps(Scrubber(who.addresses, who.names, [who.router]).measurement(m))
    assert who.tells(out) == []


@EXAMPLES
@given(rng=CHANCE)
def test_truncated_hops_are_told_apart_by_a_hash_that_nobody_can_undo(rng: random.Random) -> None:
    who = person(rng)
    m = Measurement(
        input="https://www.example.com/",
        measurement_start_time="2024-02-12 20:33:47",
        software_version="0.1.0",
        test_name="trace",
        test_start_time="2024-02-12 20:33:47",
        test_keys=TestKeys(extra=walked(who, "trace")),
    )
    replies = Scrubber(who.addresses, (), [who.router]).measurement(m).test_keys.extra["replies"]
    cut = [row for row in replies if TRUNCATED in row]
    assert [row[HOP] for row in cut] == [hashed(address) for _, address in who.path]
    assert len({row[HOP] for row in cut}) == len(cut)
    # Another start of gatewatch, another key: the hash of the same router is another.
    assert hashed(who.nat, b"another key") != hashed(who.nat) == hashed(who.nat)
