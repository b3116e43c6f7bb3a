"""TLS boxes beyond RST and silence: FIN, and interception with certificates of the box's own."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID
from tests.lab.behind import blocks, country, web
from tests.worlds.country import measure

from gatewatch.lab.country.scenario import Box
from gatewatch.runner.probes import load as probe

URL = "https://example.org/"


def test_a_fin_answers_the_client_hello() -> None:
    keys, label = web(URL, blocks("sni-eof"))
    assert next(h.failure for h in keys.tls_handshakes or ()) == "eof_error"
    assert label == "blocked(tls.eof)"


def test_an_intercepted_handshake_shows_the_real_name_under_a_root_of_the_boxs_own() -> None:
    keys, label = web(URL, blocks("tls-mitm"))
    shown = next(iter(keys.tls_handshakes or ()))
    assert shown.failure == "ssl_unknown_authority"
    leaf = x509.load_der_x509_certificate((shown.peer_certificates or ())[0])
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.DNSName) == ["example.org"]
    assert leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "National Trust"
    assert label == "blocked(tls.mitm)"


def test_other_names_get_the_servers_own_certificate_past_the_interception() -> None:
    _, label = web("https://other.com/", blocks("tls-mitm"))
    assert label == "ok"


def test_an_interception_answers_from_its_hop() -> None:
    def round_trip(*boxes: Box) -> float:
        keys = measure(probe("handshake"), URL, "clear", country(*boxes))
        shaken = next(iter(keys.tls_handshakes or ()))
        assert shaken.t is not None and shaken.t0 is not None
        return shaken.t - shaken.t0

    # Hop 3 of `small` is some 3 ms away, the server more than 20.
    assert round_trip(blocks("tls-mitm")) < 0.02 < round_trip()
