"""Room for a run on a small machine: how many files it may open, and how large a thread is."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

# glibc gives a thread 8 MB of address space, which counts where memory is limited (RLIMIT_DATA, RLIMIT_AS).
# Looking names up is all that threads do here, and musl does that in 128 KB.
_STACK = 1 << 20
# Files that the process itself has open, and what one measurement has open at its busiest: its questions, one
# socket each, and a connection to every address.
_OWN, _EACH = 32, 16


def keep_standard_files() -> None:
    """Keep the numbers of stdin, stdout and stderr from files of ours where somebody has closed them.

    The file of measurements would be number 1, and whatever is printed would land in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, which is this one.
            os.open(os.devnull, os.O_RDWR)


def no_files() -> bool:
    """Tell whether no more files may be opened: then what the system is asked for seems not to be there."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return True
    return False


def make_room() -> int:
    """Use what the system gives; gives how many measurements may be under way at once."""
    threading.stack_size(_STACK)
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # The usual soft limit is for programs that use select(2), which this one does not; macOS refuses
        # what its kern.maxfilesperproc does not allow, and then all stays as it is.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, (soft - _OWN) // _EACH)
