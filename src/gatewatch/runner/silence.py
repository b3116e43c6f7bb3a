"""A line on which nothing answered, written down: that somebody tried, and met silence.

A run that finds no network measures nothing.  Were nothing kept of it, a shutdown would look like a volunteer
who lost interest.  So what the look at the line tried (public resolvers and pages that are always there) is
stored as measurements of a test of its own, ``line``: they say of no site that it is blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatewatch import __version__
from gatewatch.net.journal import Journal
from gatewatch.records import TIME_FORMAT, Measurement, dumps
from gatewatch.runner.about import Vantage, engine
from gatewatch.store import RunFolder, Scrubber

TEST = "line"
_VERSION = "0.1.0"
#: What such a measurement says of what it tried: nothing.
VERDICT = {
    "status": "inconclusive",
    "layer": None,
    "method": None,
    "label": "inconclusive(no_network)",
    "rule": "line.silent",
    "evidence": ["nothing that was tried on this line answered"],
    "confidence": 1.0,
}


@dataclass(frozen=True, slots=True)
class Silence:
    """What a look at a silent line tried, by what was asked; :meth:`keep` makes a run's folder of it."""

    tried: Mapping[str, Journal]
    vantage: Vantage
    scrubber: Scrubber
    at: datetime
    took: float
    folder: Callable[[], RunFolder]

    def keep(self) -> Path:
        """Write it down; raises StoreFull and OSError."""
        folder = self.folder()
        started = self.at.strftime(TIME_FORMAT)
        try:
            for number, (asked, journal) in enumerate(sorted(self.tried.items()), 1):
                item = f"{TEST}-{number}"
                found = Measurement(
                    annotations=engine(self.vantage),
                    id=f"{folder.id}/{item}",
                    input=asked,
                    measurement_start_time=started,
                    probe_asn=f"AS{self.vantage.asn}",
                    probe_cc=self.vantage.country,
                    probe_network_name=self.vantage.isp,
                    software_version=__version__,
                    test_keys=journal.keys(),
                    test_name=TEST,
                    test_runtime=self.took,
                    test_start_time=started,
                    test_version=_VERSION,
                    x_gatewatch_item=item,
                    x_gatewatch_verdict=VERDICT,
                )
                folder.append(item, dumps(self.scrubber.measurement(found)))
        finally:
            folder.close("no_network")
        return folder.path
