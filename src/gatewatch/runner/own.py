"""What is this machine's own and its user's: addresses, names, hardware, the Wi-Fi; what is to be scrubbed.

Everything is asked of the system, and nothing is sent.  What cannot be found out is left out: whatever comes
from the network loses every address anyway (:mod:`gatewatch.store.scrub`).
"""

from __future__ import annotations

import contextlib
import getpass
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

# Names of two letters stand in every text.
_SHORTEST = 3
_INTERFACES = Path("/sys/class/net")
# linux/wireless.h: ask a wireless interface for the name of its network, at most 32 bytes.
_SIOCGIWESSID = 0x8B1B
_LONGEST_SSID = 32
_IFNAMSIZ = 16


def words() -> tuple[str, ...]:
    """Names of this machine, its user and its Wi-Fi, the home folder, and hardware addresses."""
    # Not socket.getfqdn(), which asks a name server.
    found = [socket.gethostname(), *ssids(), *hardware()]
    # A user of a container may have no home.
    with contextlib.suppress(RuntimeError):
        found.append(str(Path.home()))
    with contextlib.suppress(OSError, KeyError):
        found.append(getpass.getuser())
    return tuple(dict.fromkeys(word for word in found if len(word) > _SHORTEST))


def hardware() -> Iterator[str]:
    """The MAC addresses of this machine's own devices, in the spellings that the scrubber has no eye for."""
    # Bridges and tunnels have addresses of their own making; there may be dozens.
    for device in sorted(_INTERFACES.glob("*/device")) if _INTERFACES.is_dir() else ():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            octets = (device.parent / "address").read_text(encoding="ascii").strip().lower().split(":")
            if len(octets) == 6:
                plain = "".join(octets)
                # With colons every MAC address goes, whoever's it is.
                yield from ("-".join(octets), plain, ".".join(plain[at : at + 4] for at in (0, 4, 8)))


def ssids() -> Iterator[str]:
    """The names of the wireless networks that this machine is in; Linux tells them to everybody."""
    if sys.platform != "linux" or not _INTERFACES.is_dir():
        return
    for wireless in sorted(_INTERFACES.glob("*/wireless")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            yield _ssid(wireless.parent.name)


def _ssid(interface: str) -> str:
    if sys.platform == "win32":
        return ""
    import array
    import fcntl

    answer = array.array("b", bytes(_LONGEST_SSID))
    address, length = answer.buffer_info()
    # struct iwreq: the interface's name, then a pointer, a length and flags.
    request = struct.pack(f"{_IFNAMSIZ}sPHH", interface.encode(), address, length, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock.fileno(), _SIOCGIWESSID, request)
    return answer.tobytes().rstrip(b"\0").decode()
