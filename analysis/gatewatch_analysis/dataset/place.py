"""Where a dataset is kept: a folder, or an object store by URL; a file is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gatewatch.store import lock
from gatewatch.store.files import full_disk, make_folder, replacing, sync_folder
from gatewatch_analysis.dataset.layout import UNFINISHED
from gatewatch_analysis.loading.stores import Store, store_of

# Flushes that are under way at a time.
_FLUSHES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset's place; names are relative to it, with slashes."""

    store: Store
    _moved: set[Path] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The path or URL, as it is told."""
        return self.store.name(self.store.root)

    @property
    def _system(self) -> Any:
        return self.store.system

    def _full(self, name: str) -> str:
        return (
            f"{self.store.root.rstrip('/')}/{name}"
            if self._system is not None
            else str(Path(self.store.root, name))
        )

    def exists(self, name: str) -> bool:
        """Tell whether a file is there."""
        return self.store.is_file(self._full(name))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""
        return self.store.open(self._full(name))

    def read(self, name: str, most: int) -> bytes:
        """Read a file; raises ValueError when it is longer than ``most`` bytes."""
        with self.open(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise ValueError(f"more than {most} bytes")
        return data

    def names(self) -> Iterator[str]:
        """List every file."""
        root = self.store.root.rstrip("/")
        if not self.store.is_folder(root):
            return
        for file in self.store.files(root):
            yield file[len(root) :].replace(os.sep, "/").lstrip("/")

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, in place of what was there."""
        if self._system is not None:
            self._system.pipe_file(self._full(name), data)  # an object appears when all of it has come
            return
        path = Path(self._full(name))
        with full_disk(path):
            make_folder(path.parent, 0o777)
        with replacing(path) as file:
            file.write(data)

    def take(self, file: Path, name: str) -> None:
        """Move a finished file from :meth:`workshop` to its name; :meth:`settle` makes it last."""
        if self._system is not None:
            self._system.put_file(str(file), self._full(name))
            file.unlink()
            return
        path = Path(self._full(name))
        with full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file.replace(path)
        self._moved.add(path)

    def settle(self) -> None:
        """Flush what was moved to the disk.

        All at once: a disk takes many flushes together in little more time than one.
        """
        with ThreadPoolExecutor(_FLUSHES) as threads:
            list(threads.map(_flush, self._moved))
            # And the folders above: a new one's name is an entry there.
            root = Path(self.store.root)
            above = {folder for path in self._moved for folder in path.parents if _within(folder, root)}
            list(threads.map(sync_folder, above))
        self._moved.clear()

    def remove(self, name: str) -> None:
        """Remove a file that is not wanted any more; it may be gone already."""
        with suppress(FileNotFoundError):
            if self._system is not None:
                self._system.rm_file(self._full(name))
            else:
                Path(self._full(name)).unlink()

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a folder for unfinished files, on the same disk where that can be; it is gone afterwards.

        Raises :class:`gatewatch.store.Locked` while another process writes into the dataset; of an object
        store nobody can tell.
        """
        if self._system is not None:
            with tempfile.TemporaryDirectory(prefix="gatewatch-dataset-") as folder:
                yield Path(folder)
            return
        root = Path(self.store.root)
        with lock(root):
            # What builds left that were killed.
            above = root / UNFINISHED
            _clear(above)
            own = above / secrets.token_hex(4)
            with full_disk(own):
                own.mkdir(parents=True)
            try:
                yield own
            finally:
                _clear(above)


def place_of(path: str | Path, options: Mapping[str, Any] | None = None) -> Place:
    """Find the place of a path or URL; raises NoDataset for a protocol that nobody knows."""
    return Place(store_of(path, options))


def _within(folder: Path, root: Path) -> bool:
    return folder.is_relative_to(root)


def _flush(path: Path) -> None:
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def _clear(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
