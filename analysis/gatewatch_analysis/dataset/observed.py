"""Observations of files of measurements and of datasets alike, for the analyses that look at the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gatewatch_analysis.dataset.layout import PROBLEMS
from gatewatch_analysis.dataset.loaded import prefixes_of
from gatewatch_analysis.dataset.reading import is_dataset, opened, read_table
from gatewatch_analysis.loading.observations import load_observations
from gatewatch_analysis.loading.sources import find
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Problems
from gatewatch_analysis.tables.base import CATEGORY


@dataclass(frozen=True, slots=True)
class Seen:
    """Observations and problems as their tables describe them, and the prefix tables that lie beside them."""

    observations: pd.DataFrame
    problems: pd.DataFrame
    prefixes: tuple[Path, ...]


def observed(
    paths: Iterable[str | Path],
    *,
    kinds: Sequence[str],
    columns: Sequence[str],
    wanted: Wanted = ALL,
    storage: Mapping[str, Any] | None = None,
) -> Seen:
    """Load the observations of these kinds, and these columns of them, wherever they lie."""
    given = list(paths)
    derived = [path for path in given if is_dataset(path, storage)]
    files = [path for path in given if path not in derived]
    asked = list(dict.fromkeys([*columns, "kind"]))
    frames, problems = [], []
    prefixes: dict[Path, None] = {}
    for path in derived:
        frame = read_table(path, "observations", wanted, columns=asked, storage=storage)
        frames.append(frame[frame["kind"].isin(list(kinds))])
        problems.append(read_table(path, PROBLEMS, storage=storage))
        prefixes |= dict.fromkeys(prefixes_of(*opened(path, storage)))
    if files or not derived:
        got = load_observations(files, wanted=wanted, kinds=kinds, columns=asked, storage=storage)
        frames.append(got.observations)
        problems.append(got.problems)
        for source in find(files, lambda *_: None, storage):
            if source.prefixes is not None:
                prefixes[source.prefixes] = None
    whole = pd.concat(frames, ignore_index=True)
    # Categories of several sources become text when joined.
    text = {name: CATEGORY for name in frames[0].columns if frames[0][name].dtype == CATEGORY}
    told = pd.concat([Problems.frame([]), *problems], ignore_index=True)
    return Seen(whole.astype(text), told, tuple(prefixes))
