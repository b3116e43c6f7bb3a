"""Where to: the destinations of upload.toml, checked.  Without that file, or options, nothing is uploaded."""

from __future__ import annotations

import hashlib
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from gatewatch.update.catalogue import config_file as update_config
from gatewatch_targets.tree import Node, read_tree

Kind = Literal["collector", "store"]
Protocol = Literal["submit", "report"]
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TEST = re.compile(r"[a-z0-9_]+")
_KEYS = ("kind", "url", "protocol", "tests", "lab", "ca", "options")
# Anybody on the way could read or change what goes over these, or they cannot be written to.
_UNSAFE = frozenset({"ftp", "http", "https", "smb", "webhdfs", "hdfs", "git", "github"})
# Options by which file systems are told not to look at certificates or host keys.
_VERIFYING = frozenset({"verify", "verify_ssl", "ssl_verify", "ssl", "use_ssl", "check_hostname", "secure"})
_NOWHERE = ("file", "local", "memory")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where measurements go."""

    name: str
    kind: Kind
    url: str
    #: collectors: OONI's call for single measurements, or its older one of reports
    protocol: Protocol = "submit"
    #: only these tests; empty for all
    tests: tuple[str, ...] = ()
    #: runs in the lab, too; only to this machine
    lab: bool = False
    #: a file of certificates to trust in place of the system's
    ca: str | None = None
    #: stores: what the file system is told
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A name for what is known of it: another address is another destination, another name is not."""
        return hashlib.sha256(f"{self.kind} {self.url}".encode()).hexdigest()[:12]

    def wants(self, test_name: str) -> bool:
        """Whether measurements of a test go there."""
        return not self.tests or test_name in self.tests


def config_file() -> Path:
    """Where one's own configuration lies, beside update.toml."""
    return update_config().with_name("upload.toml")


def destinations(path: Path | None = None) -> list[Destination]:
    """Read the destinations; none where the file is absent and was not asked for.

    Raises gatewatch_targets.DataError with the path of the value that is wrong, and OSError.
    """
    file = path or config_file()
    if path is None and not file.is_file():
        return []
    with file.open("rb") as stream:
        tree = read_tree(stream, str(file))
    return [_destination(name, node) for name, node in tree.tables()]


def readable_by_others(path: Path | None = None) -> bool:
    """Tell whether the file, which may hold keys, is open to other users."""
    file = path or config_file()
    if sys.platform == "win32":
        return False
    try:
        return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def collector(url: str, protocol: Protocol = "submit") -> Destination:
    """Give a destination named on the command line; raises DataError."""
    return _destination(
        "collector", Node("--collector", "", {"kind": "collector", "url": url, "protocol": protocol})
    )


def store(url: str) -> Destination:
    """Give a destination named on the command line; raises DataError."""
    return _destination("store", Node("--store", "", {"kind": "store", "url": url}))


def _destination(name: str, node: Node) -> Destination:
    if not _NAME.fullmatch(name):
        raise node.error("a name has small letters, digits, - and _")
    node.only(*_KEYS)
    kind = node.choice("kind", get_args(Kind))
    url = node.get("url")
    here = _checked_collector(url) if kind == "collector" else _checked_store(url)
    lab = node.flag("lab", False)
    if lab and not here:
        # What was measured in an emulated country would be believed.
        raise node.get("lab").error("runs in the lab go to this machine only")
    tests = node.texts("tests")
    for item in tests:
        if not _TEST.fullmatch(item):
            raise node.get("tests").error(f"{item!r} is no name of a test")
    options = node.get("options") if node.has("options") else None
    if options is not None:
        _checked_options(options)
    return Destination(
        name=name,
        kind=kind,
        url=url.as_text().rstrip("/"),
        protocol=node.choice("protocol", get_args(Protocol), "submit"),
        tests=tests,
        lab=lab,
        ca=node.text("ca", "") or None if node.has("ca") else None,
        options=dict(options.value) if options is not None else {},
    )


def _checked_collector(node: Node) -> bool:
    """See that TLS protects an address; gives whether it is on this machine."""
    scheme, host = _parts(node)
    here = host in LOOPBACK
    if not host or not (scheme == "https" or (scheme == "http" and here)):
        raise node.error("is not an https address")
    return here


def _checked_store(node: Node) -> bool:
    scheme, host = _parts(node)
    here = scheme in _NOWHERE or host in LOOPBACK
    if not scheme:
        raise node.error("is no address such as s3://bucket/folder or sftp://host/folder")
    if (scheme in _UNSAFE or scheme == "webdav+http") and not (here and scheme == "webdav+http"):
        raise node.error(f"{scheme}: is not encrypted, or cannot be written to")
    return here


def _parts(node: Node) -> tuple[str, str]:
    try:
        parts = urlsplit(node.as_text())
        password = parts.password
        host = parts.hostname or ""
    except ValueError as error:
        raise node.error(str(error)) from None
    if password is not None:
        raise node.error("holds a password: put it into options")
    return parts.scheme, host


def _checked_options(node: Node) -> None:
    """Refuse to look away: certificates and host keys are checked, always."""
    for path, key, value in _leaves(node.value, node.path):
        if key in _VERIFYING and value is False:
            raise Node(node.file, path, value).error("turns the check of certificates off")
        if key == "known_hosts":
            raise Node(node.file, path, value).error("host keys are those of ~/.ssh/known_hosts")
        if key in ("endpoint_url", "base_url") and isinstance(value, str):
            _checked_collector(Node(node.file, path, value))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            if isinstance(below, (Mapping, list)):
                yield from _leaves(below, f"{path}.{key}")
            yield f"{path}.{key}", str(key).lower(), below
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _leaves(below, f"{path}[{number}]")
