"""The table of rules: all of them in the order in which they are tried, and the table as a page prints it."""

from __future__ import annotations

from gatewatch.verdict.layers.apps import APPS
from gatewatch.verdict.layers.content import CONTENT, WHOLE
from gatewatch.verdict.layers.contrast import CONTRAST
from gatewatch.verdict.layers.interception import INTERCEPTION
from gatewatch.verdict.layers.line import LINE
from gatewatch.verdict.layers.middlebox import MIDDLEBOX
from gatewatch.verdict.layers.naming import NAMING
from gatewatch.verdict.layers.pace import PACE
from gatewatch.verdict.layers.ports import PORTS
from gatewatch.verdict.layers.quic import QUIC
from gatewatch.verdict.layers.second import SECOND
from gatewatch.verdict.layers.sni import SNI
from gatewatch.verdict.layers.transport import TRANSPORT
from gatewatch.verdict.rule import LAYERS, Rule

#: Raised whenever a rule or a feature changes what any measurement is judged to be; stored with each verdict.
RULES_VERSION = 3

#: All rules.  In each layer the first whose condition holds speaks for the layer.
RULES: tuple[Rule, ...] = (
    *LINE,
    *NAMING,
    *SNI,
    *CONTRAST,
    *INTERCEPTION,
    *SECOND,
    *TRANSPORT,
    *CONTENT,
    *QUIC,
    *PACE,
    *APPS,
    *MIDDLEBOX,
    *PORTS,
    *WHOLE,
)
BY_LAYER: tuple[tuple[Rule, ...], ...] = tuple(
    tuple(rule for rule in RULES if rule.layer == layer) for layer in LAYERS
)


def rules_markdown() -> str:
    """Write the table of rules for the docs."""
    lines = ["| rule | verdict | when | confidence | source |", "|---|---|---|---|---|"]
    for rule in RULES:
        label = f"note: {rule.method}" if rule.status == "note" else rule.label
        lines.append(f"| `{rule.id}` | {label} | {rule.when} | {rule.confidence} | {rule.source} |")
    return "\n".join(lines) + "\n"
