"""One run with one fault, from inside the lab: ``python -m benchmarks.machine.inside FAULT``.

Prints one JSON object: how the run ended, what is in its records, and what the user was told.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

from benchmarks.labrun import environment, real_lists
from benchmarks.machine import faults
from benchmarks.machine.clocks import Clocks
from benchmarks.machine.group import Group
from benchmarks.machine.harm import Interface
from gatewatch.lab.country.scenario import load
from gatewatch.records import TIME_FORMAT
from gatewatch.store import read

# Measurements stored before the fault: then some are under way.
_BEFORE = 2
# Nothing here takes longer, unless it hangs.
_PATIENCE = 100.0
# Bars and colours of a terminal.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Going:
    """A run that goes on, and what may be done to it."""

    def __init__(self, root: Path, clocks: Clocks | None) -> None:
        self.root = root
        self._clocks = clocks
        self.interface: Interface = Interface()
        self.terminal = -1
        #: When the fault began, as records have times.
        self.struck = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The run's process."""
        assert self.process is not None
        return self.process.pid

    @property
    def clocks(self) -> Clocks:
        """The run's clocks."""
        assert self._clocks is not None
        return self._clocks

    def stop(self) -> None:
        """Stop the process where it stands."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wait_for_work(self, count: int) -> None:
        """Wait until so many measurements are stored, or the run has ended."""
        until = time.monotonic() + _PATIENCE
        while self.process is not None and self.process.poll() is None and time.monotonic() < until:
            files = list(self.root.glob("*/measurements.jsonl"))
            if files and files[0].read_bytes().count(b"\n") >= count:
                return
            time.sleep(0.02)


def once(fault: faults.Fault, folder: Path) -> dict[str, Any]:
    """Make the run, do the fault to it, resume it if it ended before its plan, and look at its records."""
    root = folder / "runs"
    clocks = Clocks(folder) if fault.clocks else None
    going = Going(root, clocks)
    if fault.lists:
        what = real_lists(*fault.lists)
    else:
        targets = folder / "targets.txt"
        targets.write_text("\n".join(_innocent(fault)), encoding="ascii")
        what = ("--targets", str(targets))
    run = ["run", *what, "--traces", "0", "--seed", "1", "--rate", str(fault.rate), "--root", str(root)]
    told = _gatewatch(going, fault, run, folder)
    found = next(root.glob("*/plan.json"), None)
    if found is None:
        return {"state": None, "code": told["code"], "told": told["told"]}
    first = json.loads((found.parent / "run.json").read_text())
    ended = {"state": first.get("state"), **told}
    if fault.elsewhere:
        late = [json.loads(line)["measurement_start_time"] for line in read(found.parent)]
        ended["elsewhere"] = sum(1 for start in late if start > going.struck)
        going.interface.up()
    if first.get("state") != "done":
        calm = faults.Fault("resumed", "", environment={"TZ": "America/New_York"})
        ended["resumed"] = _gatewatch(going, calm, ["run", "--resume", str(found.parent)], folder)["code"]
    about = json.loads((found.parent / "run.json").read_text())
    planned = {item["id"] for item in json.loads(found.read_text())["items"]}
    records = [json.loads(line) for line in read(found.parent)]
    return {
        **ended,
        "planned": len(planned),
        "measured": len(records),
        **_judged(planned, records),
        "skipped": about.get("skipped", [])[:3],
        "line": about.get("line"),
        "machine": about.get("machine"),
        "peak_rss_mb": about.get("peak_rss_mb"),
    }


def _innocent(fault: faults.Fault) -> list[str]:
    """Names that no box of the provider acts on."""
    scenario, isp = fault.where
    boxes = load(scenario).isp(isp).boxes
    names = (f"site-{n}.machine-bench.net" for n in count())
    return list(islice((name for name in names if not any(box.matches(name) for box in boxes)), fault.sites))


def _judged(planned: set[str], records: list[dict[str, Any]]) -> dict[str, Any]:
    """Count what must be nothing: no site of this provider is blocked, down, or hard to tell."""
    items = Counter(record["x_gatewatch_item"] for record in records)
    labels = Counter(record["x_gatewatch_verdict"]["status"] for record in records)
    rules = Counter(
        record["x_gatewatch_verdict"]["rule"]
        for record in records
        if record["x_gatewatch_verdict"]["status"] != "ok"
    )
    years = Counter(record["measurement_start_time"][:4] for record in records)
    return {
        "lost": len(planned - set(items)),
        "twice": sum(times - 1 for times in items.values()),
        "blocked": labels["blocked"],
        "unsure": len(records) - labels["ok"] - labels["blocked"],
        "not_ok": dict(rules.most_common(4)),
        "years": dict(years),
        # A run takes minutes.
        "misdated": len(records) - max(years.values(), default=0),
    }


def _gatewatch(going: Going, fault: faults.Fault, words: list[str], folder: Path) -> dict[str, Any]:
    """Run gatewatch through a fault; gives its exit code, and what it said on stderr."""
    command = [sys.executable, "-m", "gatewatch", *words]
    variables = {**environment(), "GATEWATCH_LANG": "en", "COLUMNS": "200", **fault.environment}
    variables |= going.clocks.environment() if fault.clocks else {}
    said = folder / "said.txt"
    with contextlib.ExitStack() as stack, said.open("wb") as err, (folder / "out.txt").open("wb") as out:
        stdout: Any = out
        if fault.stdout == "broken":
            reader, stdout = os.pipe()
            os.close(reader)
            stack.callback(os.close, stdout)
        group = stack.enter_context(Group(fault.memory)) if fault.memory else None
        before = group.join if group else _before(fault)
        if fault.terminal:
            going.terminal, mine = faults.terminal()
            going.process = subprocess.Popen(
                command, env=variables | {"TERM": "xterm"}, stdin=mine, stdout=mine, stderr=mine,
                start_new_session=True, preexec_fn=lambda: _own_terminal(before),
            )  # fmt: skip
            os.close(mine)
        else:
            going.process = subprocess.Popen(
                command, env=variables, stdin=subprocess.DEVNULL, stdout=stdout, stderr=err, preexec_fn=before
            )
        try:
            going.wait_for_work(_BEFORE)
            going.struck = datetime.now(UTC).strftime(TIME_FORMAT)
            if going.process.poll() is None:
                fault.act(going)
            code = going.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if going.process.poll() is None:
                going.process.kill()
                going.process.wait()
        used = {"group": {"peak_mb": group.peak_mb(), "killed": group.killed()}} if group else {}
    text = _CONTROL.sub("", said.read_text(encoding="utf-8", errors="replace"))
    return {"code": code, "told": [line.strip() for line in text.splitlines() if line.strip()], **used}


def _before(fault: faults.Fault) -> Any:
    if fault.stdout == "closed":
        return lambda: os.close(1)
    return fault.before


def _own_terminal(before: Any) -> None:
    if before is not None:
        before()
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def main(name: str, sites: str) -> None:
    """Do one fault and print what came of it."""
    (fault,) = (replace(each, sites=int(sites)) for each in faults.FAULTS if each.name == name)
    with tempfile.TemporaryDirectory(prefix="gatewatch-machine-") as folder:
        print(json.dumps({"fault": name, **once(fault, Path(folder))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
