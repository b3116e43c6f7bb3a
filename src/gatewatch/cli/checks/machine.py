"""This machine: what it is able to do, and whether there is room."""

from __future__ import annotations

import os
import shutil

from gatewatch.cli.checks.check import Check
from gatewatch.words import numbers, phrase

# A run of 2,000 web targets with bodies takes about 100 MB before it is compressed.
_ROOM = 500_000_000


def checks() -> list[Check]:
    """Look at what does not need the line."""
    return [_privileges(), _traceroute(), _deep(), _quic(), _lab(), _disk()]


def _privileges() -> Check:
    from gatewatch.net.tracing import raw

    root = getattr(os, "geteuid", lambda: 1)() == 0
    if root:
        found = phrase("this is the administrator (root); an ordinary user will do")
    elif raw.permitted():
        found = phrase("an ordinary user who may use raw sockets")
    else:
        found = phrase("an ordinary user, and that is enough")
    return Check(phrase("privileges"), True, found)


def _traceroute() -> Check:
    from gatewatch.net import errqueue

    return Check(
        phrase("traceroute"),
        errqueue.AVAILABLE,
        phrase("works without privileges") if errqueue.AVAILABLE else phrase("needs Linux"),
        phrase("Everything else works; use a Linux machine to find the way to servers."),
    )


def _deep() -> Check:
    from gatewatch.net import capture

    why = capture.why()
    if why:
        # Nothing is wrong with an ordinary user.
        none = phrase(
            "packets cannot be captured; only {command} needs it", command="gatewatch locate --deep"
        )
        return Check(phrase("deep mode"), True, none, detail=why)
    return Check(phrase("deep mode"), True, phrase("packets can be captured"))


def _quic() -> Check:
    from gatewatch.net import quic

    why = ""
    try:
        quic.require()
    except quic.Unavailable as error:
        why = str(error)
    return Check(
        phrase("QUIC"),
        not why,
        phrase("is not installed") if why else phrase("can be measured"),
        phrase("Only for the probe quic: {command}", command="pip install 'gatewatch[quic]'"),
        detail=why,
    )


def _lab() -> Check:
    from gatewatch.lab import rehearse

    what = phrase("lab")
    try:
        how = rehearse.choose("auto")[1]
    except rehearse.NoLab as error:
        install = phrase("Only to rehearse: {command}", command="pip install 'gatewatch[lab]'")
        return Check(what, False, phrase("is not installed"), install, detail=str(error))
    return Check(what, True, phrase("you can rehearse without the internet"), detail=how.english)


def _disk() -> Check:
    from gatewatch.store import default_root

    root = default_root()
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    return Check(
        phrase("disk"),
        free > _ROOM,
        phrase("{size} free", size=numbers.size(free)),
        phrase("Make some room, or keep results elsewhere: --root FOLDER"),
    )
