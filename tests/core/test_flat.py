"""What runs leave behind in a process: nothing, though it measures day and night.

The long campaigns are `python -m benchmarks soak` and `crowd`; here is what they would show in an hour, in
seconds.
"""

from __future__ import annotations

import gc
import sys
import weakref
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import trio
from benchmarks.soak_client import Counting, prepared, written
from tests.worlds.clock import run
from tests.worlds.commands import python
from tests.worlds.country import attached

from gatewatch.lab.memory import internet
from gatewatch.lab.servers.tls import TlsStream
from gatewatch.lab.world import World
from gatewatch.net import secure, stream, transfer
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.runner.session import Session, conduct

if sys.platform != "linux":
    pytest.skip("memory, sockets and files are counted in /proc, which Linux has", allow_module_level=True)

from benchmarks.soak_watch import Watch


def session(folder: Path, count: int, probe: str) -> Session:
    lab = ("--lab", "methods:sni-reset", "--attach", "memory", "--rate", "200", "--traces", "0")
    listed = str(written(folder, count))
    return prepared(*lab, "--probe", probe, "--targets", listed, "--root", str(folder / "runs"), "--quiet")


def test_two_thousand_targets_leave_memory_tasks_and_files_as_they_were(tmp_path: Path) -> None:
    wanted, counting = session(tmp_path, 2000, "connect"), Counting()
    watch = Watch(tmp_path, 0.5, counting.progress)
    outcome = conduct(replace(wanted, surroundings=watch.around(wanted.surroundings)), counting)
    assert outcome.state == "done" and outcome.measured == 2000
    assert watch.before and watch.after
    # Sockets are files, too; "sockets" are all of this network, those of other processes with them.
    counted = ("tasks", "files", "threads")
    before, after = asdict(watch.before), asdict(watch.after)
    assert {name: after[name] for name in counted} == {name: before[name] for name in counted}
    # A measurement of `connect` makes records of some 10 KB: a thousand that were kept would be 10 MB.
    half = next(sample for sample in watch.samples if sample.measured >= 1000)
    grown = watch.after.rss_mb - half.rss_mb
    print(f"{half.measured} to 2000 measured: {grown:.1f} MB more")
    assert grown < 6


def test_tls_connections_end_without_waiting_for_the_collector() -> None:
    """Each would hold OpenSSL's 40 KB, which the collector does not count, until it happens to look."""

    async def main() -> int:
        async with attached("clear") as (wire, world):
            for n in range(10):
                url = parse(f"https://site-{n}.flat.net/")
                tcp, _ = await stream.connect(Journal(), world.address_of(url.host)[0], 443)
                assert tcp is not None
                tls, failure = await secure.handshake(Journal(), tcp, wire.trust, url.host)
                assert tls is not None and failure is None
                got = await transfer.exchange(Journal(), tls, url)
                assert got.record.response is not None and got.record.response.code == 200
                tls.close()
            await trio.sleep(1)
            return sum(isinstance(thing, TlsStream) for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        assert run(main) == 0
    finally:
        gc.enable()


def test_a_second_run_does_not_keep_what_the_first_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds: weakref.WeakSet[World] = weakref.WeakSet()

    def made(*given: object) -> World:
        world = World(*given)  # type: ignore[arg-type] # passed on as they are
        worlds.add(world)
        return world

    monkeypatch.setattr(internet, "World", made)
    for name in ("one", "two", "three"):
        folder = tmp_path / name
        folder.mkdir()
        assert conduct(session(folder, 3, "web"), Counting()).state == "done"
    # Servers, boxes and path know one another, so they are the collector's; it must be able to see them.
    gc.collect()
    assert len(worlds) == 0


def test_the_plan_of_a_long_list_is_not_kept(tmp_path: Path) -> None:
    outcome = conduct(session(tmp_path, 5, "connect"), Counting())
    assert outcome.folder is not None
    from gatewatch.store import open_for_resume

    folder = open_for_resume(outcome.folder)
    try:
        assert [item["id"] for item in folder.plan["items"]] == [f"connect-{n}" for n in range(1, 6)]
        held = [thing for thing in gc.get_referents(folder) if isinstance(thing, dict)]
        assert not any("items" in thing for thing in held)
    finally:
        folder.close("done")


def test_a_run_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    """On a small machine, what is loaded is most of what a run takes."""
    words = ["run", "--plan", "--quiet", "--targets", "kh", "--root", str(tmp_path)]
    heavy = ("requests", "pytest", "_pytest", "pandas", "rich", "scapy", "cryptography", "aioquic")
    done = python(
        "import sys; from gatewatch.cli import main\n"
        f"try: main({words!r})\n"
        "except SystemExit: pass\n"
        f"print('loaded:', *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)"
    )
    assert done.stdout and done.stderr.strip() == "loaded:"
