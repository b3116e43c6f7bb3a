"""Sizes and times in words.  Digits are Western in all five languages, as in the files."""

from __future__ import annotations

from gatewatch.words.speech import count, say

_MINUTE, _HOUR = 60, 3600


def size(number: float) -> str:
    """A number of bytes; the units are the same in every language (SI, IEC 80000-13)."""
    for unit, digits in (("B", 0), ("kB", 0), ("MB", 1), ("GB", 1)):
        if number < 1000 or unit == "GB":
            return f"{number:.{digits}f} {unit}"
        number /= 1000
    raise AssertionError("the last unit takes everything")


def duration(seconds: float) -> str:
    """A time, as coarse as is of use: seconds below two minutes, minutes below two hours, then hours."""
    if seconds < 2 * _MINUTE:
        return count("{n} second", "{n} seconds", max(1, round(seconds)))
    if seconds < 2 * _HOUR:
        return count("{n} minute", "{n} minutes", round(seconds / _MINUTE))
    return count("{n} hour", "{n} hours", round(seconds / _HOUR))


def between(low: float, high: float) -> str:
    """A time that is known to lie between two others, in the larger one's unit."""
    if high < 2 * _MINUTE:
        first, last = max(1, round(low)), max(1, round(high))
        if first == last:
            return duration(high)
        return say("{low} to {high} seconds", low=first, high=last)
    unit = _MINUTE if high < 2 * _HOUR else _HOUR
    first, last = max(0, round(low / unit)), max(1, round(high / unit))
    if first == last:
        return duration(high)
    if first == 0:
        # Less than half a minute, or half an hour, is possible.
        if unit == _MINUTE:
            return count("up to {n} minute", "up to {n} minutes", last)
        return count("up to {n} hour", "up to {n} hours", last)
    if unit == _MINUTE:
        return say("{low} to {high} minutes", low=first, high=last)
    return say("{low} to {high} hours", low=first, high=last)
