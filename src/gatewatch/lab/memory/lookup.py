"""getaddrinfo in memory: what glibc does with the resolv.conf that the kernel attachment installs.

One UDP socket, the questions for A and AAAA sent together, ``timeout:2 attempts:2``, the first answer that
fits is believed.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import trio

from gatewatch.net import dnswire

# resolv.conf(5), as the kernel attachment writes it.
TIMEOUT, ATTEMPTS = 2.0, 2
_NOERROR, _NXDOMAIN = 0, 3  # RFC 1035 4.1.1
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

Entry = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]


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
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        await sock.connect((resolver, 53))
        for _ in range(ATTEMPTS):
            with trio.move_on_after(TIMEOUT):
                for question in questions:
                    if question.reply is None:
                        await sock.send(question.wire)
                while any(question.reply is None for question in questions):
                    try:
                        _match(questions, await sock.recv(4096))
                    except ConnectionRefusedError:
                        break  # nobody resolves there: the attempt is over


def _verdict(questions: list[_Question]) -> int:
    """Why there is no address, in getaddrinfo's numbers."""
    replies = [question.reply for question in questions]
    codes = {reply.rcode for reply in replies if reply is not None}
    if None in replies or codes - {_NOERROR, _NXDOMAIN}:
        return _AGAIN
    return _NONAME if codes == {_NXDOMAIN} else _NODATA


async def addresses(resolver: str, name: str, family: int, txid: int, *, android: bool = False) -> list[str]:
    """Give a name's IPv4 addresses; raises socket.gaierror.

    ``android`` words failures as bionic does, which says EAI_NODATA also of a name that does not exist.
    """
    qtypes = {socket.AF_INET: ("A",), socket.AF_INET6: ("AAAA",)}.get(
        socket.AddressFamily(family), ("A", "AAAA")
    )
    questions = [_Question((txid + place) & 0xFFFF, name, qtype) for place, qtype in enumerate(qtypes)]
    await _ask(resolver, questions)
    found = [a for question in questions if question.reply for a in question.reply.addresses if ":" not in a]
    if not found:
        number = _verdict(questions)
        number = _NODATA if android and number == _NONAME else number
        raise socket.gaierror(number, _TEXT[number])
    return found


def entries(found: list[str], port: int, kind: int, proto: int) -> list[Entry]:
    """Write addresses as getaddrinfo does: one entry per address and socket type."""
    wanted = [(k, p) for k, p in _KINDS if kind in (0, k) and proto in (0, p)]
    return [
        (socket.AF_INET, k, proto or p, "", (address, port))
        for address in dict.fromkeys(found)
        for k, p in wanted
    ]
