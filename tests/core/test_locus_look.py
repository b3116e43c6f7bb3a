"""What packets around a trigger say: whose they are, whether it went on, and what to believe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatewatch.locus import Belief, Path, Sighting
from gatewatch.locus.look import Look, look, server_ttl
from gatewatch.net.dissect import Packet, Quote

SERVER_TTL, HOP = 50, 4


def path(silent: int = 0) -> Path:
    """Ten hops, 2 ms each."""
    made = Path(10)
    for ttl in range(1, 11):
        for _ in range(2):
            made.control(ttl, None if ttl == silent else ttl * 2.0, f"10.0.0.{ttl}")
    return made


def ours(
    time: float = 0.0, *, data: bytes = b"hello", flags: str = "PA", seq: int = 1000, ttl: int = 5
) -> Packet:
    return Packet(time, True, ttl, 0, 7, True, 6, 61000, 443, seq, 5000, flags, 500, b"", data)


def theirs(time: float, flags: str, *, ttl: int = 60, ack: int = 1005, data: bytes = b"") -> Packet:
    return Packet(time, False, ttl, 0, 9, False, 6, 443, 61000, 5000, ack, flags, 0, b"", data)


SYN_ACK = theirs(-0.01, "SA", ttl=SERVER_TTL, ack=1000)


def word(time: float, ip_id: int = 7, seq: int = 1000, kind: int = 11) -> Quote:
    return Quote(time, "10.0.0.5", 250, kind, 0, ip_id, seq)


def test_a_reset_that_no_server_sent() -> None:
    seen = look([SYN_ACK, ours(), theirs(0.008, "RA")], 5, path(), None)
    (packet,) = seen.injected
    assert packet.told_by == ("ttl", "early", "unreachable")
    assert (packet.rtt, packet.ttl, packet.flags, packet.seq_offset, packet.ack_offset) == (
        8.0,
        60,
        "RA",
        0,
        0,
    )
    assert (seen.offender, seen.went_on) == (None, False)


def test_a_servers_own_answers_are_not_injected() -> None:
    own = [theirs(0.02, "A", ttl=SERVER_TTL), theirs(0.021, "PA", ttl=SERVER_TTL, data=b"hi")]
    late = replace(SYN_ACK, time=0.03)
    seen = look([SYN_ACK, ours(ttl=10), *own, late], 10, path(), None)
    assert (seen.injected, seen.answered, seen.went_on) == ((), True, None)


def test_a_word_behind_a_reset_means_beside_the_path() -> None:
    seen = look([SYN_ACK, ours(), theirs(0.008, "R", ack=0), word(0.010)], 5, path(), None)
    assert (seen.offender, seen.offender_rtt, seen.went_on) == ("10.0.0.5", 10.0, True)
    assert seen.injected[0].ack_offset is None


@pytest.mark.parametrize(
    "other", [word(0.010, ip_id=8), word(0.010, seq=999), word(-0.001), word(0.010, kind=5), word(0.3)]
)
def test_a_word_about_another_packet_is_none(other: Quote) -> None:
    again = replace(ours(0.25, ttl=1), ip_id=8)
    seen = look([SYN_ACK, ours(), theirs(0.008, "RA"), again, other], 5, path(), None)
    assert (seen.offender, seen.went_on) == (None, False)


def test_the_server_answers_though_something_was_injected() -> None:
    behind = [theirs(0.008, "RA"), theirs(0.020, "A", ttl=SERVER_TTL)]
    assert look([SYN_ACK, ours(), *behind], 10, path(), None).went_on is True
    # Its silence proves nothing: it may have been reset as well.
    assert look([SYN_ACK, ours(), behind[0]], 10, path(), None).went_on is None


def test_datagrams_are_held_against_the_answers_to_controls() -> None:
    question = Packet(0.0, True, 10, 0, 7, True, 17, 4000, 53, payload=b"?")
    lie = Packet(0.008, False, 61, 0, 1, False, 17, 53, 4000, payload=b"!")
    true = replace(lie, time=0.02, ttl=SERVER_TTL)
    seen = look([question, lie, true], 10, path(), SERVER_TTL)
    assert [packet.told_by for packet in seen.injected] == [("ttl", "early")]
    assert seen.went_on is True
    assert server_ttl([question, lie]) == 61
    # Nothing resets a server that is asked by datagrams, so its silence tells.
    assert look([question, lie], 10, path(), SERVER_TTL).went_on is False


def test_a_reset_to_a_syn_is_held_against_the_syn_ack_behind_it() -> None:
    syn = replace(ours(ttl=10), flags="S", payload=b"")
    reset = theirs(0.018, "RA", ack=1001)
    seen = look([syn, reset, theirs(0.020, "SA", ttl=SERVER_TTL, ack=1001)], 10, path(), None)
    assert ([packet.told_by for packet in seen.injected], seen.went_on) == ([("ttl",)], True)
    # A port where nobody listens refuses by itself.
    assert look([syn, replace(reset, time=0.020)], 10, path(), None).injected == ()


def test_without_a_trigger_there_is_nothing_to_see() -> None:
    assert look([], 5, path(), SERVER_TTL) == Look()
    assert look([theirs(0.0, "RA")], 5, path(), SERVER_TTL) == Look()


def test_half_an_address_is_not_kept_of_a_long_payload() -> None:
    page = b"x" * 55 + b"10.20.30.40 and more"
    (packet,) = look([SYN_ACK, ours(), theirs(0.008, "PA", data=page)], 5, path(), None).injected
    assert (packet.payload, packet.size) == (b"x" * 55, len(page))


# -- the belief


def seen(ttl: int, *, went_on: bool | None) -> Sighting:
    return Sighting(ttl, "interfered" if ttl >= HOP else "expired", 8.0, reply_ttl=60, went_on=went_on)


def beside(went_on: bool | None, silent: int = 0, shots: int = 2) -> float:
    belief = Belief(path(silent), drops=False)
    for _ in range(shots):
        belief.see(seen(HOP, went_on=went_on))
        belief.see(Sighting(HOP - 1, "expired", 6.0))
    return belief.place().in_path


def test_in_the_path_or_beside_it() -> None:
    assert beside(True) < 0.01
    assert beside(False) > 0.95
    # Nobody looked; or the router there never says a word.
    assert 0.2 < beside(None) < 0.9
    assert abs(beside(False, silent=HOP) - beside(None, silent=HOP)) < 0.05
