"""Uploading for a year: nobody's login, nothing refused or unreadable holds the rest up for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worlds import spool
from tests.worlds.collector import Collector, collector
from tests.worlds.netrc import everywhere

from gatewatch.upload import config
from gatewatch.upload.config import Destination, Protocol
from gatewatch.upload.deliver import deliver


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as running:
        yield running


def to(there: Collector, protocol: Protocol = "submit") -> Destination:
    return replace(config.collector(there.url, protocol), lab=True)


@pytest.mark.parametrize("protocol", ["submit", "report"])
def test_nobodys_login_is_sent(
    tmp_path: Path, there: Collector, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere(tmp_path, monkeypatch)
    spool.run(tmp_path, 2)
    assert deliver(tmp_path, [to(there, protocol)], within=10)[0].stored == 2
    assert there.requests and not any(b"authorization" in each.lower() for each in there.requests)
