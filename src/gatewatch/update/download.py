"""One file from one address: resumed where it broke off, bounded in size and time, whole or not at all.

The transfer is the control plane's (requests), with the system's proxies and verified TLS.  What arrives is
kept as it was sent: no content coding is undone, so that what is counted and what is checked is what was
published.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from gatewatch.net.bounded import Unfinished, bounded
from gatewatch.store.files import full_disk, read_json, write_json
from gatewatch.update.session import Nameless

# Seconds until a connection stands, and between two pieces of an answer.
_CONNECT, _READ = 15.0, 30.0
# Seconds for one attempt in all: 64 MB at 50 kbit/s take three hours, and resuming goes on where it ended.
_WHOLE = 3600.0
# An attempt that took all that time for less than this is none of a slow line's (100 bytes a second).
_LEAST = 360_000
# Seconds for an answer's head with its redirects: a server may send a byte of it now and then.
_HEAD = 300.0
_PIECE = 65_536
# So much is flushed at a time, and noted as flushed: after a power cut a file may have its length and not its
# content, and what is resumed must be what came.
_FLUSH_EVERY = 4 * 2**20
# A server that dies half way is asked again; as long as every attempt brings something, more often.
_ATTEMPTS = 4
_MOST_ATTEMPTS = 20
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
# More digits than any file's length has; Python reads no number of thousands of them.
_DIGITS = 18
_RANGE = re.compile(rf"bytes (\d{{1,{_DIGITS}}})-\d+/(\d+|\*)")


class Unreachable(Exception):
    """Nobody answered: no network, no name, no connection."""


class Refused(Exception):
    """What came, or did not come whole, is not what was asked for."""


class Incomplete(Refused):
    """The server broke off again and again; what has come so far is kept, to go on from there next time."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file; ``modified`` and ``etag`` as the server said them, empty where it did not.

    ``unchanged``: the server has nothing newer than the tag that was shown, and ``path`` is no file.
    """

    path: Path
    url: str
    sha256: str = ""
    modified: str = ""
    etag: str = ""
    unchanged: bool = False


class Session(Nameless):
    """A session that follows redirects to HTTPS only, and never to a less safe scheme."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = 5
        self.headers["Accept-Encoding"] = "identity"

    def follow(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """GET an address and go where it leads; the answer's body is still to be read.

        Raises Refused for a redirect to somewhere less safe.
        """
        for _ in range(self.max_redirects + 1):
            answer = self.get(url, headers=headers, stream=True, timeout=(_CONNECT, _READ))
            target = self.led_to(answer)
            if target is None:
                return answer
            answer.close()
            url = _safe(answer.url, target)
        raise requests.exceptions.TooManyRedirects


def _safe(url: str, target: str) -> str:
    """Give the address that a redirect leads to; raises Refused when that is less safe."""
    url, came_by = urljoin(url, target), urlsplit(url)
    scheme = urlsplit(url).scheme
    if scheme != "https" and came_by.scheme == "https":
        raise Refused(f"{came_by.netloc} redirects to an address without encryption")
    if scheme not in ("https", "http"):
        raise Refused(f"{came_by.netloc} redirects to {scheme}:")
    return url


def download(
    session: Session,
    url: str,
    to: Path,
    *,
    most: int,
    etag: str = "",
    told: Callable[[int, int | None], None] = lambda _done, _total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch an address into ``to``; at most ``most`` bytes.

    What an earlier call left behind is completed when the server still has the same file.  ``told`` hears of
    bytes had and expected.  Raises Unreachable, Refused, and StoreFull on a full disk.
    """
    attempts = 0
    while True:
        attempts += 1
        had = _size(to)
        try:
            return _attempt(session, url, to, most, etag, told)
        except (Unreachable, _BrokenOff) as error:
            progress = _size(to) > had
            if attempts >= (_MOST_ATTEMPTS if progress else _ATTEMPTS):
                if isinstance(error, _BrokenOff):
                    raise Incomplete(f"{_host(url)}: {error}") from None
                raise
            # The first pause is short, as most connections that break can be made again at once.
            sleep(min(30.0, 0.5 * 2.0 ** (attempts - 1)))


class _BrokenOff(Exception):
    """The answer ended before its end, or the server is busy: worth another attempt."""


def _attempt(
    session: Session,
    url: str,
    to: Path,
    most: int,
    etag: str,
    told: Callable[[int, int | None], None],
) -> Fetched:
    about = to.with_name(to.name + ".about")
    had, headers = _unfinished(to, about, url)
    if not had and etag:
        headers["If-None-Match"] = etag
    try:
        with bounded(partial(session.follow, url, headers), _HEAD, 0.0, requests.Response.close) as answer:
            if answer.status_code == 304 and not had:
                return Fetched(to, url, etag=etag, unchanged=True)
            if answer.status_code == 416:
                # What is here is as long as the file or longer; whether it is the file nobody says.
                _forget(to, about)
            at = _begins(answer, had)
            if at == 0:
                _forget(to, about)
            total = _total(answer, at)
            if total is not None and total > most:
                raise Refused(f"{_host(url)}: the file has {total} bytes, the limit is {most}")
            tags = {
                "etag": answer.headers.get("ETag", ""),
                "modified": answer.headers.get("Last-Modified", ""),
            }
            note = {"url": url, **tags}
            write_json(about, {**note, "flushed": at})
            _write(answer, to, at, most, total, told, lambda had: write_json(about, {**note, "flushed": had}))
    except Unfinished:
        raise Refused(f"{_host(url)}: the head of its answer does not end") from None
    except requests.exceptions.SSLError as error:
        raise Refused(
            f"{_host(url)}: its certificate is not trusted; is somebody in between? ({error})"
        ) from None
    except requests.exceptions.TooManyRedirects:
        raise Refused(f"{_host(url)}: too many redirects") from None
    except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError) as error:
        raise _BrokenOff(f"the answer broke off ({type(error).__name__})") from None
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise Unreachable(f"{_host(url)}: {_reason(error)}") from None
    except requests.exceptions.RequestException as error:
        raise Refused(f"{_host(url)}: {error}") from None
    return Fetched(to, url, _sha256(to), tags["modified"], tags["etag"])


def _unfinished(to: Path, about: Path, url: str) -> tuple[int, dict[str, str]]:
    """Give how much of a file is here already, and the headers to ask for the rest of that very file."""
    try:
        known = read_json(about)
    except (OSError, ValueError):
        known = {}
    etag = str(known.get("etag", ""))
    # A weak tag does not vouch for single bytes (RFC 9110 13.1.5).
    vouched = etag if etag and not etag.startswith("W/") else str(known.get("modified", ""))
    flushed = known.get("flushed")
    had = min(_size(to), flushed) if isinstance(flushed, int) else 0
    if known.get("url") != url or not vouched or had <= 0:
        _forget(to, about)
        return 0, {}
    if _size(to) > had:
        os.truncate(to, had)
    return had, {"Range": f"bytes={had}-", "If-Range": vouched}


def _begins(answer: requests.Response, had: int) -> int:
    """Give the byte at which an answer begins; raises for those that are no file."""
    host = _host(answer.url)
    status = answer.status_code
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise Refused(f"{host}: sends a content coding that was not asked for")
    if status == 206 and had:
        place = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if place is None or int(place[1]) != had:
            raise Refused(f"{host}: sends another part than was asked for")
        return had
    if status == 416 or status in _BUSY:
        raise _BrokenOff(f"status {status}")
    if status != 200:
        raise Refused(f"{host}: status {status}")
    return 0


def _total(answer: requests.Response, at: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    known = length.isascii() and length.isdigit() and len(length) <= _DIGITS
    return at + int(length) if known else None


def _write(
    answer: requests.Response,
    to: Path,
    at: int,
    most: int,
    total: int | None,
    told: Callable[[int, int | None], None],
    flushed: Callable[[int], None],
) -> None:
    until = time.monotonic() + _WHOLE
    had = safe = at
    # What is there, however little: read() waits for a whole piece, and looks at no clock.
    read = getattr(answer.raw, "read1", answer.raw.read)
    with full_disk(to), to.open("ab" if at else "wb") as file:
        try:
            while piece := read(_PIECE, decode_content=False):
                if had + len(piece) > most:
                    raise Refused(f"{_host(answer.url)}: sends more than {most} bytes")
                file.write(piece)
                had += len(piece)
                told(had, total)
                if had - safe >= _FLUSH_EVERY:
                    safe = _kept(file, had, flushed)
                if time.monotonic() > until:
                    if had - at < _LEAST:
                        raise Refused(f"{_host(answer.url)}: sends next to nothing, and does not end")
                    raise _BrokenOff("it takes too long")
        finally:
            # Whole or broken off: what is here is gone on from, or taken.
            if had > safe:
                _kept(file, had, flushed)
    if total is not None and had < total:
        raise _BrokenOff(f"the answer ended after {had} of {total} bytes")


def _kept(file: IO[bytes], had: int, flushed: Callable[[int], None]) -> int:
    file.flush()
    os.fsync(file.fileno())
    flushed(had)
    return had


def forget(to: Path) -> None:
    """Delete what was fetched of a file, whole or not."""
    _forget(to, to.with_name(to.name + ".about"))


def _forget(to: Path, about: Path) -> None:
    for path in (to, about):
        with suppress(FileNotFoundError):
            path.unlink()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _reason(error: Any) -> str:
    """Give the innermost reason of a failed connection: urllib3 wraps it several times."""
    text = str(error)
    for word, plain in (
        ("NameResolutionError", "its name cannot be resolved"),
        ("Network is unreachable", "the network is unreachable"),
        ("Connection refused", "the connection is refused"),
        ("ProxyError", "the proxy does not answer"),
        ("timed out", "no answer in time"),
        ("reset by peer", "the connection was reset"),
    ):
        if word in text:
            return plain
    return "no connection"
