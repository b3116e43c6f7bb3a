"""Predictions that were written down before the data, and cannot be changed after.

A prediction that fits what was found is worth something only if it is older than the finding.  Each has a
digest in predictions.sha256; the loader refuses a prediction whose text is another, one that has no digest,
and a digest whose prediction is gone.  ``python -m gatewatch_targets.predictions`` prints the digests, so
that one can be added; the old ones stand in a test as well, and in the history of the repository.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from .dates import Span, parse_span
from .events import events
from .reference import open_data
from .rows import DataError, Problem, lines
from .text import COUNTRY, quote
from .tree import Node, read_tree

_FILE, _DIGESTS = "predictions.toml", "predictions.sha256"
_KEYS = (
    "registered", "countries", "after", "claim", "measure", "expected", "against", "source", "replaces",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected to be found ``after`` an event, before anybody has looked.

    ``registered``: the day.  ``after``: id of an event of the timeline, or in words one to come.
    ``measure``: what is computed.  ``expected`` and ``against``: what would speak for the claim, and what
    against it.  ``replaces``: id of an older prediction that this one betters, or empty; the older one stays.
    ``digest``: SHA-256 of all of it.
    """

    id: str
    registered: Span
    countries: tuple[str, ...]
    after: str
    claim: str
    measure: str
    expected: str
    against: str
    source: str
    replaces: str
    digest: str

    @property
    def is_placebo(self) -> bool:
        """Whether it says that nothing will be found."""
        event = next((event for event in events() if event.id == self.after), None)
        return event is not None and event.expects == "nothing"


@lru_cache(maxsize=1)
def predictions() -> Mapping[str, Prediction]:
    """Give all predictions by id; raises :class:`~gatewatch_targets.rows.DataError`."""
    with open_data(_FILE) as stream:
        found = parse_predictions(read_tree(stream, _FILE))
    check(found, digests())
    return found


def parse_predictions(tree: Node) -> Mapping[str, Prediction]:
    """Read the table, without comparing it with what was registered."""
    found: dict[str, Prediction] = {}
    for key, node in tree.tables():
        node.only(*_KEYS)
        for item in node.get("countries").items():
            if not COUNTRY.fullmatch(item.as_text()):
                raise item.error(f"{quote(item.as_text())} is not a two-letter country code")
        replaces = node.text("replaces", "")
        if replaces and replaces not in found:
            raise node.get("replaces").error(f"{quote(replaces)} is not a prediction above this one")
        found[key] = Prediction(
            id=key,
            registered=_day(node),
            countries=node.texts("countries"),
            after=node.text("after"),
            claim=node.text("claim"),
            measure=node.text("measure"),
            expected=node.text("expected"),
            against=node.text("against"),
            source=node.sources(),
            replaces=replaces,
            digest=_digest(key, node),
        )
    return MappingProxyType(found)


def check(found: Mapping[str, Prediction], registered: Mapping[str, str]) -> None:
    """Compare predictions with the digests registered; raises DataError for any that is not as it was."""
    for key, prediction in found.items():
        if key not in registered:
            raise DataError(Problem(_FILE, 0, key, f"has no digest in {_DIGESTS}"))
        if registered[key] != prediction.digest:
            raise DataError(Problem(_FILE, 0, key, "was changed after it had been registered: add a new one"))
    if gone := [key for key in registered if key not in found]:
        raise DataError(Problem(_FILE, 0, gone[0], "was registered and is gone: put it back"))


@lru_cache(maxsize=1)
def digests() -> Mapping[str, str]:
    """Give the digests registered, by prediction."""

    def fail(problem: Problem) -> None:
        raise DataError(problem)

    found: dict[str, str] = {}
    with open_data(_DIGESTS) as stream:
        for number, line in lines(stream, _DIGESTS, fail):
            digest, _, key = line.partition("  ")
            if len(digest) != 64 or not key or key in found:
                raise DataError(Problem(_DIGESTS, number, "line", "is not a digest, two spaces and a new id"))
            found[key] = digest
    return MappingProxyType(found)


def _day(node: Node) -> Span:
    try:
        day = parse_span(node.text("registered"))
    except ValueError as error:
        raise node.get("registered").error(str(error)) from None
    if day.precision != "day":
        raise node.get("registered").error(f"{quote(str(day))} is not a day")
    return day


def _digest(key: str, node: Node) -> str:
    """Hash the id and every field in a fixed order and form, so that layout and key order do not matter."""
    values = {name: node.get(name).value for name in _KEYS if node.has(name)}
    text = json.dumps([key, values], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def main() -> None:
    """Print the digests of the table as it is."""
    with open_data(_FILE) as stream:
        for key, prediction in parse_predictions(read_tree(stream, _FILE)).items():
            print(f"{prediction.digest}  {key}")


if __name__ == "__main__":
    main()
