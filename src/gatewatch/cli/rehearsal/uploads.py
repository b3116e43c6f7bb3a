"""What became of uploads: what arrived, how often, what waits, and whether anything was lost on the way."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewatch.cli.rehearsal.findings import Row

if TYPE_CHECKING:
    from gatewatch.cli.rehearsal.machine import Place


@dataclass(frozen=True, slots=True)
class Uploads:
    """Counts of measurements.

    ``arrived``: at either end; ``again``: copies beyond the first; ``waiting``: on machines; ``held``: those
    that machines still have and need not send any more; ``lost``: of these, those that did not arrive.
    """

    arrived: int
    again: int
    waiting: int
    held: int
    lost: int

    def row(self, built: dict[str, Any]) -> Row:
        """Compare with what a dataset took of them; ``built`` is what `dataset build --json` prints."""
        found = (
            f"{self.arrived} arrived, {self.again} of them again; {built['measurements']} in the dataset; "
            f"{self.lost} of {self.held} that machines still have lost"
        )
        whole = (built["measurements"], built["copies"], built["aside"]) == (self.arrived, self.again, 0)
        return Row("uploads", "each there once", found, whole and not self.lost and self.arrived > 0)


def uploads(place: Place) -> Uploads:
    """Look through a rehearsal's folders."""
    from gatewatch.store import list_runs, read
    from gatewatch.store.uid import ANNOTATION, uid
    from gatewatch.upload import config
    from gatewatch.upload.ledger import Ledger
    from gatewatch.upload.spool import pending, waiting

    times: Counter[str] = Counter()
    for file in place.store.rglob("*.jsonl.gz"):
        times.update(uid(line) for line in _lines(file))
    for file in place.collected.glob("*.jsonl.gz"):
        times.update(json.loads(line)["annotations"][ANNOTATION] for line in _lines(file))
    left = held = lost = 0
    for root in (place.folder / "machines").iterdir():
        [there] = config.destinations(place.config(root.name))
        left += waiting(root, there).measurements
        for info in list_runs(root):
            waits = {name for name, _, _ in pending(info.path, there, Ledger.open(info.path, there.key))}
            sent = {uid(line) for line in read(info.path)} - waits
            held += len(sent)
            lost += len(sent - times.keys())
    return Uploads(len(times), times.total() - len(times), left, held, lost)


def _lines(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines()
