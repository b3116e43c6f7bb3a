"""Many who ask the helper at once, or one too often: who is answered, who waits, and who is sent away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from benchmarks.crowd_client import difference, truth
from tests.worlds.asgi import Answer, ask
from tests.worlds.clock import run
from tests.worlds.helper import helper, question
from trio.testing import MockClock

from gatewatch.helper.admission import Allowance
from gatewatch.helper.app import App


@pytest.mark.parametrize(("agent", "limit"), [("curl", 10), ("ooniprobe-android/3.0", 20), ("gatewatch", 20)])
def test_the_busy_helper_sends_clients_away_probes_last(agent: str, limit: int) -> None:
    async def main() -> list[int]:
        answers: list[int] = []
        async with helper(at_once=20) as (app, _), trio.open_nursery() as nursery:

            async def one() -> None:
                body = question("https://vanished.com/")
                answer = await ask(app, "POST", body=body, headers=[("User-Agent", agent)])
                answers.append(answer.status)

            for _ in range(30):
                nursery.start_soon(one)
        return answers

    answers = run(main)
    assert (answers.count(200), answers.count(503)) == (limit, 30 - limit)


def test_one_client_that_asks_too_often_does_not_disturb_another() -> None:
    async def main() -> None:
        async with helper(allowance=Allowance(rate=1, burst=3)) as (app, _):
            statuses = [(await ask(app)).status for _ in range(5)]
            assert statuses == [200, 200, 200, 429, 429]
            assert (await ask(app, client=("192.0.2.8", 1))).status == 200
            # All of one customer's IPv6 addresses are one client.
            six = [(await ask(app, client=(f"2001:db8:1:2::{n}", 1))).status for n in range(4)]
            assert six == [200, 200, 200, 429]
            await trio.sleep(2)
            later = await ask(app)
            assert later.status == 200 and (await ask(app)).status == 200
            assert (await ask(app)).headers["retry-after"] == "1"

    run(main)


def test_only_a_trusted_proxy_says_who_the_client_is() -> None:
    async def main(proxied: bool) -> list[int]:
        async with helper(allowance=Allowance(rate=1, burst=1), proxied=proxied) as (app, _):
            return [(await ask(app, headers=[("X-Real-IP", f"192.0.2.{n}")])).status for n in range(2)]

    assert run(lambda: main(True)) == [200, 200] and run(lambda: main(False)) == [200, 429]


def test_one_client_that_reads_slowly_leaves_random_bytes_for_others() -> None:
    async def main() -> list[int]:
        statuses: list[int] = []
        async with helper(allowance=Allowance(1e6, 1e6)) as (app, _), trio.open_nursery() as nursery:

            async def slow() -> None:
                agent = [("User-Agent", "gatewatch/1")]
                statuses.append((await ask(app, path="/bytes/1048576", headers=agent, takes=15.0)).status)

            for _ in range(60):
                nursery.start_soon(slow)
            await trio.sleep(20)
            assert (await ask(app, path="/bytes/1000", client=("192.0.2.8", 1))).status == 200
        return statuses

    statuses = run(main)
    assert (statuses.count(200), statuses.count(429)) == (10, 50)


class _Watched:
    """A measurer that notes how many are at work at once, and takes as long as it is told."""

    def __init__(self, seconds: Callable[[str], float]) -> None:
        self._seconds = seconds
        self.now = self.most = 0
        self.began: list[tuple[float, str]] = []

    async def measure(self, value: Any) -> Any:
        url = value["http_request"]
        self.now += 1
        self.most = max(self.most, self.now)
        self.began.append((trio.current_time(), url))
        try:
            await trio.sleep(self._seconds(url))
        finally:
            self.now -= 1
        return {"asked": url}


async def all_at_once(
    app: App, urls: list[str], leaves_after: float | None = None
) -> list[tuple[float, Answer]]:
    """Ask all, each from an address of its own; gives when each was answered, and what."""
    answers: list[tuple[float, Answer]] = []

    async def one(number: int, url: str) -> None:
        client = (f"198.18.{number >> 8}.{number % 256}", 40_000)
        await trio.sleep(number / 1e5)  # in this order
        agent = [("User-Agent", "gatewatch")]
        answer = await ask(
            app, "POST", body=question(url), headers=agent, client=client, leaves_after=leaves_after
        )
        answers.append((trio.current_time(), answer))

    async with trio.open_nursery() as nursery:
        for number, url in enumerate(urls):
            nursery.start_soon(one, number, url)
    return answers


def crowd(measurer: Any, urls: list[str]) -> list[tuple[float, Answer]]:
    return run(lambda: all_at_once(App(measurer), urls))


def test_five_hundred_at_once_are_worked_off_in_turns() -> None:
    measurer = _Watched(lambda url: 0.5)
    answers = crowd(measurer, [f"https://{n}.net/" for n in range(500)])
    assert [answer.status for _, answer in answers] == [200] * 500
    assert measurer.most == 64
    # Eight rounds of 64, of half a second each.
    assert max(when for when, _ in answers) == pytest.approx(4.0, abs=0.01)


def test_silent_sites_keep_nobody_waiting() -> None:
    measurer = _Watched(lambda url: 15.0 if "silent" in url else 0.5)
    silent = [f"https://silent-{n}.net/" for n in range(192)]
    answers = crowd(measurer, [*silent, "https://quick.net/"])
    when = next(when for when, answer in answers if answer.json == {"asked": "https://quick.net/"})
    # Three times 64 are silent; after two seconds each time the next ones begin.
    quick = next(began for began, url in measurer.began if "quick" in url)
    assert quick == pytest.approx(6.0, abs=0.01) and when == pytest.approx(6.5, abs=0.01)
    assert measurer.most == 193


def test_who_cannot_begin_in_time_is_sent_away_so_that_the_others_are_answered() -> None:
    measurer = _Watched(lambda url: 15.0)
    answers = crowd(measurer, [f"https://silent-{n}.net/" for n in range(500)])
    away = [when for when, answer in answers if answer.status == 503]
    served = [when for when, answer in answers if answer.status == 200]
    assert len(away) + len(served) == 500
    # 64 every two seconds, for ten.
    assert 5 * 64 <= len(served) <= 6 * 64 and max(away) == pytest.approx(10.0, abs=0.01)
    # A probe waits for thirty.
    assert max(served) < 25.1


@pytest.mark.parametrize(("still", "status"), [(0.5, 200), (1.5, 503), (6.0, 503)])
def test_a_helper_that_was_kept_from_running_says_nothing_of_the_site(still: float, status: int) -> None:
    """What has arrived meanwhile looks silent, and a probe would conclude from it."""

    async def main() -> list[Answer]:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock)
        async with helper() as (app, _), trio.open_nursery() as nursery:

            async def stall() -> None:
                await trio.sleep(0.2)
                clock.jump(still)  # time passes, and nobody else gets to run

            nursery.start_soon(stall)
            first = await ask(app, "POST", body=question("https://vanished.com/"))
            return [first, await ask(app, "POST", body=question("https://live.com/"))]

    first, second = run(main)
    assert first.status == status and second.status == 200
    assert status == 200 or "no time to listen" in first.json["error"]


def test_who_leaves_takes_no_turn_along() -> None:
    measurer = _Watched(lambda url: 15.0 if "silent" in url else 0.5)
    left, later = ["https://silent.net/"] * 100, ["https://quick.net/"] * 64

    async def main() -> float:
        app = App(measurer)  # type: ignore[arg-type] # it does what is asked of one
        statuses = [answer.status for _, answer in await all_at_once(app, left, 1.0)]
        assert statuses == [0] * 100 and measurer.now == 0
        began = trio.current_time()
        assert [answer.status for _, answer in await all_at_once(app, later)] == [200] * 64
        return trio.current_time() - began

    assert run(main) == pytest.approx(0.5, abs=0.01)


def test_a_crowd_is_told_the_truth() -> None:
    kinds = ["https://s{}.crowd.net/", "https://s{}.refused.com/", "https://s{}.vanished.com/"]
    urls = [kinds[n % 3].format(n) for n in range(90)]

    async def main() -> list[Any]:
        answers: list[Any] = []
        async with helper() as (app, world):

            async def one(number: int, url: str) -> None:
                client = (f"198.18.0.{number}", 40_000)
                agent = [("User-Agent", "gatewatch")]
                answer = await ask(app, "POST", body=question(url), headers=agent, client=client)
                answers.append((url, answer.json, truth(world, url)))

            async with trio.open_nursery() as nursery:
                for number, url in enumerate(urls):
                    nursery.start_soon(one, number, url)
            assert trio.lowlevel.current_statistics().tasks_living < 20
        return answers

    answers = run(main)
    assert sorted(url for url, _, _ in answers) == sorted(urls)
    assert [(url, why) for url, told, true in answers if (why := difference(told, true))] == []
