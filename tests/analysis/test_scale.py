"""A cluster of several workers, one of them killed half way: the same rows, in the same order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.analysis.runs import measurement, web, write_run
from tests.worlds.commands import here

distributed = pytest.importorskip("distributed", reason="a cluster needs the extra [scale]")

from gatewatch_analysis.dataset import observed  # noqa: E402 - after the skip
from gatewatch_analysis.events import joint_changes, series  # noqa: E402
from gatewatch_analysis.hosting import COLUMNS, KINDS  # noqa: E402
from gatewatch_analysis.loading import load  # noqa: E402
from gatewatch_analysis.loading.spread import spread  # noqa: E402
from gatewatch_analysis.scale import by_country, cluster  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def answer(k: int) -> dict[str, Any]:
    one = {"answer_type": "A", "ipv4": f"52.76.1.{k + 1}"}
    query = {"engine": "system", "query_type": "A", "hostname": f"site-{k}.example", "answers": [one]}
    return {"queries": [query]}


def runs(folder: Path, files: int, lines: int) -> Path:
    for n in range(files):
        rows = [
            measurement("resolve", f"https://site-{k}.example/", answer(k), asn=100 + n, name=f"N{n}")
            for k in range(lines)
        ]
        write_run(folder / f"run-{n:02}", rows, isp=f"N{n}")
    return folder


def waited(piece: int) -> tuple[int, int]:
    """Work that takes long enough for a worker to be killed in the middle of it."""
    time.sleep(0.2)
    return piece, os.getpid()


def test_the_same_rows_as_one_process(client: Any, tmp_path: Path) -> None:
    folder = runs(tmp_path, 6, 20)
    alone = observed([folder], kinds=KINDS, columns=COLUMNS).observations
    with cluster(client):
        there = observed([folder], kinds=KINDS, columns=COLUMNS).observations
    assert len(alone) == 6 * 20
    pd.testing.assert_frame_equal(alone, there)


def test_a_worker_is_killed_half_way(client: Any) -> None:
    victims: list[int] = []

    def kill() -> None:
        victim = next(iter(client.run(os.getpid).values()))
        victims.append(victim)
        os.kill(victim, signal.SIGKILL)

    found = []
    # Spread by this test's own function, sent by value: the workers do not import the tests.
    cloudpickle = pytest.importorskip("cloudpickle", reason="comes with distributed")
    cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["x"]))
    with cluster(client):
        for number, (piece, result) in enumerate(spread(waited, range(30), 1)):
            found.append((piece, result))
            if number == 6:
                thread = threading.Thread(target=kill)
                thread.start()
                thread.join()
    assert [piece for piece, _ in found] == list(range(30))
    assert [result[0] for _, result in found if isinstance(result, tuple)] == list(range(30))
    pids = {result[1] for _, result in found if isinstance(result, tuple)}
    # It had worked, it was killed, and others finished its pieces.
    assert victims and len(pids - set(victims)) >= 2


def test_country_by_country_is_the_whole(client: Any, tmp_path: Path) -> None:
    lines = [
        web(
            "https://a.example/",
            "tls.reset" if day >= 15 else "ok",
            cc=cc,
            asn=asn,
            name=f"{cc}{asn}",
            start=f"2024-{month:02}-{day:02} 10:00:00",
        )
        for cc in ("KH", "TH")
        for asn in (1, 2, 3)
        for month in (1,)
        for day in range(1, 31)
    ]
    daily = series(load([write_run(tmp_path / "run", lines, isp=None)]).measurements)
    whole = joint_changes(daily)
    assert set(whole["country"]) == {"KH", "TH"}
    pd.testing.assert_frame_equal(by_country(joint_changes, daily), whole)
    with cluster(client):
        there = by_country(joint_changes, daily)
    pd.testing.assert_frame_equal(whole, there)
    assert by_country(joint_changes, daily.iloc[:0]).empty


def test_the_command(client: Any, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [web("https://a.example/", "ok")])
    address = client.scheduler.address
    alone = here("analyse", "events", str(folder), "--json")
    there = here("analyse", "--cluster", address, "events", str(folder), "--json")
    assert (there.exit_code, there.stdout) == (0, alone.stdout)
    nobody = here("analyse", "--cluster", "nonsense://x", "events", str(folder))
    assert nobody.exit_code == 2 and "no cluster answers" in nobody.stderr
