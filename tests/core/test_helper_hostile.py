"""The benchmark `hostile` in small: real sockets, real hostility, one helper that goes on serving."""

import pytest
from benchmarks.hostile import MEMORY_MB, attack

from gatewatch.lab import kernel


def test_a_hundred_hostile_requests_and_a_good_one() -> None:
    pytest.importorskip("hypercorn", reason="the helper needs hypercorn: pip install 'gatewatch[helper]'")
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    result = attack(100, quick=True)
    assert result["wrong"] == [] and result["requests"] == 100
    assert result["good_served"] == result["good_asked"] >= 1
    assert 20 < result["vmhwm_mb"] < MEMORY_MB and result["exit_code"] == 0
    # All connections are closed: what is left are the process's own files.
    assert result["files"] < 20
