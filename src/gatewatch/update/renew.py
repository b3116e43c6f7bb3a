"""One data set brought up to date: ask the mirrors in turn, check, convert, and only then replace."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from gatewatch.store.files import StoreFull
from gatewatch.update.catalogue import DATA, Dataset, Mirror
from gatewatch.update.convert import Converted, convert, iso
from gatewatch.update.download import Fetched, Incomplete, Refused, Session, Unreachable, download
from gatewatch.update.shelf import Installed, Shelf
from gatewatch.update.unpack import whole
from gatewatch.whereabouts import About

State = Literal["updated", "waiting", "current", "kept", "failed", "unreachable", "full", "terms"]
# A date further ahead than this is wrong, and would keep all later versions out.
_AHEAD = timedelta(days=2)
# A new version that has lost more than this share of its entries was cut off somewhere.
_SHRUNK = 0.5
# Data sets of many small files: how many at most, and seconds between two, for the server's sake.
_MOST_FILES, _BETWEEN = 1500, 0.25
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a data set.  ``kept``: the new one was no better, and the old stays in use."""

    name: str
    state: State
    text: str
    installed: Installed | None = None


Told = Callable[[str, int, int | None], None]


def refresh(
    dataset: Dataset,
    shelf: Shelf,
    session: Session,
    *,
    force: bool = False,
    review: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    told: Told = lambda _name, _done, _total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Bring a data set up to date; whatever goes wrong, what was in use stays in use.

    ``force`` accepts older and much smaller versions.  ``review`` lets a new version wait instead of taking
    it into use.  ``told`` hears of a name and bytes.  Raises nothing but programming errors and OSError for a
    folder that cannot be written.
    """
    old = shelf.installed(dataset.name)
    if dataset.terms and shelf.accepted().get(dataset.name) != dataset.terms:
        text = f"read {dataset.terms}, then: gatewatch update --accept-terms {dataset.name}"
        return Outcome(dataset.name, "terms", text, old)
    faults: list[tuple[State, str]] = []
    job = _Job(dataset, shelf, session, old, force, review, now, told, sleep)
    for mirror in dataset.mirrors:
        try:
            return job.run(mirror)
        except Unreachable as error:
            faults.append(("unreachable", str(error)))
        except _Kept as error:
            faults.append(("kept", str(error)))
        except Refused as error:
            faults.append(("failed", str(error)))
        except StoreFull as error:
            # Another mirror would not make room; what was fetched so far only takes more of it.
            shelf.forget_partial(dataset.name)
            return Outcome(dataset.name, "full", f"the disk is full ({error})", old)
    # If one mirror answered, that is the better story than that another did not.
    told_of = [fault for fault in faults if fault[0] != "unreachable"] or faults
    state = "kept" if any(fault[0] == "kept" for fault in told_of) else told_of[0][0]
    return Outcome(dataset.name, state, "; ".join(dict.fromkeys(text for _, text in told_of)), old)


class _Kept(Refused):
    """What came is whole, but no better than what is in use."""


@dataclass(frozen=True, slots=True)
class _Job:
    dataset: Dataset
    shelf: Shelf
    session: Session
    old: Installed | None
    force: bool
    review: bool
    now: Callable[[], datetime]
    told: Told
    sleep: Callable[[float], None]

    def run(self, mirror: Mirror) -> Outcome:
        """Fetch, check, convert and put away, from one mirror."""
        name, now = self.dataset.name, self.now()
        fetched: dict[str, Fetched] = {}
        try:
            for part, url in mirror.items():
                fetched[part] = self._fetch(part, url, now)
            if all(f.unchanged for f in fetched.values()):
                assert self.old is not None
                self.shelf.touch(self.old, iso(now))
                return Outcome(name, "current", f"nothing newer than {self.old.version}", self.old)
            if self.dataset.each:
                self._each(fetched)
            first = next(iter(fetched.values()))
            modified = _sane(_http_date(first.modified), now)
            about = About(name, "", self.dataset.licence, modified or iso(now), first.url)
            made = convert(self.dataset, {part: f.path for part, f in fetched.items()}, about)
            outcome = self._put(first, made, modified, now)
        except Incomplete:
            raise
        except Refused:
            # Never resumed: what is wrong once stays wrong.
            self.shelf.forget_partial(name)
            raise
        self.shelf.forget_partial(name)
        return outcome

    def _fetch(self, part: str, url: str, now: datetime) -> Fetched:
        months = [now, now.replace(day=1) - timedelta(days=1)] if "{month}" in url else [now]
        for place, month in enumerate(months):
            address = url.replace("{month}", month.strftime("%Y-%m"))
            tag = self._tag(address)
            try:
                found = download(
                    self.session,
                    address,
                    self.shelf.partial(self.dataset.name, part),
                    most=self.dataset.most,
                    etag=tag,
                    told=lambda done, total: self.told(self.dataset.name, done, total),
                    sleep=self.sleep,
                )
            except Refused as error:
                if place + 1 < len(months) and "status 404" in str(error):
                    continue
                raise
            pinned = self.dataset.sha256 if part == DATA and not found.unchanged else ""
            if pinned and found.sha256 != pinned:
                raise Refused(f"the checksum is {found.sha256[:12]}..., not {self.dataset.sha256[:12]}...")
            return found
        raise AssertionError("months are never none")

    def _tag(self, address: str) -> str:
        """Give the tag of what is in use, where it came from this address and is whole."""
        old = self.old
        if old is None or old.source != address or len(self.dataset.mirrors[0]) > 1 or self.force:
            return ""
        return old.etag if self.shelf.whole(old) else ""

    def _each(self, fetched: dict[str, Fetched]) -> None:
        """Fetch the file of every entry of the part ``list``; those that are here already stay."""
        try:
            ids = [item["id"] for item in json.loads(whole(fetched["list"].path, self.dataset.unpacked))]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise Refused("its list is of another form") from None
        if len(ids) > _MOST_FILES or not all(isinstance(id_, str) and _ID.fullmatch(id_) for id_ in ids):
            raise Refused("its list has names that are none, or too many")
        for id_ in ids:
            to = self.shelf.partial(self.dataset.name, f"each-{id_}")
            url = self.dataset.each.replace("{id}", id_)
            if to.exists() and not to.with_name(to.name + ".about").exists():
                fetched[f"each-{id_}"] = Fetched(to, url)
                continue
            fetched[f"each-{id_}"] = download(self.session, url, to, most=self.dataset.most, sleep=self.sleep)
            # Whole; only unfinished ones have a note.
            to.with_name(to.name + ".about").unlink()
            self.sleep(_BETWEEN)

    def _put(self, first: Fetched, made: Converted, modified: str, now: datetime) -> Outcome:
        dataset, old = self.dataset, self.old
        dated = _sane(made.dated, now)
        date, dated_by = (
            (dated, "content") if dated else (modified, "server") if modified else (iso(now), "fetching")
        )
        if made.entries < dataset.least:
            raise Refused(f"it has {made.entries} entries, and at least {dataset.least} are expected")
        if old is not None and not self.force:
            _no_worse(old, date, dated_by, made.entries)
        new = Installed(
            name=dataset.name,
            title=dataset.title,
            kind=dataset.kind,
            version=date,
            licence=dataset.licence,
            attribution=dataset.attribution,
            date=date,
            dated_by=dated_by,
            source=first.url,
            fetched=iso(now),
            file="",
            sha256="",
            bytes=0,
            entries=made.entries,
            etag=first.etag,
        )
        waiting = self.review
        was_whole = old is not None and self.shelf.whole(old)
        done = self.shelf.put(new, made.content, dataset.suffix, waiting=waiting)
        if old is not None and was_whole and done.sha256 == old.sha256:
            if waiting:
                self.shelf.drop(dataset.name)
                self.shelf.touch(old, iso(now))
            return Outcome(dataset.name, "current", f"the same as before, of {date}", old)
        text = f"{made.entries:,} entries of {date}"
        return Outcome(dataset.name, "waiting" if waiting else "updated", text, done)


def _no_worse(old: Installed, date: str, dated_by: str, entries: int) -> None:
    """Raise where what came is older than what is in use, cannot be told from it, or was cut off."""
    if dated_by == "fetching" and old.dated_by != "fetching":
        raise _Kept(
            f"what came bears no date; what is in use is of {old.date} (--force takes it all the same)"
        )
    if dated_by != "fetching" and old.dated_by != "fetching" and _day(date) < _day(old.date):
        raise _Kept(f"what came is of {date}, older than what is in use, of {old.date}")
    if entries < old.entries * _SHRUNK:
        raise _Kept(f"what came has {entries:,} entries; what is in use, {old.entries:,} (--force takes it)")


def _day(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _http_date(text: str) -> str:
    try:
        return iso(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return ""


def _sane(text: str, now: datetime) -> str:
    """Give a date that may be true, or nothing."""
    with suppress(ValueError):
        if text and _day(text) <= now + _AHEAD:
            return text
    return ""
