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


def able() -> list[Check]:
    """Look at what this user may do and what is installed: with all the capabilities that there are."""
    return [_privileges(), _traceroute(), _deep(), _quic(), _lab()]


def room() -> list[Check]:
    """Look whether results can be kept.

    A run writes them after it has given up its capabilities, CAP_DAC_OVERRIDE among them: then even root
    writes only where its owner, group and mode let it.  So look at it in the same state.
    """
    return [_disk(), _writable(phrase("folder of results"), _results())]


def consent_kept() -> Check:
    """Look whether it can be kept; `gatewatch consent` writes it with all the capabilities that there are."""
    from gatewatch.consent import state_folder

    return _writable(phrase("folder of consent"), state_folder().absolute())


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
    return next((above for above in (folder, *folder.parents) if _there(above)), folder)


def _there(path: Path) -> bool:
    """Tell whether it is there; below a folder that may not be searched nothing is, as far as we can tell."""
    try:
        path.stat()
    except OSError:
        return False
    return True


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
