"""Progress: a line a stage, and a time that is honest: none at first, then a range that holds."""

import io
import random

import pytest
from rich.console import Console

from gatewatch.cli import progress
from gatewatch.cli.estimate import Estimate
from gatewatch.cli.lines import Lines
from gatewatch.cli.stages import Stages
from gatewatch.runner.plan import Plan, make
from gatewatch.verdict import Verdict
from gatewatch.words import use
from gatewatch_targets import Target

# Sites, starts a second, share of silent ones and how long they take (s), share of those that take a minute.
WORLDS = (
    (30, 5, 0.3, (25, 45), 0.0),
    (120, 5, 0.3, (25, 45), 0.0),
    (500, 5, 0.1, (10, 15), 0.0),
    (100, 1, 0.0, (1, 2), 0.0),
    (120, 5, 0.3, (25, 45), 0.02),
    (300, 5, 0.3, (25, 45), 0.02),
)


@pytest.fixture(autouse=True)
def english() -> None:
    use("en")


def simulated(world: tuple[int, int, float, tuple[int, int], float], seed: int) -> tuple[int, int, int]:
    """Looks at a run, those at which a range was shown, and those at which the end lay in it."""
    number, rate, silent, (least, most), very = world
    rng, at, events = random.Random(seed), 0.0, []
    for item in range(number):
        at += rng.uniform(0.5, 1.5) / rate
        chance = rng.random()
        took = rng.uniform(0.3, 4)
        if chance < silent + very:
            took = rng.uniform(60, 120) if chance < very else rng.uniform(least, most)
        events += [(at, "began", str(item)), (at + took, "ended", str(item))]
    events.sort()
    end, now = events[-1][0], 0.0
    estimate = Estimate(number, 180.0, lambda: now)
    looks = shown = held = 0
    look = step = max(end / 50, 1.0)
    for when, what, site in events:
        while look < when:
            now, looks = look, looks + 1
            if left := estimate.left():
                shown += 1
                held += left[0] - 0.5 <= end - look <= left[1] + 0.5
            look += step
        now = when
        getattr(estimate, what)(site)
    return looks, shown, held


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_end_lies_in_the_range_four_times_out_of_five(
    world: tuple[int, int, float, tuple[int, int], float],
) -> None:
    looks, shown, held = (
        sum(column) for column in zip(*(simulated(world, s) for s in range(20)), strict=True)
    )
    print(f"{world}: shown at {shown / looks:.0%} of the looks, the end in it at {held / shown:.0%}")
    assert shown > 0.8 * looks and held > 0.8 * shown


def test_nobody_can_tell_at_first_and_at_the_end_nothing_is_left() -> None:
    now = 0.0
    estimate = Estimate(20, 180.0, lambda: now)
    for item in range(7):
        now += 1
        assert estimate.left() is None
        estimate.began(str(item))
        estimate.ended(str(item))
    estimate.began("7")
    estimate.ended("7")
    assert estimate.left() is not None
    for item in range(8, 20):
        estimate.ended(str(item))
    assert estimate.left() == (0.0, 0.0)


def test_something_slower_than_all_before_opens_the_range() -> None:
    now = 0.0
    estimate = Estimate(10, 180.0, lambda: now)
    for item in range(9):
        estimate.began(str(item))
        now += 1
        estimate.ended(str(item))
    estimate.began("9")
    now += 20
    left = estimate.left()
    assert left is not None and left[1] > 160


def a_plan() -> Plan:
    targets = [Target(f"https://{n}.example/", "NEWS") for n in range(3)]
    return make(targets, ("web",), seed=1, settings={}, traces=1)


def goes(watching: progress.Quiet, plan: Plan) -> None:
    watching.started(len(plan.items), 0)
    watching.paused("There is no internet connection: none of several well-known servers answers.")
    watching.resumed()
    for number, item in enumerate(plan.items):
        watching.began(item)
        if number == 1:
            watching.skipped(item, "took longer than 180 s")
        else:
            verdict = Verdict("blocked", "tls", "reset", None, "tls.reset", (), 0.9)
            watching.measured(item, verdict if item.probe == "web" else None)
    watching.close()


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    plan = a_plan()
    goes(Lines(plan), plan)
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["Looking at your line", "4 measurements planned."]
    assert (
        said[2].startswith("Paused. There is no internet") and said[3] == "The line is well again; going on."
    )
    assert said[4] == f"Left out: {plan.items[1].target.url} (it took too long)"
    assert said[5:] == ["Finding the way to servers: 1/1"]


def drawn(**how: object) -> str:
    out, plan = io.StringIO(), a_plan()
    console = Console(file=out, force_terminal=True, width=100, color_system="256", **how)  # type: ignore[arg-type]
    goes(Stages(plan, console), plan)
    return out.getvalue()


def test_a_line_a_stage_that_stays_and_words_for_every_colour() -> None:
    last = drawn().rpartition("Looking at your line")[2]
    assert "    2/3     Asking for web sites" in last and "    1/1     Finding the way to servers" in last
    assert "2 look blocked so far." in last
    # Blue and vermilion (colours.py); never red or green.
    assert "\x1b[38;5;33m" in last and not any(f"\x1b[{code}m" in last for code in (31, 32, 91, 92))


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "38;5" not in drawn()


def test_nothing_is_framed() -> None:
    assert not any("\u2500" <= letter <= "\u257f" for letter in drawn())


@pytest.mark.parametrize(
    ("terminal", "term", "plain", "kind"),
    [
        (True, "xterm", False, Stages),
        (True, "xterm", True, Lines),
        (True, "dumb", False, Lines),
        (False, "xterm", False, Lines),
    ],
)
def test_which_kind(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, term: str, plain: bool, kind: type[progress.Quiet]
) -> None:
    monkeypatch.setenv("TERM", f"{term}-256color" if term == "xterm" else term)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    watching = progress.observer(a_plan(), quiet=False, plain=plain)
    watching.close()
    assert type(watching) is kind
    assert type(progress.observer(a_plan(), quiet=True)) is progress.Quiet
