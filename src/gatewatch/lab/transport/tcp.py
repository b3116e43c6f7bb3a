"""TCP in userspace, one connection: sans-IO, the same code for the lab's servers and for memory sockets.

RFC 9293 without what a lab path never needs: no urgent data, no SACK or timestamps.  What real kernels insist
on is here: the peer's window and its scale, MSS, retransmission (:mod:`gatewatch.lab.transport.rto`) and a
congestion window (:mod:`gatewatch.lab.transport.congestion`), strict RST acceptance (RFC 5961), half-close.
:class:`~gatewatch.lab.transport.stack.Stack` finds the connection for a packet and calls
:meth:`Connection.receive`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Protocol

from gatewatch.lab.apps import StreamApp
from gatewatch.lab.path.packet import ACK, FIN, MSS, PSH, RST, SYN, Segment, mss
from gatewatch.lab.transport.congestion import Congestion
from gatewatch.lab.transport.incoming import SCALE, Incoming, after
from gatewatch.lab.transport.rto import RetransmissionTimeout

_MASK = 0xFFFFFFFF
_NEVER = float("inf")
_SCALE_OPTION = b"\x01\x03\x03" + bytes([SCALE])
# RFC 9293 3.7.1: what a peer that offers no MSS is ready for.
_DEFAULT_MSS = 536
# What is kept ready of a source that is asked as it drains: the client's whole window and some to follow.
_READY = 1 << 19
# What the MSS of the SYN is made for, and the least that Linux believes (net.ipv4.route.min_pmtu).
_ETHERNET, _SMALLEST_MTU = 1500, 552
# How long a connection that nobody of ours waits for may stay silent: nginx waits 60 s for a request and
# Linux as long in FIN-WAIT-2; twice that cuts nobody off, and flows that a box swallowed do not pile up.
_IDLE = 120.0


class State(Enum):
    """How far a connection has come; the two directions' ends are tracked by flags of their own."""

    SYN_SENT = auto()
    SYN_RECEIVED = auto()
    ESTABLISHED = auto()
    CLOSED = auto()


# Linux: tcp_syn_retries (127 s in all), tcp_synack_retries, tcp_retries2.
_RETRIES = {State.SYN_SENT: 6, State.SYN_RECEIVED: 5, State.ESTABLISHED: 15}


class Client(StreamApp, Protocol):
    """The application of a connection that we opened: it also learns how opening and sending went."""

    def established(self) -> None:
        """Learn that the handshake is done."""
        ...

    def failed(self, error: int) -> None:
        """Learn that the connection is dead, with the errno that Linux would give."""
        ...

    def acknowledged(self) -> None:
        """Learn that the peer has taken some of what was written."""
        ...


class Host(Protocol):
    """What a connection asks of its stack."""

    now: float

    def send(
        self, connection: Connection, flags: int, seq: int, window: int, data: bytes, options: bytes
    ) -> None:
        """Put one segment on the wire."""
        ...

    def arm(self, connection: Connection) -> None:
        """Call :meth:`Connection.expire` at ``connection.deadline``."""
        ...

    def forget(self, connection: Connection) -> None:
        """Drop a finished connection."""
        ...

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call something after so many seconds."""
        ...


class Connection:
    """One TCP connection's sequence numbers, buffers and timer; applications see write, close and abort."""

    def __init__(
        self, host: Host, key: bytes, local: tuple[str, int], peer: tuple[str, int], iss: int, ttl: int
    ) -> None:
        self.host, self.key, self.local, self.peer, self.ttl = host, key, local, peer, ttl
        self.state = State.CLOSED
        self.app: StreamApp | None = None
        self.client: Client | None = None
        self.incoming = Incoming()
        self.deadline = self.scheduled = _NEVER  # kept by the stack
        # What we send: the first unacknowledged number, the next one, the highest so far, and the bytes from
        # the first on (once the SYN is acknowledged).
        self._una = self._nxt = self._max = iss
        self._buffer = bytearray()
        self._source: Iterator[bytes] | None = None
        self._drawing = False
        self._window, self._scale, self._mss = 0, 0, _DEFAULT_MSS  # the peer's; scale -1: it offered none
        self._fin_queued = self._fin_sent = self._fin_acked = False
        self._ack_owed = False
        self._rto = RetransmissionTimeout()
        self._retries = 0
        # Half of the key's addresses: what fits their family.
        self._largest = mss(key[: len(key) - 4 >> 1])
        self._congestion = Congestion(self._mss)
        self._heard = host.now

    def outstanding(self, seq: int) -> bool:
        """Whether a sequence number is one that the peer has not acknowledged yet, or the next."""
        return not after(self._una, seq) and not after(seq, self._max)

    # -- what applications do

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer and send what its window takes; ignored once closed."""
        if self.state is not State.CLOSED and not self._fin_queued:
            self._buffer += data
            self._transmit()

    def feed(self, source: Iterator[bytes]) -> None:
        """Send what an iterator gives, asking it only for what the peer will soon take."""
        if self.state is not State.CLOSED and not self._fin_queued:
            self._source = source
            self._transmit()

    def _draw(self) -> None:
        """Take from the source until enough is ready; the source may close the connection at its end."""
        while self._source is not None and len(self._buffer) < _READY:
            self._drawing = True
            piece = next(self._source, None)
            self._drawing = False
            if piece is None:
                self._source = None
            else:
                self._buffer += piece

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call something after so many seconds, unless the connection is over by then."""
        self.host.later(seconds, lambda: None if self.state is State.CLOSED else call())

    @property
    def patience(self) -> float:
        """How long it waits for an acknowledgement before it sends again, in seconds."""
        return self._rto.seconds

    @property
    def backlog(self) -> int:
        """How many written bytes the peer has not acknowledged."""
        return len(self._buffer)

    def shutdown(self) -> None:
        """Send FIN after the queued data and go on receiving."""
        if self.state is not State.CLOSED and not self._fin_queued:
            self._fin_queued = True
            self._transmit()

    def close(self) -> None:
        """Send FIN after the queued data; what the peer still sends is acknowledged and thrown away.

        Of a source that is not drained yet no more is asked.
        """
        self.app = self.client = self._source = None
        if self.state is State.SYN_SENT:
            self._finish()
        elif self.state is not State.CLOSED:
            self.incoming.unread = 0
            self.shutdown()
            self._set_timer()
            self._finish_if_done()

    def abort(self) -> None:
        """Send RST and drop everything."""
        if self.state in (State.SYN_RECEIVED, State.ESTABLISHED):
            self._emit(RST | ACK, self._nxt)
        self._finish()

    def taken(self, size: int) -> None:
        """Note that the application has read ``size`` bytes; tells the peer when a closed window opens."""
        shut = self.incoming.window < MSS
        self.incoming.unread -= size
        if shut and self.incoming.window >= MSS and self.state is State.ESTABLISHED:
            self._emit(ACK, self._nxt)

    # -- opening

    def open(self) -> None:
        """Send the SYN."""
        self.state = State.SYN_SENT
        self._send_syn()

    def answer(self, syn: Segment) -> None:
        """Take the peer's SYN and send ours."""
        self.state = State.SYN_RECEIVED
        self._peer_offers(syn)
        self._send_syn()

    def adopt(self, syn: Segment | None, first: Segment, earlier: bytes) -> None:
        """Go on in the server's place with a connection that another stack opened.

        ``syn`` is the client's SYN where it was seen, ``earlier`` what the client has sent before ``first``.
        """
        if syn is not None:
            self._peer_offers(syn)
        self.state = State.ESTABLISHED
        self.incoming.next = first.seq
        self._una = self._nxt = self._max = first.ack
        self._window = first.window << max(self._scale, 0)
        self._set_timer()
        if earlier and self.app is not None:
            self.app.data_received(earlier)
        self.receive(first)

    def _send_syn(self) -> None:
        flags = SYN if self.state is State.SYN_SENT else SYN | ACK
        options = b"\x02\x04" + self._largest.to_bytes(2, "big")
        self._emit(flags, self._una, options=options + _SCALE_OPTION if self._scale >= 0 else options)
        self._nxt = self._max = (self._una + 1) & _MASK
        if not self._retries:
            self._rto.sent(self._nxt, self.host.now)
        self._set_timer()

    def _peer_offers(self, syn: Segment) -> None:
        self.incoming.next = (syn.seq + 1) & _MASK
        self._mss = min(syn.mss or _DEFAULT_MSS, self._largest)
        self._congestion = Congestion(self._mss)
        # A window scale counts only when both SYNs carry one, and not in the SYNs themselves.
        self._scale = -1 if syn.scale is None else syn.scale
        self._window = syn.window

    # -- receiving

    def receive(self, segment: Segment) -> None:
        """Take one segment of this connection."""
        self._heard = self.host.now
        if self.state is State.SYN_SENT:
            self._receive_syn_ack(segment)
        elif segment.flags & RST:
            self._receive_rst(segment)
        elif segment.flags & SYN:
            if self.state is State.SYN_RECEIVED:  # ours was lost
                self._send_syn()
            else:
                self._emit(ACK, self._nxt)  # RFC 5961 4.2
        elif segment.flags & ACK and self._receive_ack(segment):
            self._receive_data(segment)
            self._transmit()
            if self._ack_owed and self.state is not State.CLOSED:
                self._emit(ACK, self._nxt)
            self._finish_if_done()

    def _receive_syn_ack(self, segment: Segment) -> None:
        acceptable = segment.flags & ACK and segment.ack == self._nxt
        if segment.flags & RST:
            if acceptable:
                self._fail(errno.ECONNREFUSED)
        elif segment.flags & SYN and acceptable:
            self._peer_offers(segment)
            self._acknowledge(segment.ack)
            self.state = State.ESTABLISHED
            self._emit(ACK, self._nxt)
            if self.client is not None:
                self.client.established()

    def _receive_rst(self, segment: Segment) -> None:
        # RFC 5961 3.2: exactly the next number kills; elsewhere in the window it is answered.
        expected = self.incoming.next
        if segment.seq == expected:
            half_closed = self.incoming.finished and not self._fin_sent
            self._fail(errno.EPIPE if half_closed else errno.ECONNRESET)
        elif after(segment.seq, expected) and (segment.seq - expected) & _MASK < self.incoming.window:
            self._emit(ACK, self._nxt)

    def _receive_ack(self, segment: Segment) -> bool:
        """Process the acknowledgement; False when the segment must not be looked at further."""
        ack = segment.ack
        if after(ack, self._max):
            self._emit(ACK, self._nxt)
            return False
        if self.state is State.SYN_RECEIVED:
            if ack != self._nxt:
                return False
            self._acknowledge(ack)
            self.state = State.ESTABLISHED
        window = self._window
        if not after(self._una, ack):
            self._window = segment.window << max(self._scale, 0)
        if after(ack, self._una):
            self._acknowledge(ack)
            if self.client is not None:
                self.client.acknowledged()
        elif ack == self._una != self._max and not segment.data and window == self._window:
            self._receive_duplicate()
        return True

    def _receive_duplicate(self) -> None:
        if self._congestion.duplicate(self._una, self._max):
            self._resend_first()

    def _acknowledge(self, ack: int) -> None:
        if self.state is State.ESTABLISHED:  # before, it is our SYN that was acknowledged
            count = (ack - self._una) & _MASK
            if count > len(self._buffer):  # what follows the buffer is the FIN
                self._fin_sent = self._fin_acked = True
            del self._buffer[:count]
            lost = count > 0 and self._congestion.acknowledged(self._una, ack)
        else:
            lost = False
        self._una = ack
        if after(ack, self._nxt):
            self._nxt = ack
        self._retries = 0
        if lost:
            self._resend_first()
        trip = self._rto.acknowledged(ack, self.host.now)
        if trip is not None:
            self._congestion.measured(trip)
        self._set_timer()

    def _receive_data(self, segment: Segment) -> None:
        fin = bool(segment.flags & FIN)
        if not segment.data and not fin:
            return
        self._ack_owed = True
        was_finished = self.incoming.finished
        data = self.incoming.take(segment.seq, segment.data, fin=fin)
        if self.client is not None:
            self.incoming.unread += len(data)
        if data and self.app is not None:
            self.app.data_received(data)
        if self.incoming.finished and not was_finished and self.app is not None:
            self.app.eof_received()

    # -- sending

    def _emit(self, flags: int, seq: int, data: bytes = b"", options: bytes = b"") -> None:
        self._ack_owed = False
        shift = SCALE if self._scale >= 0 and not flags & SYN else 0
        self.host.send(self, flags, seq, min(self.incoming.window >> shift, 0xFFFF), data, options)

    def _transmit(self) -> None:
        """Send what is queued, as far as the peer's and the congestion window go, and the FIN behind it."""
        if self.state is not State.ESTABLISHED or self._drawing:
            return
        was_idle = self._nxt == self._una
        self._draw()
        while True:
            flight = (self._nxt - self._una) & _MASK
            window = min(self._window, self._congestion.room)
            size = min(self._mss, len(self._buffer) - flight, window - flight)
            if size <= 0:
                break
            seq, self._nxt = self._nxt, (self._nxt + size) & _MASK
            if after(self._nxt, self._max):
                self._rto.sent(self._nxt, self.host.now)
            last = flight + size == len(self._buffer)
            self._emit(ACK | PSH if last else ACK, seq, bytes(self._buffer[flight : flight + size]))
        if self._fin_queued and not self._fin_sent and self._source is None and flight == len(self._buffer):
            self._fin_sent = True
            seq, self._nxt = self._nxt, (self._nxt + 1) & _MASK
            self._emit(FIN | ACK, seq)
        if after(self._nxt, self._max):
            self._max = self._nxt
        if was_idle and (self._buffer or self._nxt != self._una):
            self._set_timer()

    def _resend_first(self) -> None:
        data = bytes(self._buffer[: self._mss])
        self._rto.retransmitted()
        if data:
            self._emit(ACK | PSH, self._una, data)
        elif self._fin_sent:
            self._emit(FIN | ACK, self._una)

    def fit(self, mtu: int) -> None:
        """Learn that the path takes packets of ``mtu`` bytes; send smaller segments, lost ones again."""
        size = self._largest - (_ETHERNET - max(mtu, _SMALLEST_MTU))
        if size < self._mss and self.state is State.ESTABLISHED:
            self._mss = size
            self._congestion.shrink(size)
            self._nxt, self._fin_sent = self._una, False
            self._transmit()
            self._set_timer()

    # -- the timer

    def _set_timer(self) -> None:
        if self._una != self._max or self._buffer:
            self.deadline = self.host.now + self._rto.seconds
        elif self.client is None:
            self.deadline = self._heard + _IDLE
        else:
            self.deadline = _NEVER
            return
        self.host.arm(self)

    def expire(self) -> None:
        """Retransmit: the SYN, one byte into a shut window, or everything outstanding; or give up."""
        if self._una == self._max and not self._buffer:
            if self.host.now >= self._heard + _IDLE:
                self._finish()
            else:
                self._set_timer()
            return
        self._retries += 1
        if self._retries > _RETRIES[self.state]:
            self._fail(errno.ETIMEDOUT)
            return
        self._rto.back_off()
        if self.state is not State.ESTABLISHED:
            self._send_syn()
        elif self._window == 0 and self._buffer:
            self._emit(ACK | PSH, self._una, bytes(self._buffer[:1]))
            if self._max == self._una:
                self._max = (self._una + 1) & _MASK
        else:
            self._congestion.timed_out(self._una, self._max)
            self._nxt, self._fin_sent = self._una, False
            self._transmit()
        self._set_timer()

    # -- ending

    def hurt(self, error: int) -> None:
        """Take an ICMP error about our packets: fatal only while opening (RFC 5461), as in Linux."""
        if self.state is State.SYN_SENT:
            self._fail(error)

    def _fail(self, error: int) -> None:
        client = self.client
        self._finish()
        if client is not None:
            client.failed(error)

    def _finish_if_done(self) -> None:
        # No TIME_WAIT: the lab's paths keep packets in order, and a late FIN meets a RST, which ends it as
        # well.
        if self._fin_acked and self.incoming.finished:
            self._finish()

    def _finish(self) -> None:
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self.app = self.client = self._source = None
            self._buffer.clear()
            self.deadline = _NEVER
            self.host.forget(self)
