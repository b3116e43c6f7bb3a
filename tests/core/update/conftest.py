from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds.publisher import Publisher, publisher

from gatewatch.update import Shelf


@pytest.fixture
def server() -> Iterator[Publisher]:
    with publisher() as told:
        yield told


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data")
