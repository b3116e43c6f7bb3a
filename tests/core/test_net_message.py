import base64

import dns.message
import dns.rcode
import dns.rrset
import pytest

from gatewatch.net import dnswire, message
from gatewatch.records import Query

ASKED = (7, "Example.org", "A")
QUESTION = dnswire.query("Example.org", "A", 7)


def read(wire: bytes) -> Query:
    return message.response(
        wire, question=ASKED, engine="udp", resolver="8.8.8.8:53", t0=0, t=1, tags=("x",), transaction_id=3
    )


def test_an_answer_is_a_record_with_the_message_kept() -> None:
    wire = dnswire.answer(QUESTION, addresses=("104.16.1.1",), ttl=30)
    query = read(wire)
    assert (query.failure, query.rcode, query.addresses) == (None, 0, ("104.16.1.1",))
    assert query.answers is not None and query.answers[0].ttl == 30
    assert base64.b64decode(query.raw_response or "") == wire
    assert (query.engine, query.resolver_address, query.hostname, query.transaction_id) == (
        "udp", "8.8.8.8:53", "Example.org", 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rcode", "failure"),
    [
        (0, "dns_no_answer"),
        (1, "dns_server_misbehaving"),
        (2, "dns_servfail_error"),
        (3, "dns_nxdomain_error"),
        (5, "dns_refused_error"),
        (9, "dns_server_misbehaving"),
    ],
)
def test_response_codes_have_oonis_words(rcode: int, failure: str) -> None:
    query = read(dnswire.answer(QUESTION, rcode=rcode))
    assert (query.failure, query.rcode, query.answers) == (failure, rcode, None)


@pytest.mark.parametrize(
    "other",
    [
        dnswire.query("example.org", "A", 8),
        dnswire.query("other.org", "A", 7),
        dnswire.query("example.org", "AAAA", 7),
    ],
    ids=["id", "name", "type"],
)
def test_the_answer_to_another_question_is_no_answer(other: bytes) -> None:
    query = read(dnswire.answer(other, addresses=("104.16.1.1",)))
    assert query.failure == "dns_reply_with_wrong_query_id" and query.answers is None and query.raw_response


def test_case_in_the_name_does_not_matter() -> None:
    assert read(dnswire.answer(dnswire.query("EXAMPLE.ORG", "A", 7), addresses=("1.1.1.1",))).failure is None


def test_an_error_may_come_without_its_question_but_data_may_not() -> None:
    head = dns.message.Message(id=7)
    head.flags = 0x8180
    head.set_rcode(dns.rcode.REFUSED)
    assert read(head.to_wire()).failure == "dns_refused_error"
    head.set_rcode(dns.rcode.NOERROR)
    assert read(head.to_wire()).failure == "dns_reply_with_wrong_query_id"


@pytest.mark.parametrize("wire", [b"", b"\0\7", b"\xff" * 40, QUESTION])
def test_rubbish_is_misbehaviour(wire: bytes) -> None:
    query = read(wire)
    assert (query.failure, query.rcode, query.answers) == ("dns_server_misbehaving", None, None)
    assert base64.b64decode(query.raw_response or "") == wire


def test_other_records_beside_the_addresses_are_left_to_dnspython() -> None:
    made = dns.message.make_response(dns.message.from_wire(QUESTION))
    made.answer = [
        dns.rrset.from_text("example.org.", 60, "IN", "TXT", '"hello"'),
        dns.rrset.from_text("example.org.", 60, "IN", "CNAME", "cdn.other.net."),
        dns.rrset.from_text("cdn.other.net.", 60, "IN", "A", "104.16.1.1"),
    ]
    query = read(made.to_wire())
    assert query.failure is None and query.addresses == ("104.16.1.1",)
    assert [(a.answer_type, a.hostname) for a in query.answers or ()] == [
        ("CNAME", "cdn.other.net"),
        ("A", None),
    ]


def test_silence_is_written_down_with_its_reason() -> None:
    query = message.unanswered(
        question=ASKED, engine="udp", resolver="8.8.8.8:53", failure="generic_timeout_error",
        t0=0, t=5, tags=(), transaction_id=1,
    )  # fmt: skip
    assert (query.failure, query.answers, query.raw_response, query.t) == (
        "generic_timeout_error",
        None,
        None,
        5,
    )


def test_an_answer_that_is_cut_short_does_not_say_that_there_is_none() -> None:
    wire = bytearray(dnswire.answer(QUESTION))
    assert read(bytes(wire)).failure == "dns_no_answer"
    wire[2] |= 0x02  # RFC 1035 4.1.1: TC
    assert read(bytes(wire)).failure == "dns_server_misbehaving"


@pytest.mark.parametrize("strange", [False, True])
def test_of_thousands_of_records_some_are_read(strange: bool) -> None:
    many = tuple(f"104.16.{n >> 8}.{n & 255}" for n in range(3000))
    wire = dnswire.answer(QUESTION, addresses=many)
    if strange:  # a record type that only the slow path knows, in front
        txt = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\2\1x"
        end = len(QUESTION) - 11
        wire = wire[:6] + (3001).to_bytes(2, "big") + wire[8:end] + txt + wire[end:]
    query = read(wire)
    assert query.failure is None
    assert query.addresses == many[: dnswire.MOST_RECORDS - strange]
