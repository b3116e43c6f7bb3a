"""Which services are a country's own, and which of them its government's: by their names."""

from __future__ import annotations

import re

import pandas as pd

# The part of a country's domain that governments keep to themselves, as registries name it: gov.kh, go.th,
# gov.my, gov.np, gouv.fr, gob.mx, mil.my; parliament.uk and the like are missed.
_GOVERNMENT = frozenset({"gov", "go", "gob", "gouv", "govt", "mil"})
_NAME = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")


def is_domestic(domain: str, country: str) -> bool:
    """Tell whether a name is under the country's own top-level domain."""
    top = {"GB": "uk"}.get(country, country.lower())
    return bool(_NAME.match(domain)) and domain.rpartition(".")[2] == top


def is_government(domain: str) -> bool:
    """Tell whether a name is under the government's part of a country's domain."""
    labels = domain.split(".")
    return len(labels) > 1 and len(labels[-1]) == 2 and (labels[-2] in _GOVERNMENT or domain in _GOVERNMENT)


def of_names(names: pd.Series[str], country: pd.Series[str]) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Say of each pair whether the name is the country's, and the government's."""
    pairs = {(n, c) for n, c in zip(names, country, strict=True)}
    mine = {pair: is_domestic(*pair) for pair in pairs}
    state = {name: is_government(name) for name, _ in pairs}
    domestic = [mine[pair] for pair in zip(names, country, strict=True)]
    government = [state[name] for name in names]
    index = names.index
    return pd.Series(domestic, index, dtype=bool), pd.Series(government, index, dtype=bool)
