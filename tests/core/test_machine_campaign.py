"""A campaign on a machine that something happens to: nothing lost, nothing twice, nothing recorded of it."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.worlds.campaign import Act, Fake, FakeLine, Ran, campaign, failed, lasting, sites
from trio.testing import MockClock, wait_all_tasks_blocked

from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.records import failure as f
from gatewatch.runner import hold
from gatewatch.runner.clock import Steady
from gatewatch.runner.failures import FILES, MEMORY, NETWORK
from gatewatch.runner.machine import (
    ASLEEP,
    BEAT,
    CHANGED,
    CLOCK_SET,
    ELSEWHERE,
    GRACE,
    RESOLVER,
    STOOD_STILL,
    Machine,
    Network,
)
from gatewatch.store import Scrubber, read
from gatewatch_targets import Target

HOME, OTHER = Network(("103.5.24.10",)), Network(("36.37.200.10",))
WHEN, COUNT = 3.1, 20
YEAR = 365 * 86_400


def stored(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(ran.folder.path)]


def whole(ran: Ran, count: int = COUNT) -> list[dict[str, Any]]:
    """Everything is there once, and nothing that failed is."""
    records = stored(ran)
    assert sorted(r["x_gatewatch_item"] for r in records) == sorted(f"fake-{n}" for n in range(count))
    assert [r["test_keys"].get("queries") for r in records] == [None] * count
    assert ran.whole and not ran.skipped
    return records


@dataclass
class Box:
    """A machine of which a test says what happens when; its monotonic clock is trio's."""

    after: dict[float, Network] = field(default_factory=dict)
    asleep: float = 0.0
    set_by: float = 0.0
    resolvers: tuple[str, ...] = ("103.5.25.53",)

    @property
    def happened(self) -> bool:
        return trio.current_time() >= WHEN

    def network(self) -> Network:
        return next(
            (n for t, n in sorted(self.after.items(), reverse=True) if trio.current_time() >= t), HOME
        )

    def always(self) -> float:
        return trio.current_time() + (self.asleep if self.happened else 0.0)

    def wall(self) -> float:
        return 1.7e9 + self.always() + (self.set_by if self.happened else 0.0)

    def asked(self) -> tuple[str, ...]:
        return self.resolvers if self.happened else ("103.5.25.53",)

    def machine(self) -> Machine:
        return Machine(self.network, self.asked, waking=trio.current_time, always=self.always, wall=self.wall)


def spoilt(during: float = 0.0) -> Act:
    """Take a second; whatever is under way when it happens, or begins within ``during``, fails."""

    async def act(_: Target) -> TestKeys:
        began = trio.current_time()
        await trio.sleep(1)
        return failed(0.9) if began <= WHEN + during and began + 1 >= WHEN else TestKeys()

    return act


GONE, BACK = {WHEN: Network(), WHEN + 1.2: HOME}, {WHEN: OTHER, WHEN + 20: HOME}


@pytest.mark.parametrize(
    ("box", "told"),
    [
        (Box(asleep=4 * 3600.0), [ASLEEP]),
        (Box(set_by=YEAR), [CLOCK_SET]),
        (Box(set_by=-YEAR), [CLOCK_SET]),
        (Box(GONE), [CHANGED, CHANGED]),
        (Box(BACK), [CHANGED, CHANGED]),
        (Box({WHEN: Network(("103.5.24.77",))}), [CHANGED]),
        (Box(resolvers=()), [RESOLVER]),
        (Box(resolvers=("1.1.1.1",)), [RESOLVER]),
    ],
)
def test_what_was_under_way_is_measured_again_and_the_user_is_told(
    tmp_path: Path, box: Box, told: list[str]
) -> None:
    probe = Fake(spoilt())
    ran = campaign(tmp_path, sites(COUNT), probe, rate=4, machine=box.machine)
    whole(ran)
    assert ran.log.reasons == told and [note["what"] for note in ran.about["machine"]] == told
    again = len(probe.starts) - COUNT
    # A second's worth at four a second and what is begun before it is seen, each time.
    assert 3 <= again <= 5 * len(told)


def test_on_another_network_the_run_ends_and_nothing_is_attributed_to_the_first(tmp_path: Path) -> None:
    box = Box({WHEN: OTHER})
    ran = campaign(tmp_path, sites(COUNT), Fake(lasting(1)), rate=4, machine=box.machine)
    assert (ran.whole, ran.ended) == (False, ELSEWHERE)
    assert ran.seconds == pytest.approx(WHEN + GRACE, abs=2)
    # Begun at 0 to 2 s: those that had ended by then, though all went well.
    assert len(stored(ran)) == 9


def test_what_was_learnt_on_one_network_is_forgotten_and_new_addresses_are_scrubbed(tmp_path: Path) -> None:
    wire = Wire(own_resolvers=("103.5.25.53",))
    for name in ("a.org", "b.org"):
        wire.silent("104.16.1.1", 443, name)
    asked: list[tuple[list[str], tuple[str, ...]]] = []

    def scrub(addresses: Iterable[str], resolvers: tuple[str, ...]) -> Scrubber:
        asked.append(([*addresses], resolvers))
        return Scrubber(addresses, (), resolvers)

    box = Box({WHEN: Network(("103.5.24.77",))}, resolvers=("103.5.26.53",))
    ran = campaign(
        tmp_path, sites(COUNT), Fake(lasting(1)), rate=4, machine=box.machine, wire=wire, scrub=scrub
    )
    whole(ran)
    assert asked == [(["103.5.24.10", "103.5.24.77"], ("103.5.26.53",))]
    assert not wire.is_silent("104.16.1.1", 443) and wire.own_resolvers == ("103.5.26.53",)


def test_a_network_that_never_stays_ends_with_what_is_left_out_and_why(tmp_path: Path) -> None:
    class Restless(Box):
        def network(self) -> Network:
            return HOME if int(trio.current_time() / 0.7) % 2 else Network(("103.5.24.77",))

    ran = campaign(tmp_path, sites(2), Fake(lasting(5)), machine=Restless().machine)
    assert not stored(ran) and {row["why"] for row in ran.skipped} == {NETWORK}


def test_silence_on_a_dead_line_is_forgotten_with_what_failed_there(tmp_path: Path) -> None:
    wire, line = Wire(own_resolvers=()), FakeLine((2, 20))
    asked: list[bool] = []

    async def act(target: Target) -> TestKeys:
        await trio.sleep(1)
        asked.append(wire.is_silent("104.16.1.1", 443))
        if line.is_up:
            return TestKeys()
        wire.silent("104.16.1.1", 443, target.host)
        return failed(1)

    whole(campaign(tmp_path, sites(COUNT), Fake(act), rate=4, wire=wire, line=line))
    # What was asked when the line was well again found no endpoint that others had given up.
    assert not any(asked[-COUNT // 2 :]) and not wire.is_silent("104.16.1.1", 443)


# -- the clock


@pytest.mark.parametrize("by", [YEAR, -YEAR])
def test_measurements_keep_the_clock_of_their_runs_start(tmp_path: Path, by: float) -> None:
    box = Box(set_by=by)
    began = datetime(2026, 3, 1, 12, tzinfo=UTC)

    class Wall(Steady):
        def __init__(self) -> None:
            super().__init__(lambda: began, lambda: 0.0)

        def __call__(self) -> datetime:
            self._always = trio.current_time
            return super().__call__()

    ran = campaign(tmp_path, sites(COUNT), Fake(lasting(1)), rate=4, machine=box.machine, wall=Wall())
    times = sorted(r["measurement_start_time"] for r in whole(ran))
    assert times[0] == "2026-03-01 12:00:00" and times[-1] < "2026-03-01 12:00:10"


# -- standing still


def stopped(clock: MockClock, seconds: float) -> Act:
    """The third measurement finds the process stopped for so long, and its limits run out meanwhile."""
    began: list[str] = []

    async def act(target: Target) -> TestKeys:
        began.append(target.host)
        await trio.sleep(1)
        if len(began) == 3 and began.count(target.host) == 1 and target.host == began[2]:
            clock.jump(seconds)
            return failed(1 + seconds)
        return TestKeys()

    return act


@pytest.mark.parametrize(("seconds", "again"), [(1.0, 0), (12.0, 1), (4 * 3600.0, 1)])
def test_limits_that_ran_out_while_the_process_was_stopped_say_nothing(
    tmp_path: Path, seconds: float, again: int
) -> None:
    async def main() -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        probe = Fake(stopped(clock, seconds))
        ran = await campaigned(tmp_path, probe)
        records = stored(ran)
        assert len(records) == 5 and len(probe.starts) == 5 + again
        assert sum("queries" in r["test_keys"] for r in records) == 1 - again

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def campaigned(root: Path, probe: Fake, **more: Any) -> Ran:
    from tests.worlds.campaign import Log, plan

    from gatewatch.runner.about import Vantage
    from gatewatch.runner.campaign import Campaign
    from gatewatch.runner.pace import Pace
    from gatewatch.store import create

    wanted, log = plan(sites(5)), Log()
    made = Campaign(
        folder=create(root, wanted.to_json(), {}),
        items=wanted.items,
        probes={"fake": probe},
        wire=Wire(own_resolvers=()),
        line=FakeLine(),
        pace=Pace(1, jitter=0),
        scrubber=Scrubber(()),
        vantage=Vantage("KH", 38623, "An ISP"),
        observer=log,
        **more,
    )
    await made.line.look()
    done = await made.run()
    return Ran(done, trio.current_time(), log, made.folder, made.skipped, made.about(), made.ended)


def test_an_item_that_outlived_its_budget_because_the_process_was_stopped_is_measured_again(
    tmp_path: Path,
) -> None:
    times = [0]

    async def act(target: Target) -> TestKeys:
        if target.host == "site1.org":
            times[0] += 1
            if times[0] == 1:
                clock = trio.lowlevel.current_clock()
                assert isinstance(clock, MockClock)
                await wait_all_tasks_blocked()
                clock.jump(200)
                await trio.sleep(1)
        return TestKeys()

    ran = trio.run(campaigned, tmp_path, Fake(act), clock=MockClock(autojump_threshold=0))
    assert times == [2] and len(stored(ran)) == 5 and not ran.skipped


def test_what_a_slow_machine_spoils_each_time_is_left_out_and_not_recorded(tmp_path: Path) -> None:
    async def act(target: Target) -> TestKeys:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        if target.host == "site1.org":
            await trio.sleep(BEAT)
            clock.jump(3)
            return failed(3)
        return TestKeys()

    ran = trio.run(campaigned, tmp_path, Fake(act), clock=MockClock(autojump_threshold=0))
    assert list(ran.skipped) == [{"item": "fake-1", "why": STOOD_STILL}]
    assert len(stored(ran)) == 4


# -- no more files, threads, memory


@pytest.mark.parametrize(
    ("lack", "why"),
    [
        (OSError(errno.EMFILE, "Too many open files"), FILES),
        (OSError(errno.ENFILE, "Too many open files in system"), FILES),
        (MemoryError(), MEMORY),
        (RuntimeError("can't start new thread"), MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), MEMORY),
        (OSError(errno.ENOBUFS, "No buffer space available"), NETWORK),
        (ExceptionGroup("", [OSError(errno.EMFILE, "Too many open files")]), FILES),
        (f.NO_FILES, FILES),
        (f.NO_MEMORY, MEMORY),
        ("network_down", NETWORK),
        ("address_not_available", NETWORK),
    ],
)
@pytest.mark.parametrize("for_ever", [False, True])
def test_what_a_machine_lacks_is_waited_for(
    tmp_path: Path, lack: Exception | str, why: str, for_ever: bool
) -> None:
    async def act(_: Target) -> TestKeys:
        began = trio.current_time()
        await trio.sleep(1)
        if began + 1 < WHEN or (began > WHEN + 6 and not for_ever):
            return TestKeys()
        if isinstance(lack, Exception):
            raise lack
        (query,) = failed(0.5).queries or ()
        return TestKeys(queries=(lacking(query, lack),))

    ran = campaign(tmp_path, sites(COUNT), Fake(act), rate=4)
    if not for_ever:
        whole(ran)
        assert ran.log.reasons == [why] * len(ran.log.reasons) and 1 <= len(ran.log.reasons) <= 2
    else:
        # Some were measured before; the others are left out, and nothing is on record of them.
        assert all("queries" not in r["test_keys"] for r in stored(ran))
        assert {row["why"] for row in ran.skipped} == {why}
        assert len(stored(ran)) + len(ran.skipped) == COUNT


def lacking(query: Any, failure: str) -> Any:
    from dataclasses import replace

    return replace(query, failure=failure)


def test_fewer_are_under_way_where_a_machine_lacks_something_and_more_again_later(tmp_path: Path) -> None:
    under_way = [0]
    most: dict[bool, int] = {False: 0, True: 0}

    async def act(_: Target) -> TestKeys:
        under_way[0] += 1
        late = trio.current_time() > 100
        most[late] = max(most[late], under_way[0])
        full = under_way[0] > 6 and not late
        try:
            await trio.sleep(5)
        finally:
            under_way[0] -= 1
        if full:
            raise OSError(errno.EMFILE, "Too many open files")
        return TestKeys()

    ran = campaign(tmp_path, sites(200), Fake(act), rate=4)
    whole(ran, 200)
    assert most[True] > 6
    assert hold._BREATH > 0


def test_ipv6_that_is_switched_off_is_no_lack(tmp_path: Path) -> None:
    from gatewatch.records import Connect, ConnectStatus

    status = ConnectStatus(failure="address_not_available", success=False)

    async def act(_: Target) -> TestKeys:
        return TestKeys(tcp_connect=(Connect(ip="2606:4700::1", port=443, status=status, t0=0.0, t=0.1),))

    ran = campaign(tmp_path, sites(2), Fake(act))
    assert ran.whole and len(stored(ran)) == 2


def test_stood_still_is_told_in_words_that_the_catalogues_have(tmp_path: Path) -> None:
    from gatewatch.words import catalogue

    said: tuple[str, ...] = (
        ASLEEP,
        CHANGED,
        CLOCK_SET,
        ELSEWHERE,
        RESOLVER,
        STOOD_STILL,
        FILES,
        MEMORY,
        NETWORK,
    )
    for code in ("km", "ne", "th", "ms"):
        assert all(catalogue.load(code).gettext(text) != text for text in said)
