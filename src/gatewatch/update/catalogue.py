"""The data sets there are: the built-in table, and what one's own configuration says otherwise."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from gatewatch_targets.rows import DataError
from gatewatch_targets.tree import Node, read_tree

Kind = Literal["targets", "signs", "table", "cables"]
Format = Literal[
    "citizenlab", "signs", "iptoasn", "ranges-asn", "ranges-country", "pfx2as", "peeringdb", "cablemap"
]
#: Addresses of a data set's files by the files' names; a data set of one file calls it "data".
Mirror = Mapping[str, str]
DATA = "data"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SUFFIXES: dict[Kind, str] = {"targets": ".csv", "signs": ".csv", "table": ".table", "cables": ".json"}
_KEYS = (
    *("title", "kind", "format", "urls", "parts", "each", "licence", "attribution", "terms", "suffix"),
    *("days", "least", "megabytes", "unpacked", "sha256"),
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set and how to come by it; see datasets.toml for the fields.

    ``most`` and ``unpacked`` are in bytes.  ``sha256`` pins the file that is fetched; empty: not pinned.
    """

    name: str
    title: str
    kind: Kind
    format: Format
    mirrors: tuple[Mirror, ...]
    licence: str
    attribution: str
    terms: str
    each: str
    suffix: str
    days: int
    least: int
    most: int
    unpacked: int
    sha256: str


def config_file() -> Path:
    """Where one's own configuration lies (XDG base directories; the roaming profile on Windows)."""
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    else:
        given = os.environ.get("XDG_CONFIG_HOME", "")
        base = given if given.startswith("/") else str(Path.home() / ".config")
    return Path(base) / "gatewatch" / "update.toml"


def datasets(own: Path | None = None) -> dict[str, Dataset]:
    """Give all data sets by name; ``own`` is one's own file, by default that of :func:`config_file`.

    Raises DataError with the path of the value that is wrong, and OSError for a given file that is not there.
    """
    builtin = files(__package__).joinpath("datasets.toml").read_bytes()
    tree = read_tree(io.BytesIO(builtin), "datasets.toml")
    values = {name: dict(node.value) for name, node in tree.tables()}
    found = {name: _dataset(name, node) for name, node in tree.tables()}
    path = own or config_file()
    if own is None and not path.is_file():
        return found
    with path.open("rb") as stream:
        changes = read_tree(stream, str(path))
    for name, node in changes.tables():
        merged = {**values.get(name, {}), **node.value}
        if "urls" in node.value:
            merged.pop("parts", None)
        found[name] = _dataset(name, Node(node.file, node.path, merged))
    return found


def _dataset(name: str, node: Node) -> Dataset:
    if not _NAME.fullmatch(name):
        raise node.error("a name has small letters, digits, - and _")
    node.only(*_KEYS)
    kind = node.choice("kind", get_args(Kind))
    sha256 = node.text("sha256", "")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise node.get("sha256").error("is no SHA-256 in hexadecimal")
    each = node.text("each", "")
    if each:
        _address(node.get("each"))
    megabytes = node.number("megabytes", 0.001, 1024) if node.has("megabytes") else 16.0
    return Dataset(
        name=name,
        title=node.text("title", name),
        kind=kind,
        format=node.choice("format", get_args(Format)),
        mirrors=tuple(_mirrors(node)),
        licence=node.text("licence", "not known"),
        attribution=node.text("attribution", ""),
        terms=node.text("terms", ""),
        each=each,
        suffix=node.text("suffix", _SUFFIXES[kind]),
        days=int(node.number("days", 1, 3650)) if node.has("days") else 90,
        least=int(node.number("least", 0, 1e9)) if node.has("least") else 1,
        most=int(megabytes * 1e6),
        unpacked=int(node.number("unpacked", 0.001, 2048) * 1e6)
        if node.has("unpacked")
        else int(megabytes * 1e6),
        sha256=sha256,
    )


def _mirrors(node: Node) -> Iterator[Mirror]:
    if node.has("parts"):
        parts = node.get("parts")
        yield {key: _address(parts.get(key)) for key in parts.keys()}  # noqa: SIM118 (a Node is no dict)
        return
    addresses = node.get("urls").items()
    if not addresses:
        raise node.get("urls").error("is empty")
    for address in addresses:
        yield {DATA: _address(address)}


def _address(node: Node) -> str:
    """Check an address: over plain HTTP anybody on the way could write our data."""
    text = node.as_text()
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError as error:
        raise node.error(str(error)) from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise node.error(f"{text[:80]!r} is not an https address")
    if parts.username is not None:
        raise node.error("holds a user name")
    return text


__all__ = ["DATA", "DataError", "Dataset", "Format", "Kind", "Mirror", "config_file", "datasets"]
