"""The way to a folder somewhere: any that fsspec knows, with keys and certificates checked.

What a file system needs is imported when it is used: the probe on a small computer has none of it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gatewatch.upload.config import Destination

# What to install for which addresses.  Object stores bring tens of megabytes each: they are not in the extra.
_NEEDS: Mapping[str, tuple[str, str]] = {
    "sftp": ("sshfs", "'gatewatch[upload]'"),
    "ssh": ("sshfs", "'gatewatch[upload]'"),
    "webdav+https": ("webdav4", "'gatewatch[upload]'"),
    "webdav+http": ("webdav4", "'gatewatch[upload]'"),
    "s3": ("s3fs", "s3fs"),
    "gs": ("gcsfs", "gcsfs"),
    "gcs": ("gcsfs", "gcsfs"),
    "abfs": ("adlfs", "adlfs"),
    "az": ("adlfs", "adlfs"),
    "oss": ("ossfs", "ossfs"),
}
# Object stores show an object when it is whole, and not before; elsewhere half a file can be seen.
_WHOLE_OR_NOT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss", "oci", "memory"})


class Unavailable(Exception):
    """Something has to be installed, or there is no such kind of address; says what."""


def missing(destination: Destination) -> str:
    """Say what has to be installed for a destination; empty where all is here."""
    if destination.kind != "store":
        return ""
    scheme = urlsplit(destination.url).scheme
    if scheme in ("file", "local"):
        return ""
    module, package = _NEEDS.get(scheme, ("fsspec", "'gatewatch[upload]'"))
    for name in ("fsspec", module):
        if importlib.util.find_spec(name) is None:
            return f"{destination.name}: {scheme}: needs {name}: pip install {package}"
    if scheme not in _NEEDS:
        from fsspec.registry import (  # type: ignore[import-untyped]
            known_implementations,
            registry,
        )

        if scheme not in known_implementations and scheme not in registry:
            return f"{destination.name}: {scheme}: is no kind of address that fsspec knows"
    return ""


@dataclass(frozen=True, slots=True)
class Way:
    """A file system, the folder in it, and whether it shows whole files only."""

    fs: Any
    folder: str
    whole: bool = False
    close: Callable[[], object] = lambda: None


def opened(destination: Destination) -> Way:
    """Open the way to a destination.

    Raises Unavailable, and whatever the file system raises when it cannot be reached.
    """
    if why := missing(destination):
        raise Unavailable(why)
    parts = urlsplit(destination.url)
    if parts.scheme in ("sftp", "ssh"):
        return _sftp(destination)
    if parts.scheme.startswith("webdav+"):
        return _webdav(destination)
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]

    # Listings that were kept would show what is not there any more.
    fs, folder = url_to_fs(
        destination.url, skip_instance_cache=True, use_listings_cache=False, **destination.options
    )
    return Way(fs, folder, parts.scheme in _WHOLE_OR_NOT)


def _sftp(destination: Destination) -> Way:
    from sshfs import SSHFileSystem

    known = Path.home() / ".ssh" / "known_hosts"
    if not known.is_file():
        raise Unavailable("there is no ~/.ssh/known_hosts: connect once with ssh, and look at the host's key")
    parts = urlsplit(destination.url)
    named = {"username": parts.username, "port": parts.port}
    options = {**{key: value for key, value in named.items() if value}, **destination.options}
    # Without this, sshfs takes any host key for the right one.
    fs = SSHFileSystem(parts.hostname, known_hosts=str(known), skip_instance_cache=True, **options)
    return Way(fs, unquote(parts.path), close=lambda: fs.loop.call_soon_threadsafe(fs.client.close))


def _webdav(destination: Destination) -> Way:
    from webdav4.fsspec import WebdavFileSystem

    parts = urlsplit(destination.url)
    options = dict(destination.options)
    login = (str(options.pop("username", "")), str(options.pop("password", "")))
    if destination.ca:
        import ssl

        options["verify"] = ssl.create_default_context(cafile=destination.ca)
    fs = WebdavFileSystem(
        f"{parts.scheme.partition('+')[2]}://{parts.netloc}",
        auth=login if any(login) else None,
        skip_instance_cache=True,
        **options,
    )
    return Way(fs, unquote(parts.path), close=fs.client.http.close)
