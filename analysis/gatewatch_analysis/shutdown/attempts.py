"""Who reached anything at all: attempts, from verdicts or from what was seen on the wire.

A shutdown is silence on many networks at once.  A filter is not silent about everything: it answers with a
lie, a page or a reset, and even where it drops one site's packets the control is reached.  So an attempt is
silent only where nothing came back from anywhere, the control included.
"""

from __future__ import annotations

import pandas as pd

from gatewatch_analysis.prefixes import PrefixTable, Whereabouts, whose
from gatewatch_analysis.tables import VANTAGE, Attempts
from gatewatch_analysis.tables.observations import ANSWER, CONNECT, HANDSHAKE, TRANSACTION

# Verdicts for which somebody answered: the site, a censor, or the control.
_ANSWERED = ("ok", "tampered", "server_side", "blocked", "down")
# Verdicts without a control, by the step that failed.  A page that came without one is an answer.
_SILENT = frozenset(
    {
        "dns.no_control",
        "tcp.no_control",
        "tls.no_control",
        "http.no_control",
        "line.single.failed",
        "app.no_control",
        # A look at a line on which nothing answered (gatewatch.runner.silence).
        "line.silent",
    }
)
_CAME = frozenset({"whole.no_control", "dns.bogon.no_control", "dns.rewritten.no_control"})

#: Failures for which nobody answered (df-007, and getaddrinfo's "try again").
NOBODY = frozenset(
    {
        "generic_timeout_error",
        "host_unreachable",
        "network_unreachable",
        "network_down",
        "dns_temporary_failure",
        "dns_server_misbehaving",
    }
)
#: Which observations tell, and what of them: for whoever loads them.
KINDS = (ANSWER, CONNECT, HANDSHAKE, TRANSACTION)
COLUMNS = (*VANTAGE, "run", "measurement", "input", "start", "kind", "control", "failure", "address")


def attempts(measurements: pd.DataFrame) -> pd.DataFrame:
    """Read attempts off verdicts (table ``Attempts``); where targets are is not known of them."""
    rules = measurements["rule"]
    answered = measurements["status"].isin(_ANSWERED) | rules.isin(list(_CAME))
    told = measurements["start"].notna() & (answered | rules.isin(list(_SILENT)))
    table = measurements[told]
    nowhere = pd.Series(pd.NA, index=table.index, dtype="boolean")
    target = table["host"].fillna(table["input"])
    return Attempts.typed(table.assign(target=target, silent=~answered[told], abroad=nowhere))


def attempts_on_the_wire(observations: pd.DataFrame, tables: Whereabouts | None = None) -> pd.DataFrame:
    """Read attempts off observations (table ``Attempts``); ``tables`` tell which addresses are abroad.

    A measurement is an attempt.  It is silent where no lookup, connection, handshake or transaction of it met
    an answer and one at least met silence.  What a test helper saw does not count as seen from here; that it
    answered does.
    """
    steps = observations[observations["kind"].isin(KINDS) & observations["start"].notna()]
    if steps.empty:
        return Attempts.frame([])
    known = whose(steps["address"].astype("string"), tables or PrefixTable(()))["country"].astype("string")
    connects = steps["kind"].isin([CONNECT, HANDSHAKE])
    nobody = steps["failure"].isin(list(NOBODY))
    marks = steps[[*VANTAGE, "run", "start", "input", "measurement"]].assign(
        answered=~nobody,
        nobody=nobody & ~steps["control"],
        abroad=connects & (known != steps["country"].astype("string")) & known.notna(),
        home=connects & (known == steps["country"].astype("string")) & known.notna(),
    )
    one = marks.groupby("measurement", sort=False).agg(
        **{name: (name, "first") for name in (*VANTAGE, "run", "start", "input")},
        **{name: (name, "any") for name in ("answered", "nobody", "abroad", "home")},
    )
    one = one[one["answered"] | one["nobody"]]
    # Addresses on both sides tell nothing of which one it was.
    place = one["abroad"].astype("boolean").mask(one["abroad"] == one["home"])
    host = one["input"].astype("string").str.extract(r"^(?:[a-z0-9+.-]+://)?([^/:?#]+)", expand=False)
    return Attempts.typed(
        one.assign(target=host.fillna(""), silent=~one["answered"], abroad=place).sort_values("start")
    )
