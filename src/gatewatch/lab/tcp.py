"""TCP in userspace, one connection: sans-IO, the same code for the lab's servers and for memory sockets.

RFC 9293 without what a lab path never needs: no congestion control (nobody shares the link), no urgent data, no
SACK or timestamps.  What real kernels insist on is here: the peer's window and its scale, MSS, retransmission
(a TUN queue can overflow), strict RST acceptance (RFC 5961), half-close.
:class:`~gatewatch.lab.stack.Stack` finds the connection for a packet and calls :meth:`Connection.receive`.
"""

from __future__ import annotations

import errno
from enum import Enum, auto
from typing import Protocol

from gatewatch.lab.apps import StreamApp
from gatewatch.lab.packet import ACK, FIN, MSS, PSH, RST, SYN, Segment

_MASK = 0xFFFFFFFF
# What we are ready to receive at once; as a 16-bit window it needs a scale of 3 (RFC 7323).
RECEIVE_BUFFER, _SCALE = 1 << 18, 3
_SYN_OPTIONS = b"\x02\x04" + MSS.to_bytes(2, "big") + b"\x01\x03\x03" + bytes([_SCALE])
_MSS_OPTION = _SYN_OPTIONS[:4]
# RFC 9293 3.7.1: what a peer that offers no MSS is ready for.
_DEFAULT_MSS = 536
# RFC 6298: 1 s before anything is measured, doubled up to 60 s; Linux's floor of 200 ms.
_FIRST_RTO, _MIN_RTO, _MAX_RTO = 1.0, 0.2, 60.0
# Linux: tcp_syn_retries (127 s in all), tcp_synack_retries, tcp_retries2.
_RETRIES = {"syn": 6, "synack": 5, "data": 15}
# How long a connection that nobody of ours waits for may stay silent: nginx waits 60 s for a request and Linux
# as long in FIN-WAIT-2; twice that never cuts a client off, and flows that a box swallowed do not pile up.
_IDLE = 120.0
# Three duplicate acknowledgements mean a loss (RFC 5681 3.2).
_DUPLICATES = 3


class State(Enum):
    """How far a connection has come; the two directions' ends are tracked by flags of their own."""

    SYN_SENT = auto()
    SYN_RECEIVED = auto()
    ESTABLISHED = auto()
    CLOSED = auto()


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


def after(a: int, b: int) -> bool:
    """Say whether sequence number a lies after b, modulo 2**32."""
    return 0 < (a - b) & _MASK < 0x80000000


class Connection:
    """One TCP connection's sequence numbers, buffers and timer; applications see write, close and abort."""

    __slots__ = (
        *("app", "client", "deadline", "fin_acked", "fin_queued", "fin_received", "fin_sent", "host", "key"),
        *(
            "local",
            "peer",
            "rcv_nxt",
            "scheduled",
            "snd_una",
            "state",
            "ttl",
            "unread",
            "_ack_owed",
            "_buffer",
        ),
        *(
            "_duplicates",
            "_early",
            "_fin_at",
            "_heard",
            "_mss",
            "_retries",
            "_rto",
            "_rttvar",
            "_scale",
            "_snd_max",
        ),
        *("_snd_nxt", "_snd_wnd", "_srtt", "_timed", "_timed_at"),
    )

    def __init__(
        self, host: Host, key: bytes, local: tuple[str, int], peer: tuple[str, int], iss: int, ttl: int
    ) -> None:
        self.host, self.key, self.local, self.peer, self.ttl = host, key, local, peer, ttl
        self.state = State.CLOSED
        self.app: StreamApp | None = None
        self.client: Client | None = None
        self.unread = 0  # bytes the client's application has not taken yet; closes our window
        self.deadline, self.scheduled = float("inf"), float("inf")  # kept by the stack
        self.fin_queued = self.fin_sent = self.fin_acked = self.fin_received = False
        self.snd_una = self._snd_nxt = self._snd_max = iss
        self.rcv_nxt = 0
        self._snd_wnd, self._scale, self._mss = 0, 0, _DEFAULT_MSS
        self._buffer = bytearray()  # from snd_una on, once the SYN is acknowledged
        self._early: dict[int, bytes] = {}  # segments that came before their turn
        self._fin_at: int | None = None
        self._heard = host.now
        self._ack_owed = False
        self._duplicates = self._retries = 0
        self._srtt, self._rttvar, self._rto = 0.0, 0.0, _FIRST_RTO
        self._timed: int | None = None  # the sequence number whose acknowledgement is being timed
        self._timed_at = 0.0

    # -- what applications do

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer and send what its window takes; ignored once closed."""
        if self.state is not State.CLOSED and not self.fin_queued:
            self._buffer += data
            self._transmit()

    @property
    def backlog(self) -> int:
        """How many written bytes the peer has not acknowledged."""
        return len(self._buffer)

    def shutdown(self) -> None:
        """Send FIN after the queued data and go on receiving."""
        if self.state is not State.CLOSED and not self.fin_queued:
            self.fin_queued = True
            self._transmit()

    def close(self) -> None:
        """Send FIN after the queued data; what the peer still sends is acknowledged and thrown away."""
        self.app = self.client = None
        if self.state is State.SYN_SENT:
            self._finish()
            return
        self.unread = 0
        self.shutdown()
        self._set_timer()
        self._finish_if_done()

    def abort(self) -> None:
        """Send RST and drop everything."""
        if self.state in (State.SYN_RECEIVED, State.ESTABLISHED):
            self._emit(RST | ACK, self._snd_nxt)
        self.app = self.client = None
        self._finish()

    def taken(self, size: int) -> None:
        """Note that the application has read ``size`` bytes; tells the peer when a closed window opens."""
        shut = RECEIVE_BUFFER - self.unread < MSS
        self.unread -= size
        if shut and RECEIVE_BUFFER - self.unread >= MSS and self.state is State.ESTABLISHED:
            self._emit(ACK, self._snd_nxt)

    # -- opening

    def open(self) -> None:
        """Send the SYN."""
        self.state = State.SYN_SENT
        self._emit(SYN, self.snd_una, options=_SYN_OPTIONS)
        self._syn_sent()

    def answer(self, syn: Segment) -> None:
        """Take the peer's SYN and send ours."""
        self.state = State.SYN_RECEIVED
        self._peer_offers(syn)
        self._emit(SYN | ACK, self.snd_una, options=_SYN_OPTIONS if syn.scale is not None else _MSS_OPTION)
        self._syn_sent()

    def _syn_sent(self) -> None:
        self._snd_nxt = self._snd_max = (self.snd_una + 1) & _MASK
        self._timed, self._timed_at = self._snd_nxt, self.host.now
        self._set_timer()

    def _peer_offers(self, syn: Segment) -> None:
        self.rcv_nxt = (syn.seq + 1) & _MASK
        self._mss = min(syn.mss or _DEFAULT_MSS, MSS)
        # A window scale counts only when both SYNs carry one, and not in the SYNs themselves.
        self._scale = -1 if syn.scale is None else syn.scale
        self._snd_wnd = syn.window

    # -- receiving

    def receive(self, segment: Segment) -> None:
        """Take one segment of this connection."""
        self._heard = self.host.now
        if self.state is State.SYN_SENT:
            self._receive_syn_ack(segment)
            return
        if segment.flags & RST:
            self._receive_rst(segment)
            return
        if segment.flags & SYN:
            if self.state is State.SYN_RECEIVED:  # ours was lost
                self._emit(SYN | ACK, self.snd_una, options=_SYN_OPTIONS if self._scale >= 0 else _MSS_OPTION)
            else:
                self._emit(ACK, self._snd_nxt)  # RFC 5961 4.2
            return
        if not segment.flags & ACK or not self._receive_ack(segment):
            return
        self._receive_data(segment)
        if self.state is State.CLOSED:
            return
        self._transmit()
        if self._ack_owed:
            self._emit(ACK, self._snd_nxt)
        self._finish_if_done()

    def _receive_syn_ack(self, segment: Segment) -> None:
        acceptable = segment.flags & ACK and segment.ack == self._snd_nxt
        if segment.flags & RST:
            if acceptable:
                self._fail(errno.ECONNREFUSED)
        elif segment.flags & SYN and acceptable:
            self._peer_offers(segment)
            self._acknowledge(segment.ack)
            self.state = State.ESTABLISHED
            self._emit(ACK, self._snd_nxt)
            if self.client is not None:
                self.client.established()

    def _receive_rst(self, segment: Segment) -> None:
        # RFC 5961 3.2: exactly the next number kills; elsewhere in the window it is answered.
        if segment.seq == self.rcv_nxt:
            self._fail(errno.EPIPE if self.fin_received and not self.fin_sent else errno.ECONNRESET)
        elif after(segment.seq, self.rcv_nxt) and (segment.seq - self.rcv_nxt) & _MASK < self._window():
            self._emit(ACK, self._snd_nxt)

    def _receive_ack(self, segment: Segment) -> bool:
        """Process the acknowledgement; False when the segment must not be looked at further."""
        if after(segment.ack, self._snd_max):
            self._emit(ACK, self._snd_nxt)
            return False
        if self.state is State.SYN_RECEIVED:
            if segment.ack != self._snd_nxt:
                return False
            self._acknowledge(segment.ack)
            self.state = State.ESTABLISHED
        old_window = self._snd_wnd
        if not after(self.snd_una, segment.ack):
            self._snd_wnd = segment.window << max(self._scale, 0)
        if after(segment.ack, self.snd_una):
            self._acknowledge(segment.ack)
            if self.client is not None:
                self.client.acknowledged()
        elif (
            segment.ack == self.snd_una != self._snd_max and not segment.data and old_window == self._snd_wnd
        ):
            self._duplicates += 1
            if self._duplicates == _DUPLICATES:
                self._resend_first()
        return True

    def _acknowledge(self, ack: int) -> None:
        if self.state is State.ESTABLISHED:  # before, it is our SYN that was acknowledged
            count = (ack - self.snd_una) & _MASK
            if count > len(self._buffer):  # what follows the buffer is the FIN
                self.fin_sent = self.fin_acked = True
            del self._buffer[:count]
        self.snd_una = ack
        if after(ack, self._snd_nxt):
            self._snd_nxt = ack
        self._duplicates = self._retries = 0
        if self._timed is not None and not after(self._timed, ack):
            self._measure(self.host.now - self._timed_at)
        self._set_timer()

    def _measure(self, rtt: float) -> None:
        """Update the retransmission timeout (RFC 6298 2)."""
        self._timed = None
        if self._srtt:
            self._rttvar += (abs(self._srtt - rtt) - self._rttvar) / 4
            self._srtt += (rtt - self._srtt) / 8
        else:
            self._srtt, self._rttvar = rtt, rtt / 2
        self._rto = min(max(self._srtt + max(4 * self._rttvar, _MIN_RTO), _MIN_RTO), _MAX_RTO)

    def _receive_data(self, segment: Segment) -> None:
        data, seq = segment.data, segment.seq
        if segment.flags & FIN:
            self._fin_at = (seq + len(data)) & _MASK
        if data or segment.flags & FIN:
            self._ack_owed = True
        if data and after(seq, self.rcv_nxt):
            if (seq + len(data) - self.rcv_nxt) & _MASK <= RECEIVE_BUFFER:
                self._early[seq] = data
            return
        self._deliver(seq, data)
        while self._early and self.state is not State.CLOSED:
            ready = next((s for s in self._early if not after(s, self.rcv_nxt)), None)
            if ready is None:
                break
            self._deliver(ready, self._early.pop(ready))
        if self._fin_at == self.rcv_nxt and not self.fin_received and self.state is not State.CLOSED:
            self.rcv_nxt = (self.rcv_nxt + 1) & _MASK
            self.fin_received = True
            if self.app is not None:
                self.app.eof_received()

    def _deliver(self, seq: int, data: bytes) -> None:
        fresh = data[(self.rcv_nxt - seq) & _MASK :] if data else b""
        if fresh and not self.fin_received:
            self.rcv_nxt = (self.rcv_nxt + len(fresh)) & _MASK
            if self.client is not None:
                self.unread += len(fresh)
            if self.app is not None:
                self.app.data_received(fresh)

    # -- sending

    def _window(self) -> int:
        return max(RECEIVE_BUFFER - self.unread, 0)

    def _emit(self, flags: int, seq: int, data: bytes = b"", options: bytes = b"") -> None:
        self._ack_owed = False
        shift = _SCALE if self._scale >= 0 and not flags & SYN else 0
        self.host.send(self, flags, seq, min(self._window() >> shift, 0xFFFF), data, options)

    def _transmit(self) -> None:
        """Send what is queued, as far as the peer's window goes, and the FIN behind it."""
        if self.state is not State.ESTABLISHED:
            return
        was_idle = self._snd_nxt == self.snd_una
        while True:
            flight = (self._snd_nxt - self.snd_una) & _MASK
            size = min(self._mss, len(self._buffer) - flight, self._snd_wnd - flight)
            if size <= 0:
                break
            last = flight + size == len(self._buffer)
            if self._timed is None:
                self._timed, self._timed_at = (self._snd_nxt + size) & _MASK, self.host.now
            seq, self._snd_nxt = self._snd_nxt, (self._snd_nxt + size) & _MASK
            self._emit(ACK | PSH if last else ACK, seq, bytes(self._buffer[flight : flight + size]))
        if (
            self.fin_queued
            and not self.fin_sent
            and (self._snd_nxt - self.snd_una) & _MASK == len(self._buffer)
        ):
            self.fin_sent = True
            seq, self._snd_nxt = self._snd_nxt, (self._snd_nxt + 1) & _MASK
            self._emit(FIN | ACK, seq)
        if after(self._snd_nxt, self._snd_max):
            self._snd_max = self._snd_nxt
        if was_idle and (self._buffer or self._snd_nxt != self.snd_una):
            self._set_timer()

    def _resend_first(self) -> None:
        data = bytes(self._buffer[: self._mss])
        self._timed = None  # Karn: an answer to a retransmission measures nothing
        if data:
            self._emit(ACK | PSH, self.snd_una, data)
        elif self.fin_sent:
            self._emit(FIN | ACK, self.snd_una)

    # -- the timer

    def _set_timer(self) -> None:
        if self.snd_una != self._snd_max or self._buffer:
            self.deadline = self.host.now + self._rto
        elif self.client is None:
            self.deadline = self._heard + _IDLE
        else:
            self.deadline = float("inf")
            return
        self.host.arm(self)

    def expire(self) -> None:
        """Retransmit: everything outstanding again, one byte into a shut window, or the SYN."""
        if self.snd_una == self._snd_max and not self._buffer:
            if self.host.now >= self._heard + _IDLE:
                self._finish()
            else:
                self._set_timer()
            return
        kind = {State.SYN_SENT: "syn", State.SYN_RECEIVED: "synack"}.get(self.state, "data")
        self._retries += 1
        if self._retries > _RETRIES[kind]:
            self._fail(errno.ETIMEDOUT)
            return
        self._rto = min(self._rto * 2, _MAX_RTO)
        self._timed = None
        if self.state is State.SYN_SENT:
            self._emit(SYN, self.snd_una, options=_SYN_OPTIONS)
        elif self.state is State.SYN_RECEIVED:
            self._emit(SYN | ACK, self.snd_una, options=_SYN_OPTIONS if self._scale >= 0 else _MSS_OPTION)
        elif self._snd_wnd == 0 and self._buffer:
            self._emit(ACK | PSH, self.snd_una, bytes(self._buffer[:1]))
            if self._snd_max == self.snd_una:
                self._snd_max = (self.snd_una + 1) & _MASK
        else:
            self._snd_nxt, self.fin_sent = self.snd_una, False
            self._transmit()
        self._set_timer()

    # -- ending

    def hurt(self, error: int) -> None:
        """Take an ICMP error about our packets: fatal only while opening (RFC 5461), as in Linux."""
        if self.state is State.SYN_SENT:
            self._fail(error)

    def _fail(self, error: int) -> None:
        client, self.app, self.client = self.client, None, None
        self._finish()
        if client is not None:
            client.failed(error)

    def _finish_if_done(self) -> None:
        # No TIME_WAIT: the lab's paths keep packets in order, and a late FIN meets a RST, which ends it as well.
        if self.fin_acked and self.fin_received:
            self._finish()

    def _finish(self) -> None:
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self._buffer.clear()
            self._early.clear()
            self.deadline = float("inf")
            self.host.forget(self)
