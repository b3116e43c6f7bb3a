"""QUIC over the seam: what a handshake leaves on record, and how each way of failing is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import trio
from tests.worlds.authority import trust as stranger
from tests.worlds.clock import run
from tests.worlds.country import attached
from tests.worlds.quic import box, country, within

from gatewatch.lab.country.scenario import load
from gatewatch.lab.world import World
from gatewatch.net import quic, quicwire
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import failure as f

pytest.importorskip("aioquic", reason="QUIC handshakes need aioquic: pip install 'gatewatch[quic]'")


def shake(
    name: str, *boxes: Any, at: str = "", change: Callable[[Wire], object] = lambda _: None, **more: Any
) -> tuple[str | None, Journal]:
    """A handshake for ``name`` with the server of ``at``, or its own."""

    async def act(wire: Wire, world: World) -> tuple[str | None, Journal]:
        change(wire)
        journal = Journal()
        failure: str | None = f.GENERIC_TIMEOUT
        address = world.address_of(at or name)[0]
        with trio.move_on_after(10):
            failure = await quic.handshake(journal, address, 443, name, wire.trust, tags=("x",), **more)
        return failure, journal

    return within(country(*boxes), act)


def test_a_handshake_is_on_record_as_ooni_writes_it() -> None:
    failure, journal = shake("good.com")
    assert failure is None
    (record,) = journal.handshakes
    assert (record.network, record.failure, record.server_name) == ("udp", None, "good.com")
    assert (record.tls_version, record.negotiated_protocol) == ("TLSv1.3", "h3")
    assert record.cipher_suite == "TLS_AES_256_GCM_SHA384"
    assert record.no_tls_verify is False
    assert len(record.peer_certificates or ()) == 1
    # One round trip of 2 x 24.5 ms: the server's first flight fits what it may send unasked.
    assert record.t is not None
    assert record.t == pytest.approx(0.049)
    operations = [event.operation for event in journal.events]
    assert operations[:2] == ["quic_handshake_start", "write_to"]
    assert operations[-1] == "quic_handshake_done"
    assert "read_from" in operations
    assert {(event.proto, event.transaction_id, event.tags) for event in journal.events} == {
        ("udp", record.transaction_id, ("x",))
    }
    assert journal.events[1].num_bytes == quicwire.SMALLEST_INITIAL


def test_silence_is_a_timeout_after_several_tries() -> None:
    failure, journal = shake("bad.com", box("quic-sni-drop"))
    assert failure == f.GENERIC_TIMEOUT
    (record,) = journal.handshakes
    assert (record.failure, record.t, record.peer_certificates) == (f.GENERIC_TIMEOUT, 10.0, None)
    sent = [event for event in journal.events if event.operation == "write_to"]
    assert len(sent) >= 4  # retransmitted, each time after twice as long
    assert journal.events[-1].failure == f.GENERIC_TIMEOUT


def test_a_server_without_quic_refuses() -> None:
    failure, _ = shake("lied.com")
    assert failure == f.CONNECTION_REFUSED


def test_a_certificate_of_another_name_is_refused_and_kept() -> None:
    failure, journal = shake("example.net", at="good.com")
    assert failure == f.SSL_INVALID_HOSTNAME
    assert journal.handshakes[0].peer_certificates


def test_unverified_it_is_a_success_and_says_so() -> None:
    failure, journal = shake("example.net", at="good.com", verify=False)
    assert failure is None
    assert journal.handshakes[0].no_tls_verify is True


def test_an_unknown_authority_is_called_so() -> None:
    def distrust(wire: Wire) -> None:
        wire.trust = stranger()

    failure, _ = shake("good.com", change=distrust)
    assert failure == f.SSL_UNKNOWN_AUTHORITY


def test_over_ipv6_it_is_the_same() -> None:
    six = load("six")
    speaking = replace(
        six,
        sites=replace(six.sites, quic=frozenset({"good.com"}), ipv6_share=1.0),
        isps=tuple(replace(isp, boxes=(box("quic-sni-drop", domains=("bad.com",)),)) for isp in six.isps),
    )

    async def main() -> list[str | None]:
        found: list[str | None] = []
        async with attached("works", speaking) as (wire, world):
            (address,) = [a for a in world.address_of("good.com") if ":" in a]
            for name in ("good.com", "bad.com"):
                failure: str | None = f.GENERIC_TIMEOUT
                with trio.move_on_after(10):
                    failure = await quic.handshake(Journal(), address, 443, name, wire.trust)
                found.append(failure)
            versions, _ = await quic.ask_versions(Journal(), address, 443)
            assert versions
        return found

    assert run(main) == [None, f.GENERIC_TIMEOUT]


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (0x128, "", f.SSL_FAILED_HANDSHAKE),
        (0x12A, "", f.SSL_INVALID_CERTIFICATE),
        (0x130, "", f.SSL_UNKNOWN_AUTHORITY),
        (0x170, "", f.SSL_INVALID_HOSTNAME),
        (0x02, "", f.CONNECTION_REFUSED),
        (0x01, "Idle timeout", f.GENERIC_TIMEOUT),
        (0x01, "Could not find a common protocol version", f.QUIC_INCOMPATIBLE),
        (0x0A, "no", "unknown_failure: quic error 0xa no"),
    ],
)
def test_ends_are_called_as_ooni_calls_them(code: int, reason: str, word: str) -> None:
    assert quic._terminated(code, reason) == word


def test_what_the_library_stumbles_over_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr("aioquic.quic.connection.QuicConnection.receive_datagram", stumble)
    # The lab's server stumbles as well: only what the client reads counts here.
    monkeypatch.setattr("gatewatch.lab.servers.quic.QuicServer._take", lambda self, *_: self._line.send(b"?"))
    assert shake("good.com")[0] == "unknown_failure: quic: IndexError while reading"


def test_a_flood_ends_a_handshake_and_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def flood(self: Any, *_: object) -> None:
        for _number in range(200):
            self._line.send(b"\x80" * 1200)

    monkeypatch.setattr("gatewatch.lab.servers.quic.QuicServer.received", flood)
    failure, journal = shake("good.com")
    assert failure == "unknown_failure: quic: a flood of datagrams"
    assert len(journal.events) < 200
    assert ask("good.com") == ((), "unknown_failure: quic: a flood of other datagrams")


def test_without_aioquic_the_user_learns_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "aioquic.quic.connection", None)
    with pytest.raises(quic.Unavailable, match=r"pip install 'gatewatch\[quic\]'"):
        quic.require()


def ask(host: str, *boxes: Any) -> tuple[tuple[int, ...], str | None]:
    async def act(_: Wire, world: World) -> tuple[tuple[int, ...], str | None]:
        with trio.move_on_after(5):
            return await quic.ask_versions(Journal(), world.address_of(host)[0], 443)
        return (), f.GENERIC_TIMEOUT

    return within(country(*boxes), act)


def test_a_server_tells_its_versions() -> None:
    assert ask("good.com") == ((0x00000001, 0x6B3343CF), None)
    # No name is in the question, so a filter by name does not see it.
    assert ask("bad.com", box("quic-sni-drop")) == ((0x00000001, 0x6B3343CF), None)


def test_no_versions_from_a_server_without_quic_or_behind_a_filter_of_udp_443() -> None:
    assert ask("lied.com") == ((), f.CONNECTION_REFUSED)
    assert ask("good.com", box("quic-drop", domains=())) == ((), f.GENERIC_TIMEOUT)


def test_only_an_answer_to_this_very_question_counts() -> None:
    asked = quicwire.question()
    assert len(asked.packet) == 1200
    assert asked.version & 0x0F0F0F0F == 0x0A0A0A0A
    good = b"\x80" + bytes(4) + b"\x08" + asked.from_id + b"\x08" + asked.to_id + b"\0\0\0\1"
    assert quicwire.versions(asked, good) == (1,)
    other = quicwire.question()
    assert quicwire.versions(other, good) is None
    for cut in range(len(good)):
        assert quicwire.versions(asked, good[:cut]) is None
    assert quicwire.versions(asked, b"\x40" + good[1:]) is None
