"""Where fetched data sets lie: the data, named by their content, and a small file that says which are in use.

``NAME.json`` is replaced in one step after the data were written whole, so that a crash, a full disk or a
power cut leaves the old data set in use.  ``NAME.new.json`` speaks of one that waits to be looked at first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatewatch.store import default_root
from gatewatch.store.files import (
    UNFINISHED,
    StoreFull,
    full_disk,
    make_folder,
    read_json,
    replacing,
    write_json,
)

_SIDECAR, _WAITING = ".json", ".new.json"
_PARTIAL, _TERMS = ".partial", "terms.json"


def data_folder() -> Path:
    """Where data sets lie unless told otherwise: beside the runs."""
    return default_root().parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What the small file says of a data set.

    ``date`` is when the data are from, ``fetched`` when they came (both ISO 8601, UTC).  ``dated_by`` says
    where the date is from: the content, the server, or only the fetching.  ``sha256`` and ``bytes`` are those
    of ``file``, what was made of the data.
    """

    name: str
    title: str
    kind: str
    version: str
    licence: str
    attribution: str
    date: str
    dated_by: str
    source: str
    fetched: str
    file: str
    sha256: str
    bytes: int
    entries: int
    etag: str = ""

    def age(self, now: datetime) -> float:
        """Days since the data were last found current."""
        return (now - _moment(self.fetched)).total_seconds() / 86_400


class Shelf:
    """The data folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()

    def installed(self, name: str, *, waiting: bool = False) -> Installed | None:
        """Give what is in use under a name (or waits); None where there is none or its data are gone."""
        try:
            found = _installed(read_json(self._sidecar(name, waiting)))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.name == name and self.path(found).is_file() else None

    def path(self, found: Installed) -> Path:
        """Give where the data of a data set lie."""
        return self.folder / found.file

    def everything(self) -> Iterator[Installed]:
        """Give all that is in use, by name."""
        if self.folder.is_dir():
            for path in sorted(self.folder.glob(f"*{_SIDECAR}")):
                if not path.name.endswith(_WAITING) and path.name != _TERMS:
                    found = self.installed(path.name.removesuffix(_SIDECAR))
                    if found is not None:
                        yield found

    def whole(self, found: Installed) -> bool:
        """Tell whether data are still what was written."""
        try:
            with self.path(found).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == found.sha256
        except OSError:
            return False

    def put(self, found: Installed, content: bytes, suffix: str, *, waiting: bool = False) -> Installed:
        """Write data and take them into use (or let them wait).

        Raises StoreFull, and then what was in use is in use still.
        """
        digest = hashlib.sha256(content).hexdigest()
        file = f"{found.name}.{digest[:12]}{suffix}"
        done = replace(found, file=file, sha256=digest, bytes=len(content))
        with full_disk(self.folder):
            make_folder(self.folder, 0o777)
        try:
            with replacing(self.folder / file) as stream:
                stream.write(content)
            write_json(self._sidecar(found.name, waiting), asdict(done))
        except StoreFull:
            self._tidy(found.name)
            raise
        if not waiting:
            self._forget_waiting(found.name)
        self._tidy(found.name)
        return done

    def touch(self, found: Installed, now: str) -> None:
        """Note that data were found current."""
        write_json(self._sidecar(found.name, False), asdict(replace(found, fetched=now)))
        # What a power cut brought back.
        self._tidy(found.name)

    def accept(self, name: str) -> Installed:
        """Take into use what waits; raises LookupError when nothing does."""
        waits = self.installed(name, waiting=True)
        if waits is None:
            raise LookupError(name)
        write_json(self._sidecar(name, False), asdict(waits))
        self._forget_waiting(name)
        self._tidy(name)
        return waits

    def drop(self, name: str) -> None:
        """Throw away what waits."""
        self._forget_waiting(name)
        self._tidy(name)

    def partial(self, name: str, part: str) -> Path:
        """Give where a file lies while it is fetched."""
        folder = self.folder / _PARTIAL
        with full_disk(folder):
            make_folder(folder, 0o777)
        return folder / f"{name}.{part}"

    def forget_partial(self, name: str) -> None:
        """Delete what is left of fetching a data set."""
        folder = self.folder / _PARTIAL
        for path in folder.glob(f"{name}.*") if folder.is_dir() else ():
            with suppress(OSError):
                path.unlink()

    def accepted(self) -> dict[str, str]:
        """Give the terms that were accepted, by data set."""
        try:
            found = read_json(self.folder / _TERMS)
        except (OSError, ValueError):
            return {}
        return {name: str(terms) for name, terms in found.items()}

    def accept_terms(self, name: str, terms: str) -> None:
        """Note that somebody accepted a data set's terms."""
        make_folder(self.folder, 0o777)
        write_json(self.folder / _TERMS, {**self.accepted(), name: terms})

    def _sidecar(self, name: str, waiting: bool) -> Path:
        return self.folder / f"{name}{_WAITING if waiting else _SIDECAR}"

    def _forget_waiting(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._sidecar(name, True).unlink()

    def _tidy(self, name: str) -> None:
        """Delete data of a name that no small file speaks of."""
        kept = {f.file for waiting in (False, True) if (f := self.installed(name, waiting=waiting))}
        data = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{12}}\..+")
        for path in (*self.folder.glob(f"{name}.*"), *self.folder.glob(f".{name}.*{UNFINISHED}")):
            if path.name not in kept and (path.name.startswith(".") or data.fullmatch(path.name)):
                with suppress(OSError):
                    path.unlink()


def installed(name: str) -> tuple[Installed, Path] | None:
    """Give a data set that is in use, and where its data lie; None where there is none."""
    shelf = Shelf()
    found = shelf.installed(name)
    return (found, shelf.path(found)) if found is not None else None


def _installed(value: dict[str, Any]) -> Installed:
    known = {f.name for f in fields(Installed)}
    found = Installed(**{key: entry for key, entry in value.items() if key in known})
    texts = [entry for key, entry in asdict(found).items() if key not in ("bytes", "entries")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(found.entries, int):
        raise ValueError("not as it was written")
    if Path(found.file).name != found.file or not found.file.startswith(f"{found.name}."):
        raise ValueError("leads out of the folder")
    _moment(found.fetched)
    return found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
