"""Traces against paths that are nothing but a function: exact times, no network at all."""

from collections.abc import Callable

import pytest
import trio
from tests.worlds.clock import run

from gatewatch.net.tracing import outcome
from gatewatch.net.tracing.agenda import MOST, Course, Heard, Manner
from gatewatch.net.tracing.courier import carry

HERE = "93.184.216.34"
#: What a probe brings: who answers, ICMP type and code, after how many seconds; None is silence.
Path = Callable[[int, int], tuple[str, int, int, float] | None]


class Fake:
    """A courier for one path; with ``bare`` answers do not say which probe they are about."""

    method = "fake"

    def __init__(self, path: Path, *, bare: bool = False, residual: bool = True, end: int = 0) -> None:
        self.window = 1 if bare else MOST
        self.sent: list[int] = []
        self._path, self._bare, self._residual, self._end = path, bare, residual, end
        self._coming: list[tuple[float, Heard]] = []
        self._more = trio.Event()

    def send(self, flow: int, ttl: int) -> bool:
        self.sent.append(ttl)
        answer = self._path(ttl, self.sent.count(ttl))
        if answer is not None:
            who, kind, code, after = answer
            left = ttl - self._end + 1 if kind == 3 and self._residual else None
            shown = 0 if self._bare else ttl
            rtt = None if self._bare else after * 1000
            heard = Heard(flow, shown, who, rtt, kind, code, 64 - self._end + 1, left)
            self._coming.append((trio.current_time() + after, heard))
            self._coming.sort(key=lambda pair: pair[0])
            self._more.set()
        return True

    def receive(self) -> list[Heard]:
        now = trio.current_time()
        found = [heard for at, heard in self._coming if at <= now]
        self._coming = [pair for pair in self._coming if pair[0] > now]
        return found

    async def wait(self) -> None:
        while not self._coming:
            self._more = trio.Event()
            await self._more.wait()
        await trio.sleep_until(self._coming[0][0])

    def close(self) -> None: ...


def line(length: int, silent: tuple[int, ...] = (), *, answers: bool = True, rtt: float = 0.01) -> Path:
    def path(ttl: int, _: int) -> tuple[str, int, int, float] | None:
        if ttl in silent:
            return None
        if ttl >= length:
            return (HERE, 3, 3, rtt * length) if answers else None
        return f"63.218.0.{ttl}", 11, 0, rtt * ttl

    return path


def traced(fake: Callable[[], Fake], manner: Manner) -> tuple[Course, Fake, float]:
    async def main() -> tuple[Course, Fake, float]:
        courier = fake()
        began = trio.current_time()
        with trio.fail_after(600):
            (course,) = await carry(courier, [HERE], manner)
        return course, courier, trio.current_time() - began

    return run(main)


def names(course: Course) -> list[str | None]:
    return [hop.addresses[0] if hop.addresses else None for hop in outcome.hops(outcome.replies(course, 0.0))]


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("length", [1, 4, 11, 30])
def test_a_whole_path_costs_one_probe_a_hop_and_one_besides(bare: bool, length: int) -> None:
    course, courier, _ = traced(
        lambda: Fake(line(length), bare=bare, residual=not bare, end=length), Manner(rate=1000)
    )
    assert names(course) == [*(f"63.218.0.{ttl}" for ttl in range(1, length)), HERE]
    assert course.stop == "reached"
    # The full TTL, each hop, and what was asked at once before the length was known.
    assert len(courier.sent) <= length + 6


def test_silent_hops_cost_one_wait_together() -> None:
    manner = Manner(rate=1000, tries=1)
    _, _, quick = traced(lambda: Fake(line(20), end=20), manner)
    course, _, slow = traced(lambda: Fake(line(20, silent=(3, 7, 8, 9, 12, 17)), end=20), manner)
    assert [hop for hop in names(course) if hop is None] == [None] * 6
    assert slow - quick < 3 * 0.01 * 20 + 0.1


def test_a_silent_destination_is_given_up_after_the_gap() -> None:
    course, courier, took = traced(lambda: Fake(line(9, answers=False), end=9), Manner(rate=1000))
    assert course.stop == "gap" and course.top == 8
    assert max(ttl for ttl in courier.sent if ttl != MOST) == 8 + 5
    assert took < 2.0


def test_more_silent_hops_than_the_gap_hide_no_destination_that_answers() -> None:
    path = line(20, silent=tuple(range(5, 19)))
    for residual in (True, False):
        course, _, _ = traced(lambda r=residual: Fake(path, residual=r, end=20), Manner(rate=1000))  # type: ignore[misc]
        assert course.stop == "reached" and course.end == 20 and names(course)[-2:] == ["63.218.0.19", HERE]


def test_a_loss_is_asked_again_and_a_limit_is_told_from_silence() -> None:
    def lossy(ttl: int, time: int) -> tuple[str, int, int, float] | None:
        return None if ttl == 4 and time == 1 else line(9)(ttl, time)

    course, courier, _ = traced(lambda: Fake(lossy, end=9), Manner(rate=1000))
    assert names(course)[3] == "63.218.0.4" and courier.sent.count(4) == 2
    course, _, _ = traced(lambda: Fake(lossy, end=9), Manner(rate=1000, repeats=3, tries=3))
    states = [hop.state for hop in outcome.hops(outcome.replies(course, 0.0))]
    assert states == ["answers"] * 3 + ["limited"] + ["answers"] * 5


def test_a_loop_ends_the_trace_and_is_named() -> None:
    def loop(ttl: int, _: int) -> tuple[str, int, int, float]:
        return f"63.218.0.{ttl if ttl < 5 else 5 + ttl % 2}", 11, 0, 0.01 * min(ttl, 20)

    course, courier, _ = traced(lambda: Fake(loop), Manner(rate=100))
    hops = outcome.hops(outcome.replies(course, 0.0))
    assert course.stop == "loop" and outcome.loops(hops) and min(outcome.loops(hops)) == 7
    assert max(ttl for ttl in courier.sent if ttl != MOST) < 20


def test_a_router_that_refuses_ends_the_trace() -> None:
    def closed(ttl: int, _: int) -> tuple[str, int, int, float]:
        return ("63.218.0.6", 3, 13, 0.06) if ttl >= 6 else (f"63.218.0.{ttl}", 11, 0, 0.01 * ttl)

    course, _, _ = traced(lambda: Fake(closed, end=6), Manner(rate=1000))
    assert course.stop == "unreachable" and course.end == 6 and len(names(course)) == 6


def test_a_path_that_changes_meanwhile_shows() -> None:
    def changing(ttl: int, time: int) -> tuple[str, int, int, float] | None:
        if ttl == 3 and time > 2:
            return "63.218.9.9", 11, 0, 0.03
        return line(6)(ttl, time)

    course, _, _ = traced(lambda: Fake(changing, end=6), Manner(rate=1000, repeats=3, tries=3))
    hops = outcome.hops(outcome.replies(course, 0.0))
    assert outcome.changed(hops) == (3,) and hops[2].addresses == ("63.218.0.3", "63.218.9.9")


def test_answers_that_do_not_say_to_what_are_never_filed_by_guess() -> None:
    course, _, _ = traced(
        lambda: Fake(line(12, silent=(2, 3, 4, 5, 9)), bare=True, residual=False, end=12), Manner(rate=1000)
    )
    expected = [None if t in (2, 3, 4, 5, 9) else f"63.218.0.{t}" for t in range(1, 12)]
    assert names(course) == [*expected, HERE] and course.stop == "reached"


def test_thousands_at_once_keep_to_the_rate() -> None:
    async def main() -> tuple[list[Course], int, float]:
        courier = Fake(line(10), end=10)
        began = trio.current_time()
        courses = await carry(courier, [HERE] * 500, Manner(rate=2000))
        return courses, len(courier.sent), trio.current_time() - began

    courses, sent, took = run(main)
    assert all(course.stop == "reached" for course in courses)
    assert took >= (sent - 64) / 2000 and took < sent / 2000 + 1.0
    assert sent <= 500 * 11 + 500
