"""A session: everything around one campaign, from the lock to the exit.

The line is looked at first, without sending anything if there is no route; then the folder and the plan; then
the campaign, until it is done, stopped by a signal, or out of space.  Whatever happens, what is stored stays
and the run says in which state it was left.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import trio

from gatewatch import __version__
from gatewatch.net.restraint import Restraint
from gatewatch.net.wire import Wire, system_resolvers
from gatewatch.records import TIME_FORMAT
from gatewatch.runner import own
from gatewatch.runner.about import SOFTWARE, Vantage
from gatewatch.runner.budget import Budget
from gatewatch.runner.campaign import Campaign
from gatewatch.runner.clock import Steady
from gatewatch.runner.failures import said
from gatewatch.runner.flush import Flush
from gatewatch.runner.line import PATIENCE, Line, has_route, has_route6, own_addresses
from gatewatch.runner.machine import Machine, Network, router, with_sleep
from gatewatch.runner.observer import Observer
from gatewatch.runner.pace import Pace
from gatewatch.runner.plan import Plan
from gatewatch.runner.probes import Probe
from gatewatch.runner.room import keep_standard_files, make_room
from gatewatch.runner.silence import Silence
from gatewatch.store import Evidence, RunFolder, Scrubber, StoreFull, create, lock, open_for_resume
from gatewatch.store.files import replacing
from gatewatch.store.folder import sweep, utc
from gatewatch.whereabouts import Whereabouts
from gatewatch.words import mark

State = Literal["done", "partial", "interrupted", "no_network", "full"]


@asynccontextmanager
async def _internet() -> AsyncIterator[Wire]:
    yield Wire()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a session takes place: the real network, unless a lab says otherwise."""

    #: Entered inside the trio run, before anything is sent; gives what probes measure through.
    enter: Callable[[], AbstractAsyncContextManager[Wire]] = _internet
    route: Callable[[], bool] = has_route
    route6: Callable[[], bool] = has_route6
    own_addresses: Callable[[], tuple[str, ...]] = own_addresses
    router: Callable[[], str] = router
    resolvers: Callable[[], tuple[str, ...]] = system_resolvers
    clock: trio.abc.Clock | None = None
    #: Whether a measurement is on the disk before it is told.  A rehearsal is not worth the disk's time.
    durable: bool = True
    #: The clock on the wall, by which everything is dated.
    wall: Callable[[], datetime] = utc
    #: What run.json says of a lab, and files to lay beside it.
    lab: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """What is to be done."""

    root: Path
    plan: Plan
    probes: Mapping[str, Probe]
    vantage: Vantage = field(default_factory=Vantage)
    rate: float = 5.0
    helpers: tuple[str, ...] = ()
    domestic_helpers: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    consent_version: str | None = None
    #: The version of the text on locating that was agreed to; None where nothing is located.
    locate_consent_version: str | None = None
    #: Whose addresses are, where a table is here.
    whereabouts: Whereabouts | None = None
    #: How often forbidden names may be repeated.
    restraint: Restraint = field(default_factory=Restraint)
    #: Deep mode: capture packets beside the kernel's TCP; and file them as evidence.
    deep: bool = False
    pcap: bool = False
    #: Read the TTL of resets without privileges, for further triggers.
    reply_ttl: bool = False
    resume: Path | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the state, why (one sentence), the folder, and how many items are measured."""

    state: State
    reason: str
    folder: Path | None
    measured: int
    #: With no_network, where something was tried: what, to be kept by who runs unattended.
    silence: Silence | None = None


# Measuring makes many small records that live for a measurement and form no cycles; looking for cycles among
# them every 700 allocations, Python's default, is a tenth of the time that a question costs.
_COLLECT_AFTER = 50_000
_INTERRUPTED = mark("The run was interrupted; go on with --resume.")


@cache
def calm_collector() -> None:
    """Make Python's cycle collector fit for runs; once in a process.

    A second freezing would keep for ever what the run before has left behind.
    """
    # Everything imported so far lives as long as the process; the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def conduct(session: Session, observer: Observer) -> Outcome:
    """Do a session; raises :class:`gatewatch.store.Locked` when another run holds the root's lock.

    OSError and :class:`gatewatch.store.StoreFull` mean that the run's folder could not be made.
    """
    keep_standard_files()
    with lock(session.root):
        calm_collector()
        outcome = Outcome("interrupted", mark("Interrupted before anything was measured."), None, 0)
        made: list[RunFolder] = []
        try:
            outcome = trio.run(_conduct, session, observer, made, clock=session.surroundings.clock)
        except* KeyboardInterrupt:
            # _until_signal takes a campaign's.  This one came before, when there is nothing to put right, or
            # while a folder was being closed: then that is as after a power cut, and nothing is lost.
            if made:
                outcome = Outcome("interrupted", _INTERRUPTED, made[0].path, made[0].measured)
        return outcome


async def _conduct(session: Session, observer: Observer, made: list[RunFolder]) -> Outcome:
    around = session.surroundings
    async with around.enter() as wire:
        wire.helpers = session.helpers
        wire.domestic_helpers = session.domestic_helpers
        wire.asn, wire.country = session.vantage.asn, session.vantage.country
        wire.deep, wire.reply_ttl = session.deep or session.pcap, session.reply_ttl
        wire.whereabouts, wire.restraint = session.whereabouts, session.restraint
        at_once = make_room()
        # Where a lab has a clock on the wall of its own, it goes with trio's.
        steady = Steady(around.wall, with_sleep if around.wall is utc else trio.current_time)
        machine = Machine(
            lambda: Network(around.own_addresses(), around.router()), around.resolvers, wire.whose
        )
        line = Line(wire, around.route, around.route6, steady)
        looked = around.wall()
        look = await line.look()
        if not look.up:
            # A page came from a portal: somebody answers.
            silence = _silence(session, line, wire, looked) if line.tried and not look.portal else None
            return Outcome("no_network", look.reason, None, 0, silence)
        folder = _folder(session, line.clock_offset)
        made.append(folder)
        names = own.words()
        campaign = Campaign(
            folder=folder,
            items=session.plan.items,
            probes=session.probes,
            wire=wire,
            line=line,
            pace=Pace(session.rate, seed=session.plan.seed),
            scrubber=Scrubber(machine.addresses, names, wire.own_resolvers),
            vantage=session.vantage,
            observer=observer,
            budget=replace(session.budget, under_way=min(session.budget.under_way, at_once)),
            # A clock that jumps over waiting would jump while a thread waits for the disk.
            flush=Flush(folder, aside=around.clock is None) if around.durable else None,
            run_started=steady().strftime(TIME_FORMAT),
            wall=steady,
            machine=machine,
            scrub=lambda addresses, resolvers: Scrubber(addresses, names, (*resolvers, *wire.own_resolvers)),
        )
        if session.pcap:
            # Whatever the scrubber is by then.
            wire.evidence = Evidence(folder, lambda data: campaign.scrubber.payload(data))
        return await _run(campaign, folder)


async def _run(campaign: Campaign, folder: RunFolder) -> Outcome:
    began = trio.current_time()
    state: State = "interrupted"
    reason = _INTERRUPTED
    whole = False
    try:
        async with trio.open_nursery() as nursery:
            # Before anything is told or sent, so that no signal falls between.
            await nursery.start(_until_signal, nursery.cancel_scope)
            whole = await campaign.run()
            if campaign.ended:
                reason = campaign.ended
            elif whole:
                state, reason = "done", mark("Done.")
            else:
                state, reason = "partial", mark("Some items were not measured.")
            nursery.cancel_scope.cancel()
    except* StoreFull as full:
        state, reason = "full", said(full)
    finally:
        spent = {"campaign_s": round(trio.current_time() - began, 3), "peak_rss_mb": _peak_memory()}
        try:
            try:
                folder.update(**campaign.about(), **spent)
            finally:
                folder.close(state)
        except StoreFull as full:
            state, reason = "full", said(full)
    return Outcome(state, reason, folder.path, folder.measured)


async def _until_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Cancel the campaign at the first SIGINT, SIGTERM or SIGHUP: what is under way is dropped."""
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may take signals (signal(7) in Python's words); others are stopped otherwise.
        task_status.started()
        return
    with trio.open_signal_receiver(*_endings()) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


def _scrubber(session: Session, wire: Wire) -> Scrubber:
    return Scrubber(session.surroundings.own_addresses(), own.words(), wire.own_resolvers)


def _silence(session: Session, line: Line, wire: Wire, looked: datetime) -> Silence:
    def folder() -> RunFolder:
        # Nothing of the plan was tried, and a long list would be kept each time.
        nothing = replace(session, resume=None, plan=replace(session.plan, items=()))
        return _folder(nothing, line.clock_offset)

    return Silence(line.tried, session.vantage, _scrubber(session, wire), looked, PATIENCE, folder)


def _endings() -> tuple[signal.Signals, ...]:
    """The signals that end a run; a terminal that closes (SIGHUP) does, unless somebody said nohup."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def _folder(session: Session, clock_offset: float | None) -> RunFolder:
    if session.resume is not None:
        folder = open_for_resume(session.resume, wall=session.surroundings.wall)
        _lay_beside(folder, session.surroundings.files)
        return folder
    about = {
        "software_name": SOFTWARE,
        "software_version": __version__,
        "python": sys.version.split()[0],
        "vantage": session.vantage.to_json(),
        "consent_version": session.consent_version,
        "locate_consent_version": session.locate_consent_version,
        "controls": list(session.helpers),
        "domestic_controls": list(session.domestic_helpers),
        "lab": session.surroundings.lab,
        # At once: a run that is killed has no other word on its clock.
        "clock_offset_s": clock_offset,
    }
    sweep(session.root)
    folder = create(session.root, session.plan.to_json(), about, wall=session.surroundings.wall)
    _lay_beside(folder, session.surroundings.files)
    return folder


def _lay_beside(folder: RunFolder, files: Mapping[str, bytes]) -> None:
    """Lay a lab's files beside its run; one that a death kept from it comes when the run is resumed."""
    for name, content in files.items():
        path = folder.path / name
        if not path.is_file():
            with replacing(path) as file:
                file.write(content)


def _peak_memory() -> float | None:
    """The most memory that this process ever held, in MB; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): kilobytes on Linux, bytes on macOS.
    return round(peak / (1024 if sys.platform == "linux" else 1024**2), 1)
