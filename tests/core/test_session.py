from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.worlds.campaign import Act, Fake, Log, lasting, plan, sites
from tests.worlds.commands import gatewatch
from tests.worlds.hosts import hosts
from trio.testing import MockClock

from gatewatch.lab.rehearse import in_memory
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.runner import probes
from gatewatch.runner.plan import Plan, make
from gatewatch.runner.session import Outcome, Session, Surroundings, conduct
from gatewatch.store import Locked, StoreFull, lock, read
from gatewatch.store.folder import RunFolder
from gatewatch.store.lines import PACKED
from gatewatch_targets import Target


def session(root: Path, act: Act, count: int = 5, *, isp: str = "clear", **more: Any) -> Session:
    """A session in the lab, in memory, with a fake probe on so many sites."""
    surroundings, vantage = in_memory("small", isp)
    given: dict[str, Any] = {"plan": plan(sites(count)), "probes": {"fake": Fake(act)}, "rate": 10.0, **more}
    return Session(root=root, vantage=vantage, surroundings=surroundings, **given)


def run_json(folder: Path | None) -> dict[str, Any]:
    assert folder is not None
    about: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return about


def measured(folder: Path | None) -> list[str]:
    assert folder is not None
    return [json.loads(line)["x_gatewatch_item"] for line in read(folder)]


def test_a_whole_run_is_done_and_says_where_and_with_what(tmp_path: Path) -> None:
    log = Log()
    outcome = conduct(session(tmp_path, lasting(1), helpers=("https://0.th.ooni.org/",)), log)
    assert (outcome.state, outcome.reason, outcome.measured) == ("done", "Done.", 5)
    about = run_json(outcome.folder)
    assert (about["state"], about["measured"], about["skipped"]) == ("done", 5, [])
    assert about["vantage"]["asn"] == 45498 and about["controls"] == ["https://0.th.ooni.org/"]
    assert about["lab"] == {"scenario": "small", "isp": "clear", "attach": "memory"}
    assert [look["up"] for look in about["line"]] == [True] and about["ended"] is not None
    # The fourth starts after 0.4 s and at most half a slot of jitter, and takes one second.
    assert 1.4 <= about["campaign_s"] < 1.45
    assert {path.name for path in outcome.folder.iterdir()} == {  # type: ignore[union-attr] # it is there
        "plan.json",
        "run.json",
        "measurements.jsonl.gz",
        "prefixes.csv",
    }


def test_the_folder_holds_the_plan_before_the_first_packet_of_a_measurement(tmp_path: Path) -> None:
    seen: list[int] = []

    async def act(_: Target) -> TestKeys:
        (path,) = tmp_path.glob("*/plan.json")
        seen.append(len(json.loads(path.read_text())["items"]))
        return TestKeys()

    conduct(session(tmp_path, act, 2), Log())
    assert seen == [2, 2]


def test_without_a_route_there_is_no_folder(tmp_path: Path) -> None:
    wanted = session(tmp_path, lasting(1))
    outcome = conduct(
        replace(wanted, surroundings=replace(wanted.surroundings, route=lambda: False)), log := Log()
    )
    assert (outcome.state, outcome.folder, outcome.measured) == ("no_network", None, 0)
    assert outcome.reason == ("There is no internet connection: this machine has no route to the outside.")
    assert log.told == [] and [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_on_a_line_where_nothing_answers_there_is_no_folder_either(tmp_path: Path) -> None:
    @asynccontextmanager
    async def nowhere() -> AsyncIterator[Wire]:
        with hosts({}, {}) as (wire, _):
            wire.resolvers = ()
            yield wire

    around = Surroundings(enter=nowhere, route=lambda: True, clock=MockClock(autojump_threshold=0))
    outcome = conduct(replace(session(tmp_path, lasting(1)), surroundings=around), Log())
    assert outcome.state == "no_network" and outcome.reason.endswith("well-known servers answers.")
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_second_session_in_the_same_root_is_refused(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(Locked):
        conduct(session(tmp_path, lasting(1)), Log())
    assert conduct(session(tmp_path, lasting(1)), Log()).state == "done"


def test_the_lock_holds_between_processes_and_has_its_exit_code(tmp_path: Path) -> None:
    command = (
        "run",
        "--lab",
        "small:clear",
        "--attach",
        "memory",
        "--targets",
        "np",
        "--root",
        str(tmp_path),
    )
    with lock(tmp_path):
        done = gatewatch(*command, "--json", "--quiet")
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr == f"Another measurement is going on; it holds {tmp_path / '.lock'}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_resuming_completes_it_measuring_nothing_twice(
    tmp_path: Path, number: signal.Signals
) -> None:
    ended: list[str] = []
    signals = [number]

    async def act(target: Target) -> TestKeys:
        if len(ended) == 4 and signals:
            signals.clear()
            signal.raise_signal(number)
            await trio.sleep(1)  # what is under way is dropped
        ended.append(target.url)
        return TestKeys()

    first = conduct(session(tmp_path, act, 10), Log())
    assert (first.state, first.measured) == ("interrupted", 4)
    assert run_json(first.folder)["state"] == "interrupted"

    log = Log()
    second = conduct(session(tmp_path, act, 10, resume=first.folder), log)
    assert (second.state, second.folder, second.measured) == ("done", first.folder, 10)
    assert log.told == [("started", 10, 4)] and ended == sites(10)
    assert measured(second.folder) == [f"fake-{n}" for n in range(10)]
    about = run_json(second.folder)
    assert (about["state"], about["measured"], len(about["resumed"])) == ("done", 10, 1)


def test_a_signal_before_there_is_a_folder_is_no_traceback(tmp_path: Path) -> None:
    wanted = session(tmp_path, lasting(1))

    def route() -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    outcome = conduct(replace(wanted, surroundings=replace(wanted.surroundings, route=route)), Log())
    assert outcome == Outcome("interrupted", "Interrupted before anything was measured.", None, 0)


def test_a_signal_while_a_run_is_being_closed_loses_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packed(_: RunFolder) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "_compress", packed)
        first = conduct(session(tmp_path, lasting(1), 3), Log())
    assert (first.state, first.measured) == ("interrupted", 3) and "--resume" in first.reason
    second = conduct(session(tmp_path, lasting(1), 3, resume=first.folder), Log())
    assert (second.state, second.folder, second.measured) == ("done", first.folder, 3)
    assert measured(second.folder) == ["fake-0", "fake-1", "fake-2"]


def raising(original: Callable[..., Any], after: int) -> Callable[..., Any]:
    """Let a method work so many times, then find the disk full."""
    calls = iter(range(after))

    def method(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            raise StoreFull("measurements.jsonl: No space left on device")
        return original(*args, **kwargs)

    return method


@pytest.mark.parametrize(
    ("method", "after", "kept"),
    [("append", 3, 3), ("update", 1, 5), ("close", 0, 5)],
)
def test_a_full_disk_ends_a_run_in_words_and_it_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, after: int, kept: int
) -> None:
    with monkeypatch.context() as full:
        full.setattr(RunFolder, method, raising(getattr(RunFolder, method), after))
        outcome = conduct(session(tmp_path, lasting(0)), Log())
    assert (outcome.state, outcome.reason) == ("full", "measurements.jsonl: No space left on device")
    assert outcome.measured == len(measured(outcome.folder)) == kept
    again = conduct(session(tmp_path, lasting(0), resume=outcome.folder), Log())
    assert (again.state, again.measured) == ("done", 5)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what file is flushed")
def test_a_disk_that_fails_at_the_very_end_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, failed = os.fsync, False

    def fsync(fd: int) -> None:
        nonlocal failed
        failed = failed or PACKED in str(Path(f"/proc/self/fd/{fd}").readlink())
        if failed:
            raise OSError(errno.EIO, "Input/output error")
        flush(fd)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fsync)
        outcome = conduct(session(tmp_path, lasting(0)), Log())
    assert failed and (outcome.state, outcome.measured) == ("full", 5)
    assert "Input/output error" in outcome.reason and len(measured(outcome.folder)) == 5
    assert conduct(session(tmp_path, lasting(0), resume=outcome.folder), Log()).state == "done"


def real(isp: str, *urls: str, traces: int) -> dict[str, Any]:
    made = make([Target(url) for url in urls], ("web",), seed=1, settings={}, traces=traces)
    return {
        "plan": made,
        "probes": {name: probes.load(name) for name in made.probes},
        "isp": isp,
        "helpers": ("https://0.th.ooni.org/",),
    }


def test_verdicts_keys_and_scrubbing_in_a_real_run(tmp_path: Path) -> None:
    urls = ("https://reset.com/", "http://lied.com/", "https://example.org/")
    more = real("blocked", *urls, traces=2)
    outcome = conduct(session(tmp_path, lasting(0), **more), log := Log())
    assert outcome.state == "done" and outcome.folder is not None
    records = [json.loads(line) for line in read(outcome.folder)]

    web = {r["input"]: r for r in records if r["test_name"] == "web_connectivity"}
    assert {url: r["x_gatewatch_verdict"]["label"] for url, r in web.items()} == {
        "https://reset.com/": "blocked(tls.reset)",
        "http://lied.com/": "blocked(dns.bogon)",
        "https://example.org/": "ok",
    }
    # OONI's web_connectivity, ts-017.
    assert {url: (r["test_keys"]["blocking"], r["test_keys"]["accessible"]) for url, r in web.items()} == {
        "https://reset.com/": ("http-failure", False),
        "http://lied.com/": ("dns", False),
        "https://example.org/": (False, True),
    }
    for r in web.values():
        assert {
            "client_resolver",
            "control",
            "control_failure",
            "dns_consistency",
            "dns_experiment_failure",
            "http_experiment_failure",
            "body_length_match",
            "body_proportion",
            "headers_match",
            "status_code_match",
            "title_match",
        } <= r["test_keys"].keys()

    traces = [r for r in records if r["test_name"] == "trace"]
    assert len(traces) == 2 and all(r.get("x_gatewatch_verdict") is None for r in traces)
    assert [label for item, label in sorted(log.verdicts.items()) if item.startswith("trace")] == [None, None]

    # The lab's pages tell visitors their addresses.
    written = b"".join(read(outcome.folder)) + b"".join(p.read_bytes() for p in outcome.folder.glob("*.json"))
    assert b"36.37.200.10" not in written
    page = web["https://example.org/"]["test_keys"]["requests"][0]["response"]
    assert "[scrubbed]" in str(page["headers"]) and "[scrubbed]" in str(page["body"])


PROBE = '''"""once: does a signal end the run?"""

import os
import signal
from pathlib import Path

import trio

from gatewatch.records import TestKeys

LOG = Path(__file__).with_name("log.txt")


class Once:
    name = test_name = "once"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    async def measure(self, target, wire):
        with LOG.open("a") as log:
            log.write(target.url + "\\n")
        marker = LOG.with_name("interrupted")
        if len(LOG.read_text().splitlines()) == 5 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGINT)
            await trio.sleep(100)
        return TestKeys()
'''


def test_ctrl_c_in_a_real_process_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PROBE)
    (tmp_path / "list.txt").write_text("\n".join(sites(9)))
    lab = ("--lab", "small:clear", "--attach", "memory", "--json")
    what = ("--targets", str(tmp_path / "list.txt"), "--probe", str(tmp_path / "mine.py"), "--traces", "0")
    done = gatewatch("run", *lab, *what, "--root", str(tmp_path / "runs"))
    about = json.loads(done.stdout)
    assert (done.returncode, about["state"], about["measured"]) == (1, "interrupted", 4)
    assert done.stderr.splitlines()[-1] == "The run was interrupted; go on with --resume."
    assert "Traceback" not in done.stderr
    folder = Path(about["folder"])
    assert run_json(folder)["state"] == "interrupted"

    again = gatewatch("run", *lab, "--resume", str(folder))
    assert (again.returncode, json.loads(again.stdout)["measured"]) == (0, 9)
    ids = [item.id for item in Plan.from_json(json.loads((folder / "plan.json").read_text())).items]
    assert measured(folder) == ids
    begun = (tmp_path / "log.txt").read_text().splitlines()
    # Only the one under way began twice; it was not stored the first time.
    assert len(begun) == 10 and begun[4] == begun[5] and sorted(set(begun)) == sites(9)
