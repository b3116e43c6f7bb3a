"""This machine: what it is able to do, and whether there is room."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gatewatch.cli.checks.check import Check
from gatewatch.words import Phrase, numbers, phrase

# A run of 2,000 web targets with bodies takes about 100 MB before it is compressed.
_ROOM = 500_000_000
#: Without these nothing that is measured can be kept.
NEEDED = frozenset({"folder of results", "folder of consent"})


def checks() -> list[Check]:
    """Look at what does not need the line."""
    return [_privileges(), _traceroute(), _deep(), _quic(), _lab(), _disk(), *_kept()]


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


def _results() -> Path:
    from gatewatch.store import default_root

    # As `gatewatch run` has it.
    return Path(os.environ.get("GATEWATCH_RESULTS") or default_root()).absolute()


def _existing(folder: Path) -> Path:
    """Give the nearest folder that is there, in which the others would be made."""
    return next((above for above in (folder, *folder.parents) if above.exists()), folder)


def _kept() -> list[Check]:
    """Whether results and consent can be kept."""
    from gatewatch.consent import state_folder

    return [
        _writable(phrase("folder of results"), _results()),
        _writable(phrase("folder of consent"), state_folder().absolute()),
    ]


def _writable(what: Phrase, folder: Path) -> Check:
    """Write a file that has no name and is gone at once, where the folder is or would be made."""
    from gatewatch.summary.facts import tidy

    why = ""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        why = error.strerror or str(error)
    return Check(
        what,
        not why,
        phrase("cannot be written to: {why}", why=why) if why else phrase("can be written to"),
        phrase(
            "Nothing is measured that cannot be kept. See that you may write to {folder}", folder=tidy(folder)
        ),
        detail=tidy(folder) if why else "",
    )


def _disk() -> Check:
    free = shutil.disk_usage(_existing(_results())).free
    return Check(
        phrase("disk"),
        free > _ROOM,
        phrase("{size} free", size=numbers.size(free)),
        phrase("Make some room, or keep results elsewhere: --root FOLDER"),
    )
