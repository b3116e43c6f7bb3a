"""Where results lie: a run's folder, written so that nothing is lost, scrubbed before it is written."""

from gatewatch.store.evidence import Evidence
from gatewatch.store.files import StoreFull
from gatewatch.store.folder import AlreadyMeasured, NotARun, RunFolder, create, open_for_resume
from gatewatch.store.lines import label, read
from gatewatch.store.locking import Locked, held, lock
from gatewatch.store.runs import RunInfo, default_root, list_runs
from gatewatch.store.scrub import SCRUBBED, Scrubber, Unscrubbable

__all__ = [
    "SCRUBBED",
    "AlreadyMeasured",
    "Evidence",
    "Locked",
    "NotARun",
    "RunFolder",
    "RunInfo",
    "Scrubber",
    "StoreFull",
    "Unscrubbable",
    "create",
    "default_root",
    "held",
    "label",
    "list_runs",
    "lock",
    "open_for_resume",
    "read",
]
