"""The faults: what happens to the machine or its line while a run goes on.

Each is a row of the table that ``python -m benchmarks machine`` prints.  ``act`` is called once when some
measurements are stored, and more are under way.
"""

from __future__ import annotations

import os
import pty
import resource
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.machine import harm

if TYPE_CHECKING:
    from benchmarks.machine.inside import Going

YEAR = 365 * 86_400.0
HOUR = 3600.0


def nothing(_going: Going) -> None:
    """Leave the run alone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name, what is done, and where."""

    name: str
    what: str
    act: Callable[[Going], None] = nothing
    #: Called in the child before it becomes the run.
    before: Callable[[], None] | None = None
    #: Bytes of memory of the control group that the run is in; 0: it is in none of its own.
    memory: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Scenario and ISP of the lab.
    where: tuple[str, str] = ("small", "clear")
    #: What the run's stdout is: a file, "closed", or "broken" (a pipe that nobody reads).
    stdout: str = "file"
    #: The run has a terminal of its own.
    terminal: bool = False
    clocks: bool = False
    sites: int = 30
    rate: float = 10.0
    #: The real lists instead of some sites.
    lists: tuple[str, ...] = ()
    #: What is measured after it is another provider's; the interface is put right before the run is resumed.
    elsewhere: bool = False
    #: States in which the run may end before it is resumed.
    states: tuple[str, ...] = ("done",)


def _wall(seconds: float) -> Callable[[Going], None]:
    return lambda going: going.clocks.move(wall=seconds)


def _suspend(going: Going) -> None:
    """Four hours of sleep: the monotonic clock stands still, the others jump, Wi-Fi comes back late."""
    going.stop()
    began = time.monotonic()
    going.interface.down()
    time.sleep(1.0)
    still = time.monotonic() - began
    going.clocks.move(wall=4 * HOUR, boot=4 * HOUR, monotonic=-still)
    going.go_on()
    time.sleep(2.0)
    going.interface.up()


def _pause(seconds: float) -> Callable[[Going], None]:
    def act(going: Going) -> None:
        going.stop()
        time.sleep(seconds)
        going.go_on()

    return act


def _slow(going: Going) -> None:
    """A twentieth of the processor for ten seconds, in slices as a loaded machine gives them."""
    for _ in range(5):
        going.stop()
        time.sleep(1.9)
        going.go_on()
        time.sleep(0.1)


def _down(seconds: float) -> Callable[[Going], None]:
    def act(going: Going) -> None:
        going.interface.down()
        time.sleep(seconds)
        going.interface.up()

    return act


def _without_ipv6(going: Going) -> None:
    going.interface.no_ipv6()


def _addressless(going: Going) -> None:
    going.interface.no_address()
    time.sleep(1.5)
    going.interface.address_again()


def _readdressed(address: str) -> Callable[[Going], None]:
    def act(going: Going) -> None:
        going.interface.down()
        time.sleep(0.5)
        going.interface.up(address)

    return act


def _resolver(text: str, seconds: float = 6.0) -> Callable[[Going], None]:
    def act(going: Going) -> None:
        was = harm.RESOLV.read_text()
        harm.resolvers(text)
        time.sleep(seconds)
        harm.resolvers(was)

    return act


def _files(going: Going) -> None:
    """Let the run open no file more, and as many as before after some seconds."""
    was = resource.prlimit(going.pid, resource.RLIMIT_NOFILE)
    # It is a limit of numbers, and those below are taken for as long as the run lasts.
    resource.prlimit(going.pid, resource.RLIMIT_NOFILE, (_TAKEN, was[1]))
    time.sleep(4.0)
    resource.prlimit(going.pid, resource.RLIMIT_NOFILE, was)


def _limit(*limits: tuple[int, int]) -> Callable[[], None]:
    def before() -> None:
        for which, value in limits:
            resource.setrlimit(which, (value, value))

    return before


def _signal(number: int) -> Callable[[Going], None]:
    return lambda going: os.kill(going.pid, number)


def _hang_up(going: Going) -> None:
    """Close the terminal: the kernel sends SIGHUP, and every write to it fails from now on."""
    with suppress(OSError):
        os.close(going.terminal)


def _nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


# Files that a run has open from its start to its end: the standard ones, lock, measurements, pollers.
_TAKEN = 8
MEGABYTE = 2**20
# Stacks of threads count as data: with these, three threads are all there is room for.
_STACK = 64 * MEGABYTE
_RESOLVED = "nameserver {}\noptions timeout:2 attempts:2\n"

_CUT = ("interrupted",)

# What --quick does: one of each kind.
QUICK = frozenset(
    {
        *("clock +1 year", "suspend 4 h", "interface 1 s", "no address", "other address", "resolver empty"),
        *("no files", "locale C", "stdout broken", "terminal gone", "terminal, nohup", "SIGHUP"),
    }
)

FAULTS = (
    Fault("none", "nothing happens"),
    Fault("clock +1 year", "the wall clock jumps forward by a year", _wall(YEAR), clocks=True),
    Fault("clock -1 year", "the wall clock jumps back by a year", _wall(-YEAR), clocks=True),
    Fault("suspend 4 h", "asleep for four hours, the interface back 2 s late", _suspend, clocks=True),
    Fault("paused 12 s", "SIGSTOP, and SIGCONT 12 s later", _pause(12.0)),
    Fault("slow CPU", "a twentieth of the processor for 10 s", _slow),
    Fault("interface 1 s", "the interface goes down, and up 1 s later", _down(1.0)),
    Fault("interface 12 s", "the interface goes down, and up 12 s later", _down(12.0)),
    Fault("no address", "the address is taken away for 1.5 s", _addressless),
    Fault("other address", "DHCP gives another address of the network", _readdressed("103.5.24.77")),
    Fault(
        "other provider",
        "another address, of another provider",
        _readdressed("36.37.200.10"),
        states=_CUT,
        elsewhere=True,
    ),
    Fault(
        "IPv6 gone",
        "IPv6 vanishes and does not come back",
        _without_ipv6,
        where=("six", "works"),
    ),
    Fault("resolver empty", "resolv.conf is empty for 6 s", _resolver("")),
    Fault(
        "resolver dead",
        "resolv.conf names a server that does not answer for 6 s",
        _resolver(_RESOLVED.format("192.0.2.1")),
    ),
    Fault(
        "resolver refuses",
        "resolv.conf names a closed port for 6 s",
        _resolver(_RESOLVED.format("127.0.0.1")),
    ),
    Fault(
        "resolver changed",
        "resolv.conf names another server from now on",
        lambda going: harm.resolvers(_RESOLVED.format("1.1.1.1")),
    ),
    Fault("64 files", "no more than 64 files may be open", before=_limit((resource.RLIMIT_NOFILE, 64))),
    Fault("no files", "for 4 s no file more may be opened", _files, rate=4.0),
    Fault(
        "no threads",
        "room for no more than three threads",
        before=_limit((resource.RLIMIT_STACK, _STACK), (resource.RLIMIT_DATA, 256 * MEGABYTE)),
    ),
    Fault(
        "256 MB, a group's",
        "256 MB of memory, no more, in a control group",
        memory=256 * MEGABYTE,
        lists=("kh", "global"),
        rate=100.0,
    ),
    Fault(
        "256 MB",
        "256 MB of address space for data, no more",
        before=_limit((resource.RLIMIT_DATA, 256 * MEGABYTE)),
        lists=("kh", "global"),
        rate=100.0,
    ),
    Fault(
        "locale C",
        "Khmer, and a system that knows ASCII only",
        environment={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "GATEWATCH_LANG": "km"},
        sites=5,
    ),
    Fault("stdout closed", "stdout is closed from the start", stdout="closed", sites=5),
    Fault("stdout broken", "nobody reads stdout: EPIPE", stdout="broken", sites=5),
    Fault("terminal gone", "the terminal is closed: SIGHUP, EIO", _hang_up, terminal=True, states=_CUT),
    Fault(
        "terminal, nohup",
        "the terminal is closed, and SIGHUP ignored: EIO",
        _hang_up,
        before=_nohup,
        terminal=True,
    ),
    Fault("SIGTERM", "SIGTERM in the middle", _signal(signal.SIGTERM), states=_CUT),
    Fault("SIGHUP", "SIGHUP in the middle", _signal(signal.SIGHUP), states=_CUT),
    Fault("time zone", "the run is in Nepal's time, its end in New York's", _signal(signal.SIGTERM),
          environment={"TZ": "Asia/Kathmandu"}, states=_CUT),
)  # fmt: skip


def terminal() -> tuple[int, int]:
    """Open a terminal: the end that a person would sit at, and the run's."""
    return pty.openpty()
