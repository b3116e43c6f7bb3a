"""Every parser of measurements, archives and our own files, with mutated inputs: benchmarks.fuzz in small."""

from __future__ import annotations

import sys

import pytest
from tests.worlds.fuzzing import names, try_out

if sys.platform == "win32":
    pytest.skip("the campaign watches processor time by signals", allow_module_level=True)


@pytest.mark.parametrize("name", names(analysis=True))
def test_a_parser_raises_only_what_it_declares(name: str) -> None:
    # A parser that calls everything rubbish would pass as well.
    assert len(try_out(name, 150)) > 1
