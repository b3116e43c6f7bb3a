"""Deaths at every step of what is small, at some steps of what is not; benchmarks/faults has a thousand."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import trio
from benchmarks.faults.acts import job
from benchmarks.faults.deleting import Delete, Tidy
from benchmarks.faults.making import Export
from benchmarks.faults.measuring import Run
from benchmarks.faults.preparing import Agree, Schedule
from benchmarks.faults.stage import Found, Stage
from tests.worlds import disk, powercut, spool
from tests.worlds.campaign import Fake, Log, lasting, plan, sites
from tests.worlds.crontab import Table
from tests.worlds.disk import Full, Step, steps
from tests.worlds.mortal import Mortals, Order

from gatewatch.net.wire import Wire
from gatewatch.runner.about import Vantage
from gatewatch.runner.campaign import Campaign
from gatewatch.runner.flush import Flush
from gatewatch.runner.line import Line
from gatewatch.runner.pace import Pace
from gatewatch.schedule.cron import Cron
from gatewatch.schedule.system import call
from gatewatch.store import Scrubber, StoreFull, create, erase, read
from gatewatch.store.files import make_folder, replacing
from gatewatch.unattended.log import LOG
from gatewatch.unattended.log import Log as Written

pytestmark = pytest.mark.skipif(bool(disk.missing()), reason=disk.missing() or "-")


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    with Mortals() as host:
        yield host


def died(mortals: Mortals, stage: Stage, folder: Path, at: int, how: str, *, cut: bool = False) -> bool:
    """Let a stage's act die at a step, and come to its end; gives whether it died at all."""
    found = Found()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    stage.begin(folder)
    side = folder.with_name(f"{folder.name}.side{at}")
    order = Order(stage.call, stage.args(folder), str(folder), at=at, how=how, side=str(side) if cut else "")
    end = mortals.live(order)
    if end.killed:
        if cut:
            shutil.rmtree(folder)
            powercut.cut(side, folder, random.Random(f"{stage.name} {at}"))
            stage.cut(folder)
        stage.look(folder, found)
        again = mortals.live(Order(stage.call, stage.args(folder), str(folder)))
        assert stage.ended_well(folder, again.code), again.said
    stage.last(folder, found)
    assert not found.said, (at, how, end.last)
    return end.killed


@pytest.mark.parametrize("cut", [False, True], ids=["killed", "power cut"])
@pytest.mark.parametrize(
    "stage", [Agree(), Delete(True, 1), Delete(False, 1), Tidy(), Schedule()], ids=lambda stage: stage.name
)
def test_every_step(mortals: Mortals, tmp_path: Path, stage: Stage, cut: bool) -> None:
    # Of those with many, each fourth; both of its halves in turn.
    at, stride = 1, 4 if isinstance(stage, Delete | Tidy) else 1
    hows = ("die before", "die half way", "die after")
    with stage.around():
        while died(mortals, stage, tmp_path / "here", at, hows[at % 3], cut=cut):
            at += stride
    assert at > 4


def test_an_export_dies_and_leaves_nothing(mortals: Mortals, tmp_path: Path) -> None:
    stage = Export()
    with stage.around():
        for at in (1, 2, 3, 4, 5):
            assert died(mortals, stage, tmp_path / "here", at, "die after")
            assert died(mortals, stage, tmp_path / "here", at, "die half way", cut=True)


def test_a_run_dies_before_its_lines_and_within(mortals: Mortals, tmp_path: Path) -> None:
    """The lab's file beside the run is there in the end, too, which a death may have kept from it."""
    for at, cut in ((5, False), (16, False), (24, False), (30, True), (41, True)):
        assert died(mortals, Run(), tmp_path / "here", at, "die half way", cut=cut)


# -- what is flushed when


def durable(root: Path, count: int, flush: Callable[[], None]) -> Log:
    """A campaign of so many items at once, on the clock of the wall."""
    wanted = plan(sites(count))
    folder = create(root, wanted.to_json(), {})
    log = Log()
    folder.sync = flush  # type: ignore[method-assign]

    async def main() -> None:
        made = Campaign(
            folder=folder,
            items=wanted.items,
            probes={"fake": Fake(lasting(0))},
            wire=Wire(own_resolvers=()),
            line=cast(Line, _Up()),
            pace=Pace(1000, jitter=0),
            scrubber=Scrubber(()),
            vantage=Vantage("KH", 38623, "An ISP"),
            observer=log,
            flush=Flush(folder, aside=True),
        )
        await made.run()

    trio.run(main)
    return log


class _Up:
    last = None
    looks = ()
    seen_full = float("-inf")

    async def was_up_since(self, *_: float) -> bool:
        return True


def test_nothing_is_told_that_is_not_on_the_disk_and_many_share_a_flush(tmp_path: Path) -> None:
    """One flush at a time, aside; whoever comes while one goes on waits for the next, with all others."""
    flushed: list[int] = []
    under_way = threading.Lock()

    def flush() -> None:
        assert under_way.acquire(blocking=False), "two flushes at once"
        have = sum(1 for path in tmp_path.glob("2*") for _ in read(path))
        assert threading.current_thread() is not threading.main_thread()
        # Not a wait for anything: a slow disk.
        threading.Event().wait(0.02)
        flushed.append(have)
        under_way.release()

    log = durable(tmp_path, 40, flush)
    assert len(log.verdicts) == 40 and flushed[-1] == 40
    assert flushed == sorted(flushed) and 2 <= len(flushed) <= 20


def test_a_disk_that_is_full_at_the_flush_ends_the_run(tmp_path: Path) -> None:
    def flush() -> None:
        raise StoreFull("no room")

    with pytest.raises(ExceptionGroup) as raised:
        durable(tmp_path, 3, flush)
    assert raised.group_contains(StoreFull)


# -- folders and files


def test_a_new_folder_and_those_above_it_are_flushed(tmp_path: Path) -> None:
    heard: list[Step] = []
    with steps(tmp_path.parent, hear=heard.append):
        make_folder(tmp_path / "a" / "b" / "c")
    made = [step.path for step in heard if step.what == "make"]
    flushed = [step.path for step in heard if step.what == "flush"]
    assert made == [str(tmp_path / name) for name in ("a", "a/b", "a/b/c")]
    assert flushed == [str(tmp_path), *made[:2]]


def test_what_the_dead_left_unfinished_goes_and_what_the_living_write_stays(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    with suppress(RuntimeError), replacing(file) as out:
        out.write(b"one")
        left = next(tmp_path.glob(".page.html.*.part"))
        other = tmp_path / f".page.html.{'0' * 8}.part"
        other.write_bytes(b"of a process that is dead")
        foreign = tmp_path / ".page.html.mine.part"
        foreign.write_bytes(b"not ours")
        with replacing(file) as second:
            second.write(b"two")
            assert left.exists() and not other.exists()
        assert file.read_bytes() == b"two" and left.exists()
    assert file.read_bytes() == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign.name, file.name]


def test_a_line_of_the_log_that_a_full_disk_cut_damages_no_other(tmp_path: Path) -> None:
    log = Written(tmp_path)
    log.say("one")
    full = Full(1, half=True)
    with steps(tmp_path, full):
        log.say("two")
        log.say("three")
    assert full.hit
    log.say("four")
    whole = [line for line in (tmp_path / LOG).read_bytes().splitlines() if line.endswith(b"}")]
    assert [json.loads(line)["event"] for line in whole] == ["one", "four"]


def test_what_a_death_left_half_deleted_is_listed_with_the_rest(tmp_path: Path) -> None:
    path = spool.run(tmp_path, 2)
    here = erase.set_aside(path)
    (here / "plan.json").unlink()
    assert erase.begun(tmp_path) == [here] and not path.exists()
    gone = [each.path for each in erase.erase(here, tmp_path)]
    assert sorted(gone) == [f".deleting/{path.name}/{name}" for name in ("measurements.jsonl.gz", "run.json")]
    assert erase.left(tmp_path) == [] and not here.parent.exists()


# -- the harness itself can fail


def careless(folder: str) -> None:
    """Write as nobody should."""
    file = Path(folder, "file")
    file.write_bytes(b"n" * 5000)


def test_a_careless_writer_is_found_out(mortals: Mortals, tmp_path: Path) -> None:
    """Deaths tear what is written in place, and power cuts what was not flushed."""
    seen = set()
    for seed in range(24):
        folder, side = tmp_path / f"{seed}", tmp_path / f"{seed}.side"
        folder.mkdir()
        (folder / "file").write_bytes(b"o" * 4000)
        call = "tests.core.test_faults:careless"
        end = mortals.live(Order(call, [str(folder)], str(folder), side=str(side)))
        assert (end.code, end.steps) == (0, 2), end.said
        shutil.rmtree(folder)
        powercut.cut(side, folder, random.Random(seed))
        data = (folder / "file").read_bytes()
        seen.add("new" if data == b"n" * 5000 else "old" if data == b"o" * 4000 else "torn")
    assert seen == {"new", "old", "torn"}


@pytest.mark.parametrize(("at", "how", "left"), [(2, "die half way", 2500), (2, "die before", 0)])
def test_a_death_within_a_write(mortals: Mortals, tmp_path: Path, at: int, how: str, left: int) -> None:
    end = mortals.live(
        Order("tests.core.test_faults:careless", [str(tmp_path)], str(tmp_path), at=at, how=how)
    )
    assert end.killed and end.last == "write file"
    assert (tmp_path / "file").stat().st_size == left


def test_a_table_of_cron_does_not_end_with_whoever_writes_it() -> None:
    """crontab(1) installs what it got when its input ends, and a pipe ends with a death."""
    answer = call(["sh", "-c", "test -f /dev/stdin && cat"], "5 4 * * * backup\n")
    assert (answer.code, answer.out) == (0, "5 4 * * * backup\n")


def test_others_lines_keep_their_bytes(tmp_path: Path) -> None:
    theirs = b"# caf\xe9\n0 1 * * * echo \xe1\r\n"
    table = Table(tmp_path)
    table.path.write_bytes(theirs)
    program = str(tmp_path / "crontab")
    Cron(lambda words, stdin: call([program, *words[1:]], stdin)).install([job(str(tmp_path), 5)])
    assert table.path.read_bytes().startswith(theirs)
