"""The echo port of a lab helper: whatever comes is told back as the head of a request."""

from __future__ import annotations

from gatewatch.helper import echo
from gatewatch.lab.apps import Connection


class Echo:
    """The server's end of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received = bytearray()
        self._done = False

    def data_received(self, data: bytes) -> None:
        """Answer when the head is whole, or as long as it may be."""
        if self._done:
            return
        self._received += data
        if echo.head_end(self._received) >= 0 or len(self._received) >= echo.HEAD_CAP:
            self._answer()

    def eof_received(self) -> None:
        """Answer with what came."""
        if not self._done and self._received:
            self._answer()
        self._connection.close()

    def _answer(self) -> None:
        self._done = True
        head = bytes(self._received[: echo.HEAD_CAP])
        self._connection.write(echo.response(echo.told(head, self._connection.peer[1])))
        self._connection.close()
