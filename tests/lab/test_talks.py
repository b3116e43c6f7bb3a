"""Conversations over UDP: several answers to one datagram, later ones, each client apart."""

from __future__ import annotations

from tests.lab.village import NAMES, SERVER_MS, bench, run, udp

from gatewatch.lab.apps import DatagramApp, TalkLine
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.talks import Talks

GOOD = NAMES["good.com"]


def test_one_datagram_is_answered_by_several_and_a_later_one() -> None:
    engine, _ = bench()
    got = run(engine, udp(GOOD, 4433, b"x"))
    assert [(when, p.payload(answer)) for when, answer in got] == [
        (2 * SERVER_MS, b"once x"),
        (2 * SERVER_MS, b"upon x"),
        (2 * SERVER_MS + 250, b"a time, after 1"),
    ]
    assert {p.ports(answer) for _, answer in got} == {(4433, 4000)}


def test_a_timer_that_is_set_again_expires_once_and_late() -> None:
    engine, _ = bench()
    engine.from_client(bytearray(udp(GOOD, 4433, b"x")), 0.0)
    engine.from_client(bytearray(udp(GOOD, 4433, b"y")), 0.1)
    got = run(engine)
    assert [(when, p.payload(answer)) for when, answer in got if b"time" in p.payload(answer)] == [
        (350 + 2 * SERVER_MS, b"a time, after 2")
    ]


def test_clients_are_told_apart_by_their_port() -> None:
    engine, _ = bench()
    got = run(engine, udp(GOOD, 4433, b"x"), udp(GOOD, 4433, b"x", sport=4001))
    late = [(p.ports(answer)[1], p.payload(answer)) for _, answer in got if b"time" in p.payload(answer)]
    assert late == [(4000, b"a time, after 1"), (4001, b"a time, after 1")]


def test_an_ended_conversation_begins_anew() -> None:
    engine, _ = bench()
    run(engine, udp(GOOD, 4433, b"x"), udp(GOOD, 4433, b"bye"))
    got = run(engine, udp(GOOD, 4433, b"x"), now=1.0)
    assert p.payload(got[-1][1]) == b"a time, after 1"


def test_ports_without_conversations_are_as_before() -> None:
    engine, _ = bench()
    ((_, answer),) = run(engine, udp("8.8.8.8", 53))
    assert p.payload(answer) == b"true question"


def test_the_oldest_conversation_makes_room() -> None:
    class Mute:
        def received(self, data: bytes, now: float) -> None:
            pass

        def expired(self, now: float) -> None:
            raise AssertionError("no timer was set")

    def opened(address: str, port: int, line: TalkLine) -> DatagramApp:
        return Mute()

    talks = Talks(lambda *_: None, opened)
    for number in range(5000):
        assert talks.receive(("1.0.0.1", 443), ("2.0.0.1", number), b"", 0.0)
    assert len(talks) == 4096
    assert talks.due() is None
