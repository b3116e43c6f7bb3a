"""DNS messages as records: what a response says, and what to write when none came."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable

from gatewatch.net import dnswire
from gatewatch.records import Answer, Query
from gatewatch.records import failure as f

# RFC 1035 4.1.1 and RFC 2136: the response codes that have a word of their own in df-007.
_RCODES = {0: None, 2: f.DNS_SERVFAIL, 3: f.DNS_NXDOMAIN, 5: f.DNS_REFUSED}


def rows(values: Iterable[tuple[str, str, int | None]]) -> tuple[Answer, ...]:
    """Turn (type, value, TTL) triples into answer records."""
    out = []
    for kind, value, ttl in values:
        if kind == "A":
            out.append(Answer(answer_type=kind, ipv4=value, ttl=ttl))
        elif kind == "AAAA":
            out.append(Answer(answer_type=kind, ipv6=value, ttl=ttl))
        else:
            out.append(Answer(answer_type=kind, hostname=value, ttl=ttl))
    return tuple(out)


def read(wire: bytes) -> tuple[int, str | None, tuple[Answer, ...], tuple[str, int]]:
    """Read a response: rcode, failure, answers and the question it answers; raises ValueError on rubbish."""
    try:
        reply = dnswire.parse(wire)
    except dnswire.Unusual:
        reply = _read_slowly(wire)
    answers = rows((r.rtype, r.value, r.ttl) for r in reply.records)
    failure = _RCODES.get(reply.rcode, f.DNS_MISBEHAVING)
    if failure is None and not reply.addresses:
        # Cut short, it does not say that there is none: "ask again over TCP" (RFC 7766 5).
        failure = f.DNS_MISBEHAVING if reply.truncated else f.DNS_NO_ANSWER
    return reply.rcode, failure, answers, (reply.qname.lower(), reply.qtype)


def _read_slowly(wire: bytes) -> dnswire.Reply:
    """Read what the fast path does not, with dnspython; other record types are left out of the answers."""
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdatatype

    try:
        message = dns.message.from_wire(_shortened(wire), ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"no DNS message: {error}") from error
    if not message.flags & dns.flags.QR:
        raise ValueError("a question, not a response")
    records = tuple(
        dnswire.Record(
            rrset.name.to_text(omit_final_dot=True),
            dns.rdatatype.to_text(rrset.rdtype),
            rrset.ttl,
            rdata.to_text().rstrip("."),
        )
        for rrset in message.answer
        for rdata in rrset
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.CNAME)
    )
    question = message.question[0] if message.question else None
    return dnswire.Reply(
        message.id,
        int(message.rcode()),
        bool(message.flags & dns.flags.TC),
        # Not "if question": a question has no rdata, and dnspython calls that false.
        question.name.to_text(omit_final_dot=True) if question is not None else "",
        int(question.rdtype) if question is not None else 0,
        records,
    )


def _shortened(wire: bytes) -> bytes:
    """Let a message say that it has no more records than are read of it, which is a matter of seconds."""
    counts = struct.unpack_from("!3H", wire, 6) if len(wire) >= 12 else (0,)
    if sum(counts) <= dnswire.MOST_RECORDS:
        return wire
    return wire[:6] + struct.pack("!3H", min(counts[0], dnswire.MOST_RECORDS), 0, 0) + wire[12:]


def response(
    wire: bytes,
    *,
    question: tuple[int, str, str],
    engine: str,
    resolver: str,
    t0: float,
    t: float,
    tags: tuple[str, ...],
    transaction_id: int,
    ip_ttl: int | None = None,
    late: int | None = None,
) -> Query:
    """Turn a response message into a record; ``question`` is the (id, name, type) that was asked."""
    txid, name, qtype = question
    rcode: int | None = None
    answers: tuple[Answer, ...] = ()
    try:
        rcode, failure, answers, answered = read(wire)
        # An error (say FORMERR) may come without the question that it is about; data may not.
        fits = answered == (name.lower(), dnswire.QTYPES[qtype]) or (rcode and answered == ("", 0))
        if int.from_bytes(wire[:2], "big") != txid or not fits:
            failure = f.DNS_WRONG_ID
    except ValueError:
        failure = f.DNS_MISBEHAVING
    return Query(
        answers=answers if failure is None else None,
        engine=engine,
        failure=failure,
        hostname=name,
        query_type=qtype,
        resolver_address=resolver,
        raw_response=base64.b64encode(wire).decode("ascii"),
        rcode=rcode,
        t0=t0,
        t=t,
        tags=tags,
        transaction_id=transaction_id,
        x_gatewatch_ip_ttl=ip_ttl,
        x_gatewatch_late=late,
    )


def unanswered(
    *,
    question: tuple[int, str, str],
    engine: str,
    resolver: str,
    failure: str,
    t0: float,
    t: float,
    tags: tuple[str, ...],
    transaction_id: int,
) -> Query:
    """Write down a question that brought no message back."""
    return Query(
        answers=None,
        engine=engine,
        failure=failure,
        hostname=question[1],
        query_type=question[2],
        resolver_address=resolver,
        t0=t0,
        t=t,
        tags=tags,
        transaction_id=transaction_id,
    )
