"""Port 80 of a lab helper: whatever comes is told back as the head of a request, but for questions to /."""

from __future__ import annotations

from gatewatch.helper import echo
from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.servers.http import Handler, HttpStream

_QUESTIONS = (b"GET / ", b"POST / ")


class Echo:
    """The server's end of one connection."""

    def __init__(self, connection: Connection, handler: Handler) -> None:
        self._connection = connection
        self._handler = handler
        self._helper: StreamApp | None = None
        self._received = bytearray()
        self._done = False

    def data_received(self, data: bytes) -> None:
        """Answer when the head is whole, or as long as it may be."""
        if self._helper is not None:
            self._helper.data_received(data)
            return
        self._received += data
        if bytes(self._received[:7]).startswith(_QUESTIONS):
            self._helper = HttpStream(self._connection, self._handler, scheme="http")
            self._helper.data_received(bytes(self._received))
        elif not self._done and (echo.head_end(self._received) >= 0 or len(self._received) >= echo.HEAD_CAP):
            self._answer()

    def eof_received(self) -> None:
        """Answer with what came."""
        if self._helper is None and not self._done and self._received:
            self._answer()
        self._connection.close()

    def _answer(self) -> None:
        self._done = True
        head = bytes(self._received[: echo.HEAD_CAP])
        self._connection.write(echo.response(echo.told(head, self._connection.peer[1])))
        self._connection.close()
