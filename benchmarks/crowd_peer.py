"""The peer of the benchmark `crowd`: the least that hypercorn can serve, one constant answer.

hypercorn -k trio -b 127.0.0.1:8090 benchmarks.crowd_peer:app
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

_BODY = json.dumps({"tcp_connect": {}, "http_request": {"status_code": 200, "title": "constant"}}).encode()


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Read the question and give the constant."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})
