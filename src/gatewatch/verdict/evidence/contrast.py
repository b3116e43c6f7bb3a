"""What a ``contrast`` measurement says: on which ways a name is filtered, for each way of sending it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatewatch.records import Contrast, ContrastTrial, Measurement, decode
from gatewatch.verdict.evidence.hops import place as place_of
from gatewatch.verdict.words import NOT_LOOKED

TEST = "contrast"
METHODS = ("tls", "http", "dns")
_PLACES = ("home", "abroad")
#: What may be concluded of one way of sending the name.
FOREIGN_ONLY, BOTH, DOMESTIC_ONLY, NEITHER, CANNOT_TELL = (
    "foreign_only",
    "both",
    "domestic_only",
    "neither",
    "cannot_tell",
)
CONCLUSIONS = (FOREIGN_ONLY, BOTH, DOMESTIC_ONLY, NEITHER, CANNOT_TELL)
_BY_OUTCOME = {
    (False, True): FOREIGN_ONLY,
    (True, True): BOTH,
    (True, False): DOMESTIC_ONLY,
    (False, False): NEITHER,
}
ONCE = "cut once, and not shown again"
_CUT = ("reset", "eof", "timeout", "page")
# Three rounds of three methods at two places, and the controls before each with all their repeats.
_MOST = 512


def evidence(m: Measurement) -> dict[str, Any]:
    """Give the features: for each method the conclusion, how the name was cut, and why nothing is said."""
    raw = m.test_keys.extra.get("x_gatewatch_contrast") if m.test_keys else None
    found = decode(Contrast, raw)[0] if isinstance(raw, dict) else None
    trials = _trials(found) if found is not None else []
    missing = found.reason if found is not None and isinstance(found.reason, str) else ""
    features: dict[str, Any] = {
        "judged_test": True,
        "looked": bool(trials or missing),
        "host": place_of(m.input if isinstance(m.input, str) else "").host,
    }
    said = []
    for method in METHODS:
        conclusion, word, why = _method([t for t in trials if t.method == method], method, missing)
        features[f"contrast_{method}"] = conclusion
        features[f"contrast_{method}_word"] = word
        said.append(f"{method} {conclusion}" + (f" ({why})" if why else ""))
    features["contrast_said"] = ", ".join(said)
    features["contrast_missing"] = missing[:32]
    features["contrast_once"] = any(ONCE in words for words in said)
    return features


def _trials(found: Contrast) -> list[ContrastTrial]:
    rows = found.trials[:_MOST] if isinstance(found.trials, (list, tuple)) else ()
    return [
        t
        for t in rows
        if isinstance(t, ContrastTrial) and all(isinstance(v, str) for v in (t.method, t.place, t.outcome))
    ]


def _method(trials: Sequence[ContrastTrial], method: str, missing: str) -> tuple[str, str, str]:
    """Give the conclusion, the word for how the name was cut, and why nothing can be concluded."""
    if not trials:
        return (CANNOT_TELL, "", missing) if missing else (NOT_LOOKED, "", "")
    met: dict[str, bool | None] = {}
    words: list[str] = []
    whys: list[str] = []
    for place in _PLACES:
        met[place], word, why = _way([t for t in trials if t.place == place], method)
        words += [word] if word else []
        whys += [f"{place}: {why}"] if why else []
    home, abroad = met["home"], met["abroad"]
    if home is None or abroad is None:
        # What was cut on one way is still cut, whatever the other is.
        return CANNOT_TELL, words[0] if words else "", "; ".join(whys)
    return _BY_OUTCOME[home, abroad], words[0] if words else "", ""


def _way(trials: Sequence[ContrastTrial], method: str) -> tuple[bool | None, str, str]:
    """Tell whether the name met interference on one way: None for what cannot be told, with the reason."""
    outcomes = [t.outcome for t in trials if not t.control]
    if not outcomes:
        return None, "", "an innocuous name does not pass"
    bad = [o for o in outcomes if (o == "answered" if method == "dns" else o in _CUT)]
    good = [o for o in outcomes if o == ("silent" if method == "dns" else "answered")]
    if len(bad) > len(good) and len(bad) > 1:
        return True, max(set(bad), key=lambda o: (bad.count(o), o)), ""
    if good and len(good) > len(bad):
        return False, "", ""
    if bad:
        return None, "", ONCE
    return None, "", f"{outcomes[0]}"
