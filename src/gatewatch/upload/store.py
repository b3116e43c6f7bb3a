"""A folder in an object store, over WebDAV or SFTP, or on a disk: lines of runs, in files named by content.

A file holds some of a run's measurements as they were stored, compressed; its name is the SHA-256 of these
lines.  What goes into a file is written down before it is sent, so it is the same file however often it is
sent, and takes its own place: each measurement is there once.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from gatewatch.store import read
from gatewatch.store.files import make_folder, replacing
from gatewatch.store.lines import measured
from gatewatch.store.uid import uid
from gatewatch.upload.collector import Answer
from gatewatch.upload.config import Destination
from gatewatch.upload.filesystem import Unavailable, Way, opened
from gatewatch.upload.ledger import Ledger
from gatewatch.upload.spool import pending

# A file is sent again from its beginning when the line breaks: at 50 kbit/s one of this size, compressed
# twelve to one, takes two minutes.
_MOST_BYTES = 8 * 2**20
_MOST_LINES = 1000
_COUNTRY = re.compile(r"[A-Z]{2}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LEVEL = 6


class Folder:
    """The folder of a destination, opened when it is first used."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._way: Way | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._way is not None:
            self._way.close()

    def place(self, name: str, content: bytes) -> None:
        """Put a file there, unless it is there already; raises what the file system raises."""
        scheme = urlsplit(self._destination.url).scheme
        if scheme in ("file", "local"):
            _on_disk(Path(unquote(urlsplit(self._destination.url).path)) / name, content)
            return
        if self._way is None:
            self._way = opened(self._destination)
        fs = self._way.fs
        path = f"{self._way.folder.rstrip('/')}/{name}"
        if _is_there(fs, path, content):
            return
        packed = _packed(content)
        if self._way.whole:
            fs.pipe_file(path, packed)
        else:
            parent, _, last = path.rpartition("/")
            fs.makedirs(parent, exist_ok=True)
            part = f"{parent}/.{last}.part"
            fs.pipe_file(part, packed)
            if fs.exists(path):
                # What stands there is not what it should be: some servers do not rename onto a file.
                fs.rm_file(path)
            fs.mv(part, path)
        if (size := fs.info(path)["size"]) != len(packed):
            raise OSError(f"{size} of {len(packed)} bytes are there")


def _on_disk(path: Path, content: bytes) -> None:
    """Put a file on a disk of this machine, flushed, so that the run may be deleted."""
    try:
        if _unpacked(path.read_bytes(), content) == content:
            return
    except OSError:
        pass
    make_folder(path.parent)
    with replacing(path) as file:
        file.write(_packed(content))


def _is_there(fs: Any, path: str, content: bytes) -> bool:
    """Tell whether a file is there and holds what it should."""
    try:
        size = fs.info(path)["size"]
        # Never more than such a file can have.
        return size <= 2 * len(content) + 1024 and _unpacked(fs.cat_file(path), content) == content
    except FileNotFoundError:
        return False
    except PermissionError:
        # A store that may be written to and not read: what is written there again is the same.
        return False


def _packed(content: bytes) -> bytes:
    out = io.BytesIO()
    # Without name and time: the same lines give the same bytes.
    with gzip.GzipFile("", "wb", _LEVEL, out, mtime=0) as file:
        file.write(content)
    return out.getvalue()


def _unpacked(packed: bytes, content: bytes) -> bytes:
    """Unpack no more than is compared."""
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, len(content) + 1)
    except zlib.error:
        return b""


class Batched:
    """Takes the measurements of a run to a folder, some hundred at a time."""

    def __init__(self, destination: Destination, folder: Folder) -> None:
        self._destination = destination
        self._folder = folder

    def carry(
        self, run: Path, ledger: Ledger, told: Callable[[Answer, int], None], *, once_more: bool
    ) -> Answer | None:
        """Send what is left of a run: first the files that were begun, then what is in none yet.

        A folder takes any file or none, so nothing is ever tried ``once_more``.
        """
        for name in [name for name in ledger.batches if name not in ledger.placed]:
            wanted = set(ledger.batches[name])
            lines = [line for line in read(run) if uid(line) in wanted]
            if _name(lines) != name:
                # Lines of it were lost with a disk; what is left of them goes into another file.
                ledger.note(void=name)
            elif (answer := self._place(name, lines, ledger, told)) is not None:
                return answer
        for lines in self._batches(run, ledger):
            name = _name(lines)
            ledger.note(batch=name, uids=[uid(line) for line in lines])
            if (answer := self._place(name, lines, ledger, told)) is not None:
                return answer
        return None

    def _batches(self, run: Path, ledger: Ledger) -> Iterator[list[bytes]]:
        lines: list[bytes] = []
        size = 0
        for _uid, line, _record in pending(run, self._destination, ledger):
            if lines and (size + len(line) > _MOST_BYTES or len(lines) >= _MOST_LINES):
                yield lines
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            yield lines

    def _place(
        self, name: str, lines: list[bytes], ledger: Ledger, told: Callable[[Answer, int], None]
    ) -> Answer | None:
        try:
            self._folder.place(f"{_partition(lines[0])}/{name}.jsonl.gz", b"".join(lines))
        except Exception as error:
            # File systems raise whatever their libraries do.
            return Answer("later", why=self._trouble(error))
        ledger.note(placed=name)
        told(Answer("stored", name), len(lines))
        return None

    def _trouble(self, error: Exception) -> str:
        """Say what went wrong, without keys, addresses and folders: a monitor may read it."""
        if isinstance(error, Unavailable):
            return str(error)
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        parts = urlsplit(self._destination.url)
        words = [self._destination.url, unquote(parts.path), parts.hostname or ""]
        with suppress(RuntimeError):
            words.append(str(Path.home()))
        for secret in sorted((*words, *_texts(self._destination.options)), key=len, reverse=True):
            if len(secret) > 3:
                text = text.replace(secret, "[scrubbed]")
        return " ".join(text.split())[:200]


def _name(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _partition(line: bytes) -> str:
    """Give the folder of a run's files, as datasets are partitioned; nothing odd becomes part of a path."""
    record = measured(line) or {}
    country, date = str(record.get("probe_cc")), str(record.get("test_start_time"))[:10]
    return (
        f"probe_cc={country if _COUNTRY.fullmatch(country) else 'ZZ'}/"
        f"date={date if _DATE.fullmatch(date) else 'unknown'}"
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, str):
        yield value
