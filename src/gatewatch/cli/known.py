"""What `gatewatch update` has fetched, for the commands that use it where it is there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatewatch.whereabouts import Joined

# The country in which an address is used before the one in which its network is registered.
_ORDER = ("ip-to-country", "ip-to-as", "ixp-prefixes")


def tables() -> Joined | None:
    """Give the tables of addresses together, None without any; a damaged one is told and left out."""
    from gatewatch.update import Shelf
    from gatewatch.whereabouts import DamagedTable, Joined, PrefixTable

    shelf = Shelf()
    here = {found.name: found for found in shelf.everything() if found.kind == "table"}
    loaded = []
    for name in sorted(here, key=lambda name: (_ORDER.index(name) if name in _ORDER else 99, name)):
        try:
            loaded.append(PrefixTable.load(shelf.path(here[name])))
        except (OSError, DamagedTable) as error:
            click.echo(f"{name} is not used: {error}; gatewatch update {name}", err=True)
    return Joined(loaded) if loaded else None


def signs() -> list[Path]:
    """Give the files of block page signs."""
    from gatewatch.update import Shelf

    shelf = Shelf()
    return [shelf.path(found) for found in shelf.everything() if found.kind == "signs" and shelf.whole(found)]


def lists(names: Iterable[str]) -> tuple[str, ...]:
    """Give target lists by name or file, with names of fetched ones turned into their files."""
    from gatewatch.update import Shelf

    shelf = Shelf()
    found = []
    for name in names:
        here = shelf.installed(name) if "/" not in name and name != "-" else None
        found.append(str(shelf.path(here)) if here is not None and here.kind == "targets" else name)
    return tuple(found)
