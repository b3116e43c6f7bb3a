"""Web sites: pages, redirects, TLS under the lab's authority, and clients that misbehave."""

from __future__ import annotations

import gzip
import ssl

import pytest
from tests.lab.visitor import CLIENT, Tls, Wire, ask, dial, get, read, trusting

from gatewatch.lab.country.scenario import load
from gatewatch.lab.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("small"))


@pytest.fixture(scope="module")
def methods() -> World:
    return World(load("methods"))


def test_a_page_is_the_same_for_everybody_apart_from_the_echo(world: World) -> None:
    status, headers, body = get(world, "live.com", "/any/path?q=1")
    assert status == 200
    assert b"<title>live.com " in body and CLIENT.encode() in body
    assert headers["x-client-ip"] == CLIENT
    assert (status, headers | {"date": ""}, body) == (
        200,
        get(World(load("small")), "live.com", "/any/path?q=1")[1] | {"date": ""},
        get(World(load("small")), "live.com", "/any/path?q=1")[2],
    )


def test_pages_differ_in_length_title_and_headers(world: World) -> None:
    pages = [get(world, f"site-{i}.com") for i in range(40)]
    sizes = [len(body) for _, _, body in pages]
    assert min(sizes) > 2_000 and max(sizes) < 42_000 and len(set(sizes)) == 40
    assert len({headers["server"] for _, headers, _ in pages}) >= 4
    assert len({frozenset(headers) for _, headers, _ in pages}) >= 10


def test_some_pages_are_chunked_and_some_compressed_when_asked(world: World) -> None:
    chunked = compressed = 0
    for i in range(60):
        _, plain_headers, plain = get(world, f"site-{i}.com")
        _, headers, body = get(world, f"site-{i}.com", encoding="gzip, deflate")
        chunked += headers.get("transfer-encoding") == "chunked"
        assert ("content-length" in headers) is ("transfer-encoding" not in headers)
        assert "content-encoding" not in plain_headers
        if headers.get("content-encoding") == "gzip":
            compressed += 1
            body = gzip.decompress(body)
        assert body == plain
    assert chunked >= 8 and compressed >= 8


def test_the_path_cannot_inject_markup(world: World) -> None:
    assert b"<script>" not in get(world, "live.com", "/<script>")[2]


def test_head_has_no_body_and_keep_alive_serves_twice(world: World) -> None:
    app, wire = dial(world, world.address_of("live.com")[0], 80)
    app.data_received(ask("live.com", method="HEAD"))
    status, headers, body = read(wire.take(), "HEAD")
    assert (status, body) == (200, b"") and int(headers.get("content-length", 1)) > 0
    app.data_received(ask("live.com"))
    assert read(wire.take())[0] == 200 and not wire.closed
    app.data_received(ask("live.com", Connection="close"))
    assert read(wire.take())[0] == 200 and wire.closed


def test_malformed_requests_get_400_and_the_end(world: World) -> None:
    for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff\r\n\r\n"):
        app, wire = dial(world, world.address_of("live.com")[0], 80)
        app.data_received(data)
        assert wire.take().startswith(b"HTTP/1.1 400") and wire.closed


def test_an_endless_request_body_is_cut_off(world: World) -> None:
    app, wire = dial(world, world.address_of("live.com")[0], 80)
    app.data_received(b"POST / HTTP/1.1\r\nHost: live.com\r\nContent-Length: 99999999\r\n\r\n")
    for _ in range(40):
        if not wire.closed:
            app.data_received(b"x" * 65536)
    assert wire.take().startswith(b"HTTP/1.1 400") and wire.closed


def test_http_redirects_to_https_where_the_scenario_says_so(world: World) -> None:
    status, headers, _ = get(world, "www.secure.com", "/a?b=c")
    assert status in (301, 302, 308)
    assert headers["location"] == "https://www.secure.com/a?b=c"
    address = world.address_of("www.secure.com")[0]
    status, _, _ = read(Tls(world, address, "www.secure.com").send(ask("www.secure.com", "/a?b=c")))
    assert status == 200


def test_some_sites_redirect_their_front_page(methods: World) -> None:
    moved = 0
    for i in range(80):
        name = f"front-{i}.com"
        address = (methods.address_of(name) or ("",))[0]
        if (
            not address
            or not methods.exists(address)
            or methods.accept(address, 443, Wire(address, 443)) is None
        ):
            continue
        status, headers, _ = read(Tls(methods, address, name).send(ask(name)))
        if status != 200:
            assert headers["location"] == f"https://{name}/en/"
            moved += 1
    assert 2 < moved < 20


@pytest.mark.parametrize(
    "name",
    ["www.rfa.org", "xn--d1acpjx3f.xn--p1ai", "124.225.213.74", "foo_bar.com", "r3---sn-x.com", "a-.b.com"],
)
def test_certificates_hold_the_name_and_verify(world: World, name: str) -> None:
    client = Tls(world, world.address_of(name)[0], name)
    assert client.tls.version() == "TLSv1.3" and client.tls.selected_alpn_protocol() == "http/1.1"
    assert client.names() == {name}
    assert read(client.send(ask(name)))[0] == 200


def test_no_sni_and_foreign_sni_get_the_addresss_own_certificate(world: World) -> None:
    address = world.address_of("own.com")[0]
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        Tls(world, address, "other.com")
    context = trusting(world)
    context.check_hostname = False
    app, wire = dial(world, address, 443)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    app.data_received(out.read())
    into.write(wire.take())
    tls.do_handshake()
    assert ("DNS", "own.com") in (tls.getpeercert() or {})["subjectAltName"]


def test_two_worlds_do_not_trust_each_other(world: World, methods: World) -> None:
    assert world.ca_pem() != methods.ca_pem()
    assert world.ca_pem().startswith(b"-----BEGIN CERTIFICATE-----")
    app, wire = dial(world, world.address_of("live.com")[0], 443)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(methods).wrap_bio(into, out, server_hostname="live.com")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    app.data_received(out.read())
    into.write(wire.take())
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        tls.do_handshake()
    app.data_received(out.read())
    assert wire.closed, "the client's alert ends the connection"


def test_close_notify_closes_and_a_bad_hello_gets_an_alert(world: World) -> None:
    client = Tls(world, world.address_of("live.com")[0], "live.com")
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.exchange()
    assert client.wire.closed
    app, wire = dial(world, world.address_of("live.com")[0], 443)
    app.data_received(b"\x16\x03\x01\x00\x05hello")
    assert wire.take()[:1] == b"\x15" and wire.closed


def test_tls_reassembles_a_hello_that_arrives_byte_by_byte(world: World) -> None:
    app, wire = dial(world, world.address_of("live.com")[0], 443)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(world).wrap_bio(into, out, server_hostname="live.com")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    for byte in out.read():
        app.data_received(bytes([byte]))
    into.write(wire.take())
    tls.do_handshake()
    assert tls.version() == "TLSv1.3"


def test_odd_ports_speak_what_the_client_speaks(world: World) -> None:
    address = world.address_of("odd.com")[0]
    app, wire = dial(world, address, 9966)
    app.data_received(ask("odd.com:9966", "/visur/"))
    assert b"<title>odd.com" in read(wire.take())[2]
    assert read(Tls(world, address, "odd.com", 8443).send(ask("odd.com:8443")))[0] == 200


def test_beacons(world: World) -> None:
    status, headers, body = get(world, "connectivitycheck.gstatic.com", "/generate_204")
    assert (status, body) == (204, b"") and "content-length" not in headers
    assert get(world, "detectportal.firefox.com", "/success.txt")[2] == b"success\n"


def test_block_page_host_serves_one_page_for_every_name(methods: World) -> None:
    app, wire = dial(methods, "202.58.101.80", 80)
    app.data_received(ask("www.rfa.org", "/khmer/"))
    status, _, body = read(wire.take())
    assert status == 200 and b"<title>Access denied</title>" in body
