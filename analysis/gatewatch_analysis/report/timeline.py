"""What is told of events: steps with their placebo dates, ISPs that changed together, predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gatewatch_analysis.events import (
    by_target,
    counted,
    evaluate,
    event_answers,
    interruptions,
    joint_changes,
)
from gatewatch_analysis.events.series import Division
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.report.overview import rows, whereabouts
from gatewatch_analysis.report.text import country_of, part, percent, told, whole
from gatewatch_analysis.scale import by_country
from gatewatch_analysis.tables import Evaluations
from gatewatch_targets.events import Event


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every table about time (:mod:`gatewatch_analysis.tables.events`)."""

    steps: pd.DataFrame
    answers: pd.DataFrame
    joint: pd.DataFrame
    predictions: pd.DataFrame


def analyse(
    dataset: Dataset,
    prefixes: Iterable[Path] = (),
    otherwise: Callable[[], Whereabouts | None] = lambda: None,
    *,
    by: Division = "layer",
    operation: date | None = None,
    events: Sequence[Event] | None = None,
) -> Timeline:
    """Compute the tables; ``prefixes`` and ``otherwise`` as :func:`.overview.analyse` takes them.

    ``events`` are those of :mod:`gatewatch_targets.events` unless others are given.
    """
    targets = by_target(dataset.measurements, by)
    daily = counted(targets)
    steps = by_country(partial(interruptions, events=events), daily, targets)
    addresses, _ = whereabouts(dataset, prefixes, otherwise)
    labs = sorted(dataset.measurements["lab"].unique())
    held = [evaluate(dataset, addresses, operation=operation, lab=bool(lab)) for lab in labs]
    predictions = pd.concat(held, ignore_index=True) if held else Evaluations.frame([])
    joint = by_country(partial(joint_changes, events=events), daily, targets)
    return Timeline(steps, event_answers(steps, events), joint, predictions)


def to_json(found: Timeline) -> dict[str, Any]:
    """Give one object with the rows of every table."""
    return {
        "interruptions": rows(found.steps),
        "event_answers": rows(found.answers),
        "joint_changes": rows(found.joint),
        "evaluations": rows(found.predictions),
    }


def to_text(found: Timeline) -> str:
    """Write it for people."""
    return whole(
        [
            part("Steps at events, ISPs together", _answers(found.answers), "No event lies within the data."),
            part("Steps at events, by ISP, beside dates without one", _steps(found.steps), ""),
            part("ISPs that changed together", _joint(found.joint), "No ISPs changed together."),
            part("Predictions registered before the data", _held(found.predictions), ""),
        ]
    )


def _answers(frame: pd.DataFrame) -> str:
    shown = [
        (country_of(r), r["event"], r["subject"], r["expects"], r["isps"], r["up"], r["down"], r["answer"])
        for _, r in frame[frame["answer"] != "cannot tell"].iterrows()
    ]
    heading = ("country", "event", "of", "expects", "ISPs", "up", "down", "answer")
    return told(heading, shown)


def _steps(frame: pd.DataFrame) -> str:
    seen = frame[frame["outcome"].isin(["up", "down"])]
    shown = [
        (
            *(country_of(r), r["isp"], r["event"], r["subject"], percent(r["level"])),
            *(percent(r["low"]), percent(r["high"]), r["placebos"], percent(r["placebo_largest"])),
        )
        for _, r in seen.iterrows()
    ]
    heading = ("country", "ISP", "event", "of", "step", "95 % from", "to", "placebo dates", "largest there")
    return told(heading, shown)


def _joint(frame: pd.DataFrame) -> str:
    shown = [
        (
            *(
                country_of(r),
                r["subject"],
                f"{r['low']:%Y-%m-%d}",
                f"{r['high']:%Y-%m-%d}",
                r["isps"],
                r["of"],
            ),
            *(r["direction"], r["closeness"], r["event"], percent(r["chance"])),
        )
        for _, r in frame.iterrows()
    ]
    heading = (
        "country",
        "of",
        "from",
        "to",
        "ISPs",
        "of",
        "way",
        "closeness",
        "event",
        "days near any event",
    )
    return told(heading, shown)


def _held(frame: pd.DataFrame) -> str:
    shown = [
        (r["prediction"], country_of(r), r["state"], r["isps"], r["measured"]) for _, r in frame.iterrows()
    ]
    return told(("prediction", "country", "state", "ISPs", "measured"), shown)
