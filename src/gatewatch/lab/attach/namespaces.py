"""Linux namespaces without a helper program: unshare, id maps, bind mounts, capabilities (by ctypes).

Python 3.11 has no ``os.unshare``.  Every function raises OSError with the kernel's errno.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("namespaces exist on Linux only")

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

# <linux/sched.h>
_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
# <linux/mount.h>
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
# <linux/prctl.h>
_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK, _PR_CAP_AMBIENT = 1, 29, 47
_AMBIENT_RAISE, _AMBIENT_CLEAR_ALL = 2, 4
# <linux/capability.h>
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_NET_ADMIN = 12


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _unshare(flags: int, what: str) -> None:
    _check(_libc.unshare(flags), f"unshare({what})")


def _write(name: str, text: str) -> None:
    path = Path("/proc/self", name)
    try:
        path.write_text(text)
    except OSError as error:  # an error on write carries no file name
        raise OSError(error.errno, f"{path}: {error.strerror}") from error


def enter() -> None:
    """Move this process, which must have one thread, into a network and a mount namespace of its own.

    With the privilege to do so the user stays who they are, otherwise a user namespace gives it: it maps
    only the caller's own ids to themselves.
    """
    try:
        _unshare(_CLONE_NEWNET | _CLONE_NEWNS, "net, mount")
    except PermissionError:
        uid, gid = os.geteuid(), os.getegid()
        _unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS, "user, net, mount")
        # user_namespaces(7): a process without privilege gives up setgroups before it may map its group, and
        # root may only map itself with CAP_SETFCAP.
        _write("setgroups", "deny")
        _write("uid_map", f"{uid} {uid} 1")
        _write("gid_map", f"{gid} {gid} 1")
    # Mounts made here must not travel back to the system's own namespace.
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "mount(private /)")


def cover(target: Path, source: Path) -> None:
    """Show ``source`` in the place of the existing file ``target``, in this mount namespace only."""
    _check(_libc.mount(bytes(source), bytes(target), None, _MS_BIND, None), f"mount({target})")


def hide(folder: Path) -> None:
    """Show an empty folder in the place of this one."""
    _check(_libc.mount(b"none", bytes(folder), b"tmpfs", 0, b"size=4k"), f"mount({folder})")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def network_admin_inherited() -> Iterator[None]:
    """Let programs started here keep CAP_NET_ADMIN, which exec otherwise takes from all but root."""
    header, sets = _Header(_CAPABILITY_VERSION_3, 0), (_Sets * 2)()
    _check(_libc.capget(ctypes.byref(header), sets), "capget")
    sets[0].inheritable |= 1 << _CAP_NET_ADMIN
    _check(_libc.capset(ctypes.byref(header), sets), "capset")
    _check(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, _CAP_NET_ADMIN, 0, 0), "prctl(ambient)")
    try:
        yield
    finally:
        _check(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl(ambient)")


def die_with_parent(signal: int) -> None:
    """Have the kernel send this process a signal when its parent is gone, however that ended."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(death signal)")


def sharp_timers() -> None:
    """Let sleeps of this process end on time; by default Linux may add 50 us to batch wake-ups."""
    _check(_libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0), "prctl(timer slack)")
