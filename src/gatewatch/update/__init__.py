"""What we know stays current: lists, signs and tables of others, fetched when somebody asks for it.

Nothing large is bundled and everything works, with less, without any of it.  A data set lies in the data
folder beside a small file that says its version, licence, date, source and checksum; that file is written
last and in one step, so that whatever goes wrong while fetching, the old data are still there, whole.
"""

from gatewatch.update.catalogue import Dataset, Mirror, datasets
from gatewatch.update.download import Refused, Unreachable
from gatewatch.update.refresh import Outcome, refresh
from gatewatch.update.shelf import Installed, Shelf, data_folder, installed

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
