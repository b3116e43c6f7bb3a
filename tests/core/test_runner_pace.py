from itertools import pairwise

import pytest
import trio
from tests.worlds.clock import run

from gatewatch.runner.pace import Pace


async def starts(pace: Pace, count: int) -> list[float]:
    out = []
    for _ in range(count):
        await pace.wait()
        out.append(trio.current_time())
    return out


def test_without_jitter_starts_are_one_interval_apart_and_the_first_is_at_once() -> None:
    async def main() -> None:
        assert await starts(Pace(4, jitter=0), 5) == [0, 0.25, 0.5, 0.75, 1.0]

    run(main)


def test_with_jitter_no_start_is_early_and_the_rate_holds() -> None:
    async def main() -> None:
        for n, t in enumerate(await starts(Pace(10, jitter=0.5, seed=3), 200)):
            assert n / 10 <= round(t, 9) < n / 10 + 0.05

    run(main)


def test_distances_differ_and_the_seed_repeats_them() -> None:
    async def main(seed: int) -> list[float]:
        return await starts(Pace(10, seed=seed), 20)

    one = run(lambda: main(1))
    assert one == run(lambda: main(1)) != run(lambda: main(2))
    assert len({round(b - a, 6) for a, b in pairwise(one)}) > 10


def test_a_pause_is_not_caught_up_with() -> None:
    async def main() -> None:
        pace = Pace(10, jitter=0)
        await pace.wait()
        await trio.sleep(60)
        assert await starts(pace, 3) == pytest.approx([60, 60.1, 60.2])

    run(main)


@pytest.mark.parametrize(("rate", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.5), (1, -0.1)])
def test_what_is_no_rate_is_refused(rate: float, jitter: float) -> None:
    with pytest.raises(ValueError):
        Pace(rate, jitter=jitter)


def test_slowing_down_halves_the_rate_and_ends_at_one_start_in_ten_seconds() -> None:
    async def main() -> list[float]:
        pace = Pace(10, jitter=0)
        await pace.wait()
        gaps = []
        for _ in range(9):
            before = trio.current_time()
            pace.slow_down()
            await pace.wait()
            gaps.append(round(trio.current_time() - before, 6))
        return gaps

    assert run(main) == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_it_recovers_slowly_and_not_beyond_its_usual_rate() -> None:
    async def main() -> list[float]:
        pace = Pace(10, jitter=0)
        for _ in range(3):
            pace.slow_down()
        gaps = []
        await pace.wait()
        for _ in range(60):
            before = trio.current_time()
            pace.recover()
            await pace.wait()
            gaps.append(round(trio.current_time() - before, 6))
        return gaps

    gaps = run(main)
    assert gaps[0] == pytest.approx(0.76)
    assert 0.38 < gaps[13] < 0.42
    assert gaps[-1] == 0.1
