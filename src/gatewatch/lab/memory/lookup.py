"""getaddrinfo in memory: what glibc does with the resolv.conf that the kernel attachment installs.

One UDP socket a resolver, the questions for A and AAAA sent together, ``timeout:2 attempts:2``, the first
answer that fits is believed; what is found is sorted by what this client can reach.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from dataclasses import dataclass, field

import trio

from gatewatch.lab.memory.icmp import Address
from gatewatch.net import dnswire

# resolv.conf(5), as the kernel attachment writes it.
TIMEOUT, ATTEMPTS = 2.0, 2
_NOERROR, _NXDOMAIN = 0, 3  # RFC 1035 4.1.1
# SERVFAIL, NOTIMP and REFUSED: what glibc goes on to the next resolver for.
_NEXT = (2, 4, 5)
# netdb.h; Python leaves out those a system does not have.
_NONAME = int(socket.EAI_NONAME)
_AGAIN = int(socket.EAI_AGAIN)
_NODATA = int(getattr(socket, "EAI_NODATA", -5))
_TEXT = {
    _NONAME: "Name or service not known",
    _AGAIN: "Temporary failure in name resolution",
    _NODATA: "No address associated with hostname",
}
# The order of glibc's answers when no socket type is asked for.
_KINDS = (
    (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    (socket.SOCK_RAW, 0),
)

Entry = tuple[socket.AddressFamily, socket.SocketKind, int, str, Address]


@dataclass
class _Question:
    txid: int
    name: str
    qtype: str
    reply: dnswire.Reply | None = None
    wire: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.wire = dnswire.query(self.name, self.qtype, self.txid)


def _match(questions: list[_Question], message: bytes) -> None:
    """Give an answer to the question it belongs to; everything else is ignored."""
    try:
        reply = dnswire.parse(message)
    except dnswire.Unusual:
        return
    for question in questions:
        asked = question.txid, question.name.lower(), dnswire.QTYPES[question.qtype]
        if question.reply is None and (reply.txid, reply.qname.lower(), reply.qtype) == asked:
            question.reply = reply


async def _ask(resolver: str, questions: list[_Question]) -> None:
    """Ask one resolver once, for as long as it may take."""
    sock = trio.socket.socket(socket.AF_INET6 if ":" in resolver else socket.AF_INET, socket.SOCK_DGRAM)
    with sock, trio.move_on_after(TIMEOUT):
        await sock.connect((resolver, 53))
        for question in questions:
            if question.reply is None:
                await sock.send(question.wire)
        while any(question.reply is None for question in questions):
            try:
                _match(questions, await sock.recv(4096))
            except ConnectionRefusedError:
                break  # nobody resolves there


async def _ask_over_tcp(resolver: str, question: _Question) -> None:
    """Ask again where the answer was cut short, as the C library does (RFC 7766 5); silence is no answer."""
    question.reply = None
    sock = trio.socket.socket(socket.AF_INET6 if ":" in resolver else socket.AF_INET, socket.SOCK_STREAM)
    data = b""
    with sock, trio.move_on_after(TIMEOUT), contextlib.suppress(OSError):
        await sock.connect((resolver, 53))
        await sock.send(len(question.wire).to_bytes(2, "big") + question.wire)
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            more = await sock.recv(65536)
            if not more:
                return
            data += more
        _match([question], data[2:])


async def _ask_all(resolvers: tuple[str, ...], questions: list[_Question]) -> None:
    """Ask one resolver after the other, and again, until each question has an answer that settles it."""
    for turn, resolver in enumerate(resolvers * ATTEMPTS, 1):
        with contextlib.suppress(OSError):  # no route to it
            await _ask(resolver, questions)
            for question in questions:
                if question.reply is not None and question.reply.truncated:
                    await _ask_over_tcp(resolver, question)
        unsettled = [q for q in questions if q.reply is None or q.reply.rcode in _NEXT]
        if not unsettled or (len(resolvers) == 1 and all(q.reply is not None for q in questions)):
            return
        for question in unsettled if turn < len(resolvers) * ATTEMPTS else ():
            question.reply = None


def _verdict(questions: list[_Question]) -> int:
    """Why there is no address, in getaddrinfo's numbers."""
    replies = [question.reply for question in questions]
    codes = {reply.rcode for reply in replies if reply is not None}
    if None in replies or codes - {_NOERROR, _NXDOMAIN}:
        return _AGAIN
    return _NONAME if codes == {_NXDOMAIN} else _NODATA


async def addresses(
    resolvers: tuple[str, ...], name: str, family: int, txid: int, *, android: bool = False
) -> list[str]:
    """Give a name's addresses as they are answered; raises socket.gaierror.

    ``android`` words failures as bionic does, which says EAI_NODATA also of a name that does not exist.
    """
    qtypes = {socket.AF_INET: ("A",), socket.AF_INET6: ("AAAA",)}.get(
        socket.AddressFamily(family), ("A", "AAAA")
    )
    questions = [_Question((txid + place) & 0xFFFF, name, qtype) for place, qtype in enumerate(qtypes)]
    await _ask_all(resolvers, questions)
    found = [
        address
        for question in questions
        if question.reply
        for address in question.reply.addresses
        if (":" in address) == (question.qtype == "AAAA")
    ]
    if not found:
        number = _verdict(questions)
        number = _NODATA if android and number == _NONAME else number
        raise socket.gaierror(number, _TEXT[number])
    return list(dict.fromkeys(found))


def ordered(found: list[str], client6: str) -> list[str]:
    """Sort addresses as RFC 6724 has it, with glibc's table, for a client with this IPv6 address, if any.

    Addresses of a family that has no route come last; else IPv6 comes first, and of those the one that
    shares the longest prefix with the client's own.
    """

    def rank(address: str) -> tuple[int, int]:
        ip = ipaddress.ip_address(address)
        if ip.version == 4:
            return 2, 0 if ip.is_loopback or ip.is_link_local else 1  # rule 8: the smaller scope first
        if ip.is_loopback:
            return 0, 0
        if not client6:
            return 3, 0
        differs = int(ip) ^ int(ipaddress.IPv6Address(client6))
        return 1, differs.bit_length()

    return sorted(found, key=rank)


def entries(found: list[str], port: int, kind: int, proto: int) -> list[Entry]:
    """Write addresses as getaddrinfo does: one entry per address and socket type."""
    wanted = [(k, p) for k, p in _KINDS if kind in (0, k) and proto in (0, p)]
    return [
        (socket.AF_INET6, k, proto or p, "", (address, port, 0, 0))
        if ":" in address
        else (socket.AF_INET, k, proto or p, "", (address, port))
        for address in found
        for k, p in wanted
    ]
