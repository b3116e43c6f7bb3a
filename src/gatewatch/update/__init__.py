"""What we know stays current: lists, signs and tables of others, fetched when somebody asks for it.

Nothing large is bundled and everything works, with less, without any of it.  A data set lies in the data
folder beside a small file that says its version, licence, date, source and checksum; that file is written
last and in one step, so that whatever goes wrong while fetching, the old data are still there, whole.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatewatch.update.catalogue import Dataset, Mirror, datasets
from gatewatch.update.shelf import Installed, Shelf, data_folder, installed

if TYPE_CHECKING:
    from gatewatch.update.download import Refused, Unreachable
    from gatewatch.update.renew import Outcome, refresh

__all__ = [
    "Dataset",
    "Installed",
    "Mirror",
    "Outcome",
    "Refused",
    "Shelf",
    "Unreachable",
    "data_folder",
    "datasets",
    "installed",
    "refresh",
]
# What fetches loads requests (6 MB), which a run that only looks on the shelf never needs.
_FETCHING = {"Refused": "download", "Unreachable": "download", "Outcome": "renew", "refresh": "renew"}


def __getattr__(name: str) -> Any:
    if name not in _FETCHING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FETCHING[name]}"), name)
