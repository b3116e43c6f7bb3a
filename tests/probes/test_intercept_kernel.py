"""intercept with the kernel's own sockets and error queue, in a namespace of the lab."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from gatewatch.lab import kernel

# Each of them a box at another hop of the same way; the fourth router says nothing.
BOXES = {
    "": ("none", None, None, None),
    "proxy at 3": ("proxy", 3, "36.37.128.1", "36.37.129.9"),
    "inject at 6": ("injector", 6, "36.37.130.14", "104.23.10.5"),
}
MEASURE = """
import json, trio
from gatewatch.net.wire import Wire
from gatewatch.runner.probes import load
from gatewatch_targets import Target

async def main():
    keys = await load("intercept").measure(Target("https://www.rfa.org/"), Wire())
    found = keys.extra["x_gatewatch_intercept"]
    wanted = "kind", "hop", "before", "after", "packets", "transports", "evidence"
    print(json.dumps([found[key] for key in wanted]))

trio.run(main)
"""


@pytest.mark.parametrize("named", BOXES)
def test_with_the_kernels_own_error_queue(named: str, tmp_path: Path) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    text = (resources.files("gatewatch.lab") / "scenarios" / "small.toml").read_text("utf-8")
    kind, _, hop = named.partition(" at ")
    box = (
        f'\n[[isp.box]]\nkind = "dns-{kind}"\nmethod = "redirect"\naddress = "202.58.101.80"\n'
        f'hop = {hop}\ndomains = ["rfa.org"]\nresolvers = "all"\n'
    )
    first = '[[isp.box]]\n  kind = "dns-lie"'
    assert first in text
    scenario = tmp_path / "one.toml"
    scenario.write_text(text.replace(first, (box if kind else "") + first, 1))
    done = subprocess.run(
        kernel.argv(str(scenario), "blocked", [sys.executable, "-c", MEASURE]),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *said, packets, transports, evidence = json.loads(done.stdout)
    assert tuple(said) == BOXES[named], evidence
    assert packets <= 40
    assert transports == {"tcp": "same", "dot": "same", "doh": "same"}
