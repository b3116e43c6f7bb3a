"""What a rule is."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.verdict.expr import Expr

#: Rules are tried layer by layer in this order; ``line`` and ``whole`` stand around the rest.
LAYERS = ("line", "dns", "tcp", "tls", "http", "quic", "pace", "app", "whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table.

    ``status``: ok, blocked, tampered, down, server_side, inconclusive; or ``note``, which never decides and
    is only told beside the verdict.  ``method``: layer.method for blocked, tampered and note.  ``reason``: of
    inconclusive.  ``evidence``: a sentence with features in braces.  ``confidence``: 0 to 1, what each level
    means stands in docs/verdicts.md.  ``source``: where the rule comes from.
    """

    id: str
    layer: str
    status: str
    when: Expr
    evidence: str
    confidence: float
    source: str
    method: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.layer not in LAYERS:
            raise ValueError(f"{self.id}: no layer {self.layer!r}")
        if bool(self.method) != (self.status in ("blocked", "tampered", "note")):
            raise ValueError(f"{self.id}: {self.status} with method {self.method!r}")
        if bool(self.reason) != (self.status == "inconclusive"):
            raise ValueError(f"{self.id}: {self.status} with reason {self.reason!r}")

    @property
    def label(self) -> str:
        """The verdict in one word, such as ``blocked(dns.nxdomain)`` or ``inconclusive(no_control)``."""
        if self.status in ("blocked", "tampered"):
            return f"{self.status}({self.method})"
        return f"inconclusive({self.reason})" if self.reason else self.status
