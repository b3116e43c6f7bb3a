"""Requests to an ASGI application in memory: no server, no sockets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import trio


class Answer(NamedTuple):
    """A response: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    method: str = "GET",
    path: str = "/",
    *,
    body: bytes | Iterable[bytes | float] = b"",
    headers: Iterable[tuple[str, str]] = (),
    client: tuple[str, int] = ("192.0.2.7", 40000),
    leaves_after: float | None = None,
    state: dict[str, Any] | None = None,
    takes: float = 0.0,
) -> Answer:
    """Send one request; a body's numbers are waits.

    ``leaves_after``: the client is gone by then; ``takes``: seconds for each piece of the answer.
    """
    parts = iter([body] if isinstance(body, bytes) else body)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        for part in parts:
            if isinstance(part, bytes):
                return {"type": "http.request", "body": part, "more_body": True}
            await trio.sleep(part)
        if not getattr(receive, "ended", False):
            receive.ended = True  # type: ignore[attr-defined]
            return {"type": "http.request", "body": b"", "more_body": False}
        await trio.sleep(1e9 if leaves_after is None else leaves_after)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        await trio.sleep(takes)

    target, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers],
        "client": client,
        "state": state or {},
    }
    await app(scope, receive, send)
    if not sent:
        return Answer(0, {}, b"")
    shown = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
    return Answer(sent[0]["status"], shown, b"".join(m.get("body", b"") for m in sent[1:]))
