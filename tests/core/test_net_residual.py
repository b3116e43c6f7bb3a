"""The residual guard on the mock clock: when it asks, when it gives up, and what it says it found."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from tests.worlds.clock import run

from gatewatch.net.residual import BACK_OFF, RESERVE, wait_until_clear
from gatewatch.records import ResidualWait


class Filter:
    """A path that is shut until a moment; a control exchange takes a second, ten where it is shut."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.asked: list[float] = []

    async def control(self) -> bool:
        self.asked.append(trio.current_time())
        shut = trio.current_time() < self.until
        await trio.sleep(10 if shut else 1)
        return not shut


def guarded(
    shut: float, *, patience: float = float("inf"), deadline: float = float("inf")
) -> tuple[Filter, ResidualWait]:
    path = Filter(shut)

    found: list[ResidualWait] = []

    async def main() -> None:
        with trio.CancelScope(deadline=deadline):
            found.append(await wait_until_clear(path.control, since=0.0, patience=patience))

    run(main)
    return path, found[0]


def test_a_free_path_costs_one_control_exchange() -> None:
    path, found = guarded(0)
    assert path.asked == [0.0]
    assert found == ResidualWait(passed=True, at_most=0.0)


@pytest.mark.parametrize(
    ("shut", "asked", "at_least"),
    [
        (5, [0, 40], 0),
        (90, [0, 40, 110], 40),
        (180, [0, 40, 110, 210], 110),
        (400, [0, 40, 110, 210, 400], 210),
        (700, [0, 40, 110, 210, 400, 710], 400),
    ],
)
def test_pauses_grow_until_a_control_passes(shut: float, asked: list[float], at_least: float) -> None:
    path, found = guarded(shut)
    assert path.asked == asked
    assert found.passed and found.waits == BACK_OFF[: len(asked) - 1]
    assert (found.at_least, found.at_most) == (at_least, asked[-1])
    assert at_least <= shut <= asked[-1]


def test_it_gives_up_after_the_last_pause() -> None:
    path, found = guarded(10_000)
    assert not found.passed and found.waits == BACK_OFF and found.at_most is None
    assert found.at_least == path.asked[-1] == sum(BACK_OFF) + 5 * 10


def test_it_gives_up_when_patience_ends() -> None:
    path, found = guarded(10_000, patience=90)
    assert (found.waits, path.asked) == ((30.0, 60.0), [0, 40, 110])


def test_it_leaves_time_for_what_it_waited_for() -> None:
    # The first control has failed at 10 s: a pause of 30 s and the reserve fit into 80 s, not into 79.
    assert guarded(10_000, deadline=10 + 30 + RESERVE)[1].waits == (30.0,)
    assert guarded(10_000, deadline=10 + 30 + RESERVE - 1)[1].waits == ()


def test_time_counts_from_the_trigger() -> None:
    path = Filter(25)

    async def main() -> ResidualWait:
        await trio.sleep(20)
        control: Callable[[], Awaitable[bool]] = path.control
        return await wait_until_clear(control, since=15.0)

    assert run(main) == ResidualWait(passed=True, waits=(30.0,), at_least=5.0, at_most=45.0)
