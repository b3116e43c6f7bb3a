"""Telling a monitor: an address that is fetched when a run starts, is done, or fails.

As dead man's switches want it (healthchecks.io and others of its kind): the address itself means success,
with /start and /fail behind it the two other things.  Whoever answers there learns that this machine
measures, and when; so nothing is told unless an address was given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Event = Literal["start", "success", "fail"]
# Seconds for one request; no monitor takes longer, and no run waits for one that does.
_PATIENCE = 10.0
_WHOLE = 20.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def checked(url: str) -> str:
    """Check an address; raises ValueError unless it is https, or on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url
    raise ValueError(f"{url!r} is not an https address")


class Ping:
    """An address to tell; the empty one tells nobody."""

    def __init__(self, url: str, told: Callable[[str], None] = lambda _trouble: None) -> None:
        self._url = url
        self._told = told

    def say(self, event: Event) -> None:
        """Tell one event; whatever goes wrong is told to ``told`` and to nobody else."""
        if not self._url:
            return
        # In a thread of its own: looking a name up has no time limit.
        thread = threading.Thread(target=self._fetch, args=(address(self._url, event),), daemon=True)
        thread.start()
        thread.join(_WHOLE)
        if thread.is_alive():
            self._told(f"no answer within {_WHOLE:.0f} s")

    def _fetch(self, url: str) -> None:
        import requests

        from gatewatch.update.session import Nameless

        try:
            with (
                Nameless() as session,
                session.get(url, timeout=_PATIENCE, stream=True) as answer,
            ):
                pass
            if not 200 <= answer.status_code < 300:
                self._told(f"status {answer.status_code}")
        except (requests.RequestException, OSError, ValueError) as error:
            # Not the error's text, which has the address, and so the key, in it.
            self._told(type(error).__name__)


def address(url: str, event: Event) -> str:
    """Give the address of an event; a query stays behind the path."""
    if event == "success":
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{event}"))
