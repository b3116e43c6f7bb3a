import errno
import socket
import ssl

import pytest
import trio
from tests.worlds.authority import ca, server, stranger, trust
from tests.worlds.streams import TlsPeer, broken, script

from gatewatch.net.errors import Eof, translate
from gatewatch.net.response import Malformed
from gatewatch.records.failure import VOCABULARY


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (broken(errno.ECONNREFUSED), "connection_refused"),
        (broken(errno.ECONNRESET), "connection_reset"),
        (broken(errno.EPIPE), "connection_reset"),
        (broken(errno.ECONNABORTED), "connection_aborted"),
        (broken(errno.EHOSTUNREACH), "host_unreachable"),
        (broken(errno.ENETUNREACH), "network_unreachable"),
        (broken(errno.ETIMEDOUT), "timed_out"),
        (broken(errno.EACCES), "permission_denied"),
        (broken(errno.EADDRNOTAVAIL), "address_not_available"),
        (broken(errno.EXDEV), "unknown_failure: OSError [Errno 18] Invalid cross-device link"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "dns_nxdomain_error"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "dns_temporary_failure"),
        (socket.gaierror(socket.EAI_FAIL, "x"), "dns_non_recoverable_failure"),
        (socket.gaierror(socket.EAI_FAMILY, "odd family"), "unknown_failure: odd family"),
        (Eof("cut"), "eof_error"),
        (trio.TooSlowError(), "generic_timeout_error"),
        (trio.BrokenResourceError(), "eof_error"),
        (caused(trio.BrokenResourceError(), broken(errno.ECONNRESET)), "connection_reset"),
        (Malformed("x"), "http_request_failed"),
        (KeyError("odd"), "unknown_failure: KeyError 'odd'"),
    ],
    ids=str,
)
def test_the_errno_comes_first_then_the_type_then_the_text(error: Exception, failure: str) -> None:
    assert translate(error) == failure
    assert failure in VOCABULARY or failure.startswith("unknown_failure")


@pytest.mark.skipif(not hasattr(socket, "EAI_NODATA"), reason="this system has no EAI_NODATA")
def test_a_name_without_addresses_is_not_a_missing_name() -> None:
    assert translate(socket.gaierror(socket.EAI_NODATA, "x")) == "dns_no_answer"


def handshake(context: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """A handshake in memory; gives what the client makes of it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.wrap_bio(incoming, outgoing, server_hostname=name)
    peer = TlsPeer(context, script())
    for _ in range(4):
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            for item in peer(outgoing.read()):
                assert isinstance(item, bytes)
                incoming.write(item) if item else incoming.write_eof()
        except ssl.SSLError as error:
            return translate(error)
        else:
            return "none"
    raise AssertionError("no end")


def only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = version
    ca().configure_trust(context)
    return context


@pytest.mark.parametrize(
    ("context", "name", "failure"),
    [
        (server(), "example.org", "none"),
        (server(), "example.com", "ssl_invalid_hostname"),
        (server(), "104.16.1.1", "ssl_invalid_hostname"),
        (server(expired=True), "example.org", "ssl_invalid_certificate"),
        (server(authority=stranger()), "example.org", "ssl_unknown_authority"),
    ],
    ids=["sound", "other name", "address", "expired", "unknown issuer"],
)
def test_a_real_handshake_fails_in_oonis_words(context: ssl.SSLContext, name: str, failure: str) -> None:
    assert handshake(context, trust().context, name) == failure


def test_an_alert_is_a_failed_handshake() -> None:
    old = server(newest=ssl.TLSVersion.TLSv1_2)
    assert handshake(old, only(ssl.TLSVersion.TLSv1_3), "example.org") == "ssl_failed_handshake"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "ssl_failed_handshake"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "ssl_failed_handshake"),  # alert: handshake_failure
        (b"\x15\x03\x03\x00\x02\x02\x70", "ssl_invalid_hostname"),  # alert: unrecognized_name
        (b"\x15\x03\x03\x00\x02\x02\x50", "ssl_failed_handshake"),  # alert: internal_error
    ],
)
def test_what_answers_in_place_of_tls(answer: bytes, failure: str) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust().context.wrap_bio(incoming, outgoing, server_hostname="example.org")
    incoming.write(answer)
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    assert translate(caught.value) == failure


def test_the_end_of_the_stream_inside_a_handshake_is_an_eof() -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust().context.wrap_bio(incoming, outgoing, server_hostname="example.org")
    incoming.write_eof()
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    assert translate(caught.value) == "eof_error"
