"""A table to fetch, a shelf to put it on, and the call that tests of updating make."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime

from tests.worlds.publisher import Answer, Publisher

from gatewatch.update import Dataset, Outcome, Shelf, datasets, refresh
from gatewatch.update.download import Session
from gatewatch.whereabouts import PrefixTable

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OLDER, NEWER = "Mon, 02 Nov 2026 00:00:00 GMT", "Fri, 20 Nov 2026 00:00:00 GMT"
TSV = "".join(f"36.{n}.0.0\t36.{n}.255.255\t{38000 + n}\tKH\tNetwork {n}\n" for n in range(40))


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def table(server: Publisher, *paths: str, **changes: object) -> Dataset:
    builtin = datasets()["ip-to-as"]
    mirrors = tuple({"data": server.base + path} for path in paths or ("/a",))
    return replace(builtin, mirrors=mirrors, least=10, **changes)  # type: ignore[arg-type]


def run(dataset: Dataset, shelf: Shelf, **more: object) -> Outcome:
    with Session() as session:
        # Straight to the loopback, whatever proxy this machine has.
        session.trust_env = False
        return refresh(dataset, shelf, session, now=lambda: NOW, sleep=lambda _: None, **more)  # type: ignore[arg-type]


def first(server: Publisher, shelf: Shelf) -> None:
    server.answers["/a"] = Answer(packed(TSV), modified=OLDER, etag='"one"')
    assert run(table(server), shelf).state == "updated"


def in_use(shelf: Shelf) -> str:
    found = shelf.installed("ip-to-as")
    assert found is not None and shelf.whole(found)
    prefix = PrefixTable.load(shelf.path(found)).lookup("36.1.2.3")
    return prefix.name if prefix else ""
