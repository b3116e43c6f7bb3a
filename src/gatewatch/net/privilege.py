"""What this process may do beyond an ordinary user, and giving it up before a stranger's first byte.

Linux capabilities (capabilities(7)).  A capability of a parser is a capability of whoever finds a mistake in
it.  So a process of ours that goes onto the network gives up all of them; the few sockets that need one are
opened by a process that reads nothing (:mod:`gatewatch.net.opener`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from typing import Final

#: linux/capability.h
NET_ADMIN: Final = 12
NET_RAW: Final = 13
_VERSION_3 = 0x20080522
# linux/prctl.h
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL = 38, 47, 4

# Whether the process was started as gatewatch: a program that uses us as a library keeps what it has.
_own = False
_umask = 0o022


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def own_process() -> None:
    """Say that this process was started as gatewatch: what it writes is its user's alone (umask 077)."""
    global _own, _umask
    _own = True
    _umask = os.umask(0o077)


def public_files() -> None:
    """Let others read what is written, as far as the user's own umask does."""
    if _own:
        os.umask(_umask)


def is_own() -> bool:
    """Tell whether the process was started as gatewatch."""
    return _own


def held() -> frozenset[int]:
    """Give the numbers of the capabilities that this process has or could take up again; empty elsewhere."""
    if sys.platform != "linux":
        return frozenset()
    try:
        with open("/proc/thread-self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
            masks = [int(line.split()[1], 16) for line in status if line.startswith(("CapPrm", "CapEff"))]
    except (OSError, ValueError, IndexError):
        return frozenset()
    return frozenset(bit for mask in masks for bit in range(64) if mask >> bit & 1)


def forgo(but: Iterable[int] = ()) -> None:
    """Give up all capabilities ``but`` these, for good; raises OSError.

    Of this thread and those that it starts: call it before there are others.  Programs started afterwards
    gain none either, whoever owns them and whatever their file has.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    keep = frozenset(but) & held()
    header, sets = _Header(_VERSION_3, 0), (_Sets * 2)()
    for bit in keep:
        sets[bit // 32].effective |= 1 << bit % 32
        sets[bit // 32].permitted |= 1 << bit % 32
    with contextlib.suppress(OSError):
        # Kernels before 4.3 have no ambient set.
        _check(libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl(ambient)")
    _check(libc.capset(ctypes.byref(header), sets), "capset")
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(no new privileges)")


def lay_down() -> None:
    """Give up all capabilities, if the process was started as gatewatch."""
    if _own:
        forgo()


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
