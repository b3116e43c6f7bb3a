"""Where files lie: on this machine's disks, or behind a URL (``s3://``, ``memory://``), through fsspec."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

# What fsspec's extras are called where they are not the protocol's name.
_EXTRAS = {"gs": "gcs", "az": "abfs", "abfss": "abfs", "s3a": "s3", "https": "http"}


class NoDataset(Exception):
    """A path that was asked for is not there, is no dataset, or cannot be reached: the caller's mistake."""


@dataclass(frozen=True, slots=True)
class Store:
    """A file system; paths in it are written with slashes, as ``root`` is.

    ``system`` is fsspec's, or None for this machine's disks.  Two workers may not share one that lies in the
    memory of this process (``alone``).
    """

    root: str
    system: Any = None

    @property
    def alone(self) -> bool:
        """Whether only this process sees it."""
        return self.system is not None and "memory" in _protocols(self.system)

    def name(self, path: str) -> str:
        """Give the name under which a path is told, and can be opened again."""
        return path if self.system is None else str(self.system.unstrip_protocol(path))

    def exists(self, path: str) -> bool:
        """Tell whether a path is there."""
        return Path(path).exists() if self.system is None else bool(self.system.exists(path))

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder."""
        return Path(path).is_dir() if self.system is None else bool(self.system.isdir(path))

    def is_file(self, path: str) -> bool:
        """Tell whether a path is a file."""
        return Path(path).is_file() if self.system is None else bool(self.system.isfile(path))

    def size(self, path: str) -> int:
        """Give a file's size in bytes."""
        return Path(path).stat().st_size if self.system is None else int(self.system.size(path) or 0)

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading; raises OSError."""
        if self.system is None:
            return Path(path).open("rb")
        return cast("IO[bytes]", self.system.open(path, "rb"))

    def files(self, folder: str) -> list[str]:
        """List all files below a folder, in the order of their names, folder by folder."""
        if self.system is None:
            found = [
                os.path.join(here, name)  # noqa: PTH118 (a dataset may have a million files)
                for here, _, names in os.walk(folder, followlinks=True)
                for name in names
            ]
            return sorted(found, key=lambda path: Path(path).parts)
        return sorted(map(str, self.system.find(folder)), key=lambda path: path.split("/"))

    def matches(self, pattern: str) -> Iterator[str]:
        """List what a pattern (``*``, ``**``, ``?``, ``[...]``) names, in order."""
        if self.system is None:
            yield from sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (names stay as asked)
        else:
            yield from sorted(map(str, self.system.glob(pattern)))


def store_of(path: str | Path, options: Mapping[str, Any] | None = None) -> Store:
    """Find the store of a path or URL; ``options`` are fsspec's for it, such as ``{"anon": True}`` for S3.

    Raises :class:`NoDataset` for a protocol that nobody knows, or whose package is missing.
    """
    text = os.fspath(path)
    if isinstance(path, Path) or "://" not in text:
        return Store(text)
    import fsspec  # type: ignore[import-untyped]

    protocol = text.partition("://")[0].rpartition("::")[2]
    try:
        system, root = fsspec.core.url_to_fs(text, **(options or {}))
    except ImportError as error:
        extra = _EXTRAS.get(protocol, protocol)
        raise NoDataset(f"{text}: {error} (pip install 'fsspec[{extra}]')") from error
    except (ValueError, TypeError) as error:
        raise NoDataset(f"{text}: {error}") from error
    return Store(str(root), system)


def _protocols(system: Any) -> tuple[str, ...]:
    found = system.protocol
    return (found,) if isinstance(found, str) else tuple(found)
