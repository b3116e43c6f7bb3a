"""locate ends in time, whatever blocks or forges: with what is known by then, and with the reason."""

from __future__ import annotations

import trio
import trio.testing
from tests.probes.test_locate import boxed, loci
from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.cli.locate import describe
from gatewatch.lab.country.scenario import Box
from gatewatch.net.residual import LONGEST
from gatewatch.net.restraint import Restraint
from gatewatch.net.shot import Flow
from gatewatch.net.wire import Wire
from gatewatch.records import Locus, TestKeys
from gatewatch_probes.locate import LOCATING, Locate
from gatewatch_probes.place import triggers
from gatewatch_probes.place.hunt import Hunt
from gatewatch_targets import Target


def timed(box: Box, *, taken: bool = False) -> tuple[Locus, float]:
    """Locate drop.com in the small country; ``taken``: another hunt never ends there."""

    async def main() -> tuple[TestKeys, float]:
        async with attached("blocked", boxed(box)) as (wire, world), trio.open_nursery() as nursery:
            wire.restraint = Restraint(triggers=20)
            if taken:
                nursery.start_soon(hold, wire, world.address_of("drop.com")[0])
                await trio.testing.wait_all_tasks_blocked()
            start = trio.current_time()
            keys = await Locate(seed=1).measure(Target("https://drop.com/"), wire)
            nursery.cancel_scope.cancel()
            return keys, trio.current_time() - start
        raise AssertionError

    keys, took = run(main)
    (locus,) = loci(keys)
    return locus, took


async def hold(wire: Wire, address: str) -> None:
    async with wire.turns.take(address):
        await trio.sleep_forever()


def test_the_whole_locating_ends_in_time_and_says_so() -> None:
    locus, took = timed(Box("sni-drop", 5, domains=frozenset({"drop.com"}), residual=650.0))
    assert took <= LOCATING
    # What was seen by then is told, and a link is not guessed.
    assert (locus.before, locus.reason, locus.signature) == (None, "the time for locating was up", "drop")
    assert 0 < len(locus.shots) == locus.triggers < 12
    assert "cannot tell: the time for locating was up" in describe("https://drop.com/", locus)


def test_a_link_that_is_known_when_the_time_is_up_is_told() -> None:
    locus, took = timed(Box("sni-reset", 5, domains=frozenset({"drop.com"}), residual=650.0))
    assert LOCATING - 300 < took <= LOCATING
    assert (locus.before, locus.after, locus.reason) == (4, 5, "")
    assert locus.probability is not None and locus.probability >= 0.95


def test_a_turn_that_never_comes_ends_with_the_time() -> None:
    locus, took = timed(Box("sni-reset", 5, domains=frozenset({"drop.com"})), taken=True)
    assert LOCATING <= took < LOCATING + 30
    assert (locus.before, locus.reason, locus.triggers) == (None, "the time for locating was up", 0)


def test_a_server_that_fails_every_control_is_left_when_no_older_block_can_be_the_reason() -> None:
    async def main() -> tuple[Hunt, float]:
        async with attached("blocked") as (_, world):
            dark = Flow(world.address_of("dropped.com")[0], 443, 61000)
            hunt, start = Hunt(triggers.tls(dark, "dropped.com")), trio.current_time()
            await hunt.run()
            # A second one on the same target has nothing older to wait for.
            again = Hunt(triggers.tls(dark, "dropped.com"), since=start)
            await again.run()
            assert (again.reason, again.residual[0].waits) == ("the control fails", ())
            return hunt, trio.current_time() - start

    hunt, took = run(main)
    assert (hunt.reason, hunt.residual[0].waits) == ("the control fails", (30.0, 60.0, 90.0))
    assert LONGEST < took < LONGEST + 90
