"""What the QUIC test writes beside its handshakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionQuestion:
    """One packet of an unknown version; every QUIC server answers with those it knows (RFC 9000 6.1)."""

    where: str = doc("site, or neutral: an address that has nothing to do with it")
    address: str = doc("address:port")
    failure: str | None = doc("df-007 failure, or null")
    versions: tuple[str, ...] = doc("what the server offers, such as 0x00000001", ())
    t0: float | None = doc("when it was sent", None, unit="s")
    t: float | None = doc("when it was answered or given up", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicKeys:
    """``x_gatewatch_quic``: what a QUIC measurement was about.

    Its handshakes stand among ``tls_handshakes``, tagged with what each was for: ``test_sni`` and
    ``control_sni`` at the site's address, ``neutral_test`` and ``neutral_control`` at the other.
    """

    host: str = doc("the site")
    address: str = doc("the address of it that was measured at, empty where none was found", "")
    control_name: str = doc("the other name that was sent", "")
    neutral_address: str = doc("the neutral address that answered, empty where none did or was asked", "")
    advertised: bool | None = doc("whether the site offers HTTP/3 over TCP (Alt-Svc), null: not seen", None)
    versions: tuple[VersionQuestion, ...] = doc("every question for versions", ())
    extra: Mapping[str, Any] = extra()
