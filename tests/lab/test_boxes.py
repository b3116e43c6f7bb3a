"""Each kind of box: what the client gets, when, with which numbers; and that the trigger's TTL decides."""

from __future__ import annotations

import pytest
from tests.lab.village import (
    PUBLIC_RESOLVER,
    RESOLVER,
    ROUTERS,
    SERVER_MS,
    assert_sound,
    bench,
    box,
    client_hello,
    read,
    run,
    tcp,
    udp,
)

from gatewatch.lab.boxes.flow import Unclear
from gatewatch.lab.boxes.request import host
from gatewatch.lab.boxes.sni import server_name
from gatewatch.lab.path import packet as p
from gatewatch.net import dnswire

BAD, GOOD = "1.0.0.2", "1.0.0.1"
# The bench's boxes stand at hop 2, 1.5 ms away.
AT_BOX = 3.0


def query(name: str = "www.bad.com", qtype: str = "A") -> bytes:
    return dnswire.query(name, qtype, 77)


def request(name: str) -> bytes:
    return f"GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: {name}\r\n\r\n".encode()


# -- DNS


@pytest.mark.parametrize(
    ("method", "address", "rcode", "addresses"),
    [
        ("nxdomain", "", 3, ()),
        ("bogon", "127.0.0.1", 0, ("127.0.0.1",)),
        ("redirect", "9.9.9.1", 0, ("9.9.9.1",)),
    ],
)
def test_a_lying_resolver(method: str, address: str, rcode: int, addresses: tuple[str, ...]) -> None:
    engine, _ = bench(box("dns-lie", method=method, address=address, resolvers="isp"))
    ((when, answer),) = run(engine, udp(RESOLVER, 53, query()))
    reply = dnswire.parse(p.payload(answer))
    assert (when, reply.txid, reply.rcode, reply.addresses) == (AT_BOX, 77, rcode, addresses)
    assert answer[8] == 63  # one router on the way back
    assert_sound(answer)


def test_a_lie_has_no_ipv6_address_but_a_name_that_exists() -> None:
    engine, _ = bench(box("dns-lie", method="bogon", address="127.0.0.1", resolvers="isp"))
    ((_, answer),) = run(engine, udp(RESOLVER, 53, query(qtype="AAAA")))
    reply = dnswire.parse(p.payload(answer))
    assert (reply.rcode, reply.records) == (0, ())


@pytest.mark.parametrize(
    ("resolver", "wire"),
    [
        (PUBLIC_RESOLVER, query()),
        (RESOLVER, query("good.com")),
        (RESOLVER, query(qtype="HTTPS")),
        (RESOLVER, b"?"),
    ],
)
def test_the_lying_resolver_is_true_to_others(resolver: str, wire: bytes) -> None:
    engine, _ = bench(box("dns-lie", method="nxdomain", resolvers="isp"))
    ((_, answer),) = run(engine, udp(resolver, 53, wire))
    assert p.payload(answer) == b"true " + wire


def test_dropped_questions_get_no_answer_from_the_isp_and_one_from_others() -> None:
    engine, _ = bench(box("dns-drop", resolvers="isp"))
    assert run(engine, udp(RESOLVER, 53, query())) == []
    assert len(run(engine, udp(PUBLIC_RESOLVER, 53, query()))) == 1
    assert len(run(engine, udp(RESOLVER, 53, query("good.com")))) == 1


def test_dropping_for_all_resolvers() -> None:
    engine, _ = bench(box("dns-drop", resolvers="all"))
    assert run(engine, udp(PUBLIC_RESOLVER, 53, query())) == []


def test_an_injected_answer_comes_first_and_the_true_one_later() -> None:
    engine, _ = bench(box("dns-inject", method="redirect", address="9.9.9.1", resolvers="all"))
    (first, forged), (second, true) = run(engine, udp(PUBLIC_RESOLVER, 53, query()))
    assert (first, dnswire.parse(p.payload(forged)).addresses) == (AT_BOX, ("9.9.9.1",))
    assert (second, p.payload(true)) == (2 * SERVER_MS, b"true " + query())
    assert (forged[8], true[8]) == (63, 58)  # the TTL tells them apart


# -- TCP


def test_a_dropped_syn_vanishes_also_for_names_that_share_the_address() -> None:
    engine, village = bench(box("tcp-drop"))
    assert run(engine, tcp(BAD, 80, flags=p.SYN), tcp(BAD, 8443, flags=p.SYN)) == []
    assert village.accepted == []
    assert len(run(engine, tcp(GOOD, 80, flags=p.SYN), until=0.1)) == 1


@pytest.mark.parametrize("in_path", [True, False])
def test_a_reset_syn(in_path: bool) -> None:
    engine, village = bench(box("tcp-reset", in_path=in_path))
    got = run(engine, tcp(BAD, 443, flags=p.SYN, seq=41), until=0.1)
    refused = read(got[0][1])
    assert (got[0][0], refused.flags, refused.seq, refused.ack) == (AT_BOX, p.RST | p.ACK, 0, 42)
    # On-path, the server has seen the SYN and answers too, too late.
    assert len(got) == (1 if in_path else 2)
    assert len(village.accepted) == (0 if in_path else 1)


# -- TLS and HTTP: the same numbers for both

TRIGGERS = [("sni-reset", 443, client_hello("www.bad.com")), ("http-reset", 80, request("www.bad.com:80"))]


@pytest.mark.parametrize(("kind", "port", "trigger"), TRIGGERS)
def test_an_in_path_reset_ends_both_sides(kind: str, port: int, trigger: bytes) -> None:
    engine, village = bench(box(kind))
    ((_, syn_ack),) = run(engine, tcp(BAD, port, flags=p.SYN, seq=999), until=0.1)
    ours = read(syn_ack).seq + 1
    got = run(engine, tcp(BAD, port, flags=p.ACK | p.PSH, seq=1000, ack=ours, data=trigger), until=0.1)
    reset = read(got[0][1])
    assert (got[0][0], reset.flags) == (AT_BOX, p.RST | p.ACK)
    # What the client's kernel demands: exactly the next number it waits for.
    assert (reset.seq, reset.ack) == (ours, 1000 + len(trigger))
    assert (reset.source, reset.sport) == (bytes((1, 0, 0, 2)), port)
    assert len(got) == 1
    assert village.heard == b""
    # The server was reset as well: it no longer knows the connection.
    ((_, gone),) = run(engine, tcp(BAD, port, flags=p.SYN, seq=5, sport=4001), until=0.1)
    assert read(gone).flags == p.SYN | p.ACK
    assert engine.finished == 1


@pytest.mark.parametrize(("kind", "port", "trigger"), TRIGGERS)
def test_an_on_path_reset_overtakes_the_answer(kind: str, port: int, trigger: bytes) -> None:
    engine, village = bench(box(kind, in_path=False))
    ((_, syn_ack),) = run(engine, tcp(BAD, port, flags=p.SYN, seq=999), until=0.1)
    ours = read(syn_ack).seq + 1
    got = run(engine, tcp(BAD, port, flags=p.ACK, seq=1000, ack=ours, data=trigger), until=0.1)
    assert (got[0][0], read(got[0][1]).flags) == (AT_BOX, p.RST | p.ACK)
    assert (got[1][0], read(got[1][1]).data) == (2 * SERVER_MS, b"hello from 1.0.0.2")
    assert village.heard == trigger


@pytest.mark.parametrize(("kind", "port", "trigger"), TRIGGERS)
def test_a_trigger_is_seen_before_it_expires_at_the_same_hop(kind: str, port: int, trigger: bytes) -> None:
    def reset_at(ttl: int, *, in_path: bool) -> list[str]:
        engine, _ = bench(box(kind, hop=3, in_path=in_path))
        got = run(engine, tcp(BAD, port, flags=p.ACK, ack=7, data=trigger, ttl=ttl))
        return ["icmp" if packet[9] == p.ICMP else "rst" for _, packet in got]

    assert reset_at(2, in_path=True) == ["icmp"]
    assert reset_at(3, in_path=True) == ["rst"]
    # An on-path box only listens: the packet goes on and expires at the router beside it, at the same time.
    assert sorted(reset_at(3, in_path=False)) == ["icmp", "rst"]


def test_a_name_spread_over_segments_is_put_together() -> None:
    hello = client_hello("www.bad.com")
    engine, _ = bench(box("sni-reset", in_path=False))
    pieces = [hello[:3], hello[3:60], hello[60:]]
    seq, got = 1000, []
    for piece in pieces:
        got.append(run(engine, tcp(BAD, 443, flags=p.ACK, seq=seq, ack=7, data=piece), until=0.01))
        seq += len(piece)
    assert [len(answers) for answers in got] == [0, 0, 1]


def test_a_gap_in_the_stream_hides_the_name() -> None:
    hello = client_hello("www.bad.com")
    engine, _ = bench(box("sni-reset"))
    run(engine, tcp(BAD, 443, flags=p.ACK, seq=1000, ack=7, data=hello[:60]), until=0.01)
    assert run(engine, tcp(BAD, 443, flags=p.ACK, seq=1061, ack=7, data=hello[61:]), until=0.01) == []


def test_a_repeated_trigger_is_reset_again() -> None:
    engine, _ = bench(box("sni-reset"))
    hello = tcp(BAD, 443, flags=p.ACK, ack=7, data=client_hello("bad.com"))
    first, again = run(engine, hello, until=0.01), run(engine, hello, until=0.01)
    assert first == again
    assert len(first) == 1


def test_a_dropped_flow_stays_dropped_and_its_port_can_be_used_again() -> None:
    engine, village = bench(box("sni-drop"))
    hello = client_hello("bad.com")
    assert run(engine, tcp(BAD, 443, flags=p.ACK, ack=7, data=hello), until=0.1) == []
    later = tcp(BAD, 443, flags=p.ACK, seq=1000 + len(hello), ack=7, data=b"more")
    assert run(engine, later, tcp(BAD, 443, flags=p.ACK, ack=7, data=hello)) == []
    assert len(run(engine, tcp(BAD, 443, flags=p.SYN), until=0.1)) == 1
    assert village.heard == b""


@pytest.mark.parametrize(
    ("kind", "port", "data"),
    [
        ("sni-reset", 443, client_hello("good.com")),
        ("sni-reset", 443, client_hello("notbad.com")),
        ("sni-reset", 443, request("www.bad.com")),
        ("sni-reset", 8443, client_hello("bad.com")),
        ("http-reset", 80, request("good.com")),
        ("http-reset", 80, client_hello("bad.com")),
        ("http-reset", 80, b"GET /?Host:bad.com HTTP/1.1\r\nHost: good.com\r\n\r\n"),
    ],
)
def test_other_traffic_passes(kind: str, port: int, data: bytes) -> None:
    engine, _ = bench(box(kind))
    got = run(engine, tcp(BAD, port, flags=p.ACK, ack=7, data=data), until=0.1)
    # Nobody listens for this flow, so the server itself answers, from the end of the path.
    assert [when for when, _ in got] == [2 * SERVER_MS]


def test_the_block_page_comes_in_the_servers_name_and_the_client_can_close() -> None:
    body = "Blocked by order <1>. " * 100
    engine, village = bench(box("http-blockpage", title="No & no", body=body))
    ((_, syn_ack),) = run(engine, tcp(BAD, 80, flags=p.SYN, seq=999), until=0.1)
    ours = read(syn_ack).seq + 1
    trigger = request("bad.com")
    got = run(engine, tcp(BAD, 80, flags=p.ACK, seq=1000, ack=ours, data=trigger), until=0.1)
    segments = [read(packet) for _, packet in got]
    assert {when for when, _ in got} == {AT_BOX}
    page = b"".join(segment.data for segment in segments)
    assert [segment.seq - ours for segment in segments] == [0, 1460, 2920]
    assert [segment.flags & p.FIN for segment in segments] == [0, 0, p.FIN]
    head, _, text = page.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(text)}".encode() in head
    assert b"<title>No &amp; no</title>" in text
    assert b"&lt;1&gt;" in text
    # The client acknowledges and closes; the box stands in for the server.
    end = 1000 + len(trigger)
    fin = tcp(BAD, 80, flags=p.FIN | p.ACK, seq=end, ack=ours + len(page) + 1)
    ((when, answer),) = run(engine, fin, until=0.1)
    closed = read(answer)
    assert (when, closed.flags, closed.ack, closed.seq) == (AT_BOX, p.ACK, end + 1, ours + len(page) + 1)
    assert village.heard == b""
    assert engine.finished == 1


def test_the_table_of_flows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.lab.boxes.flow._FLOWS", 2)
    engine, _ = bench(box("sni-drop"))
    hello = client_hello("bad.com")
    for sport in (1, 2, 3):
        run(engine, tcp(BAD, 443, flags=p.ACK, ack=7, data=hello, sport=sport), until=0.01)
    more = {"flags": p.ACK, "ack": 7, "data": b"more", "seq": 1000 + len(hello)}
    assert len(run(engine, tcp(BAD, 443, sport=1, **more), until=0.1)) == 1  # type: ignore[arg-type]
    assert run(engine, tcp(BAD, 443, sport=3, **more), until=0.1) == []  # type: ignore[arg-type]


# -- reading names


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_cut_client_hello_asks_for_more(cut: int) -> None:
    assert server_name(client_hello("bad.com")[: 1 + cut]) is Unclear.MORE


def test_a_client_hello_split_over_records() -> None:
    hello = client_hello("WWW.bad.com".lower())
    body = hello[5:]
    records = b"".join(
        b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in (body[:40], body[40:])
    )
    assert server_name(records) == "www.bad.com"


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x17\x03\x03\0\0",
        b"GET /",
        b"\x16\x03\x01\0\x04\x02\0\0\0",
        b"\x16\x03\x01\0\x05\x01\0\0\x01\0",
    ],
)
def test_what_is_no_client_hello_has_no_name(noise: bytes) -> None:
    assert server_name(noise) is Unclear.NONE


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"GET / HTTP/1.1\r\nHOST:  Bad.COM:8080 \r\n\r\n", "bad.com"),
        (b"POST / HTTP/1.1\r\nA: b\r\nHost: a\r\n", "a"),
        (b"GET / HTTP/1.1\r\nHost: a", Unclear.MORE),
        (b"GE", Unclear.MORE),
        (b"GET / HTTP/1.0\r\n\r\n", Unclear.NONE),
        (b"SSH-2.0-x\r\n", Unclear.NONE),
    ],
)
def test_reading_the_host_header(stream: bytes, found: object) -> None:
    assert host(stream) == found


def test_the_bench_is_what_the_docstrings_say() -> None:
    engine, _ = bench()
    ((when, _),) = run(engine, udp(PUBLIC_RESOLVER, 53, ttl=2))
    assert (when, len(ROUTERS)) == (AT_BOX, 6)
