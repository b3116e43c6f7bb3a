import random
import ssl
from pathlib import Path

import pytest
from tests.worlds.authority import ca, server, stranger, trust
from tests.worlds.streams import TlsPeer, script

from gatewatch.net.trust import Chains, Trust, parse_certificates

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def shake(context: ssl.SSLContext, trust: Trust, name: str) -> tuple[ssl.SSLObject, str]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust.context.wrap_bio(incoming, outgoing, server_hostname=name)
    peer = TlsPeer(context, script())
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            for item in peer(outgoing.read()):
                assert isinstance(item, bytes)
                incoming.write(item)
        except ssl.SSLCertVerificationError:
            return tls, "refused"
        else:
            return tls, "accepted"


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize(
    ("name", "expired", "outcome"),
    [("example.org", False, "accepted"), ("other.org", False, "refused"), ("example.org", True, "refused")],
)
def test_the_chain_is_kept_also_when_it_is_refused(
    newest: ssl.TLSVersion, name: str, expired: bool, outcome: str
) -> None:
    context = server(newest=newest, expired=expired)
    mine = trust()
    tls, came = shake(context, mine, name)
    assert came == outcome
    chain = mine.chains.take(tls)
    assert len(chain) == 1 and b"example.org" in chain[0]
    if outcome == "accepted":
        assert chain[0] == tls.getpeercert(binary_form=True)
        assert tls.version() == newest.name.replace("_", ".")
    assert mine.chains.take(tls) == ()


@pytest.mark.parametrize("newest", VERSIONS)
def test_the_whole_chain_comes_leaf_first(newest: ssl.TLSVersion) -> None:
    between = stranger().create_child_ca()
    tls, came = shake(server(authority=between, newest=newest), trust(), "example.org")
    leaf, issuer = trust().chains.take(tls)
    assert came == "refused"
    assert b"example.org" in leaf and issuer == ssl.PEM_cert_to_DER_cert(between.cert_pem.bytes().decode())


def test_connections_do_not_mix_up_their_chains() -> None:
    one, _ = shake(server("one.org"), trust(), "one.org")
    two, _ = shake(server("two.org"), trust(), "two.org")
    assert b"two.org" in trust().chains.take(two)[0]
    assert b"one.org" in trust().chains.take(one)[0]


def test_a_connection_without_certificates_has_no_chain() -> None:
    assert Chains().take(object()) == ()


@pytest.mark.parametrize("modern", [False, True])
def test_damaged_certificate_messages_end(modern: bool) -> None:
    r = random.Random(1)
    for size in range(200):
        assert all(isinstance(der, bytes) for der in parse_certificates(r.randbytes(size), modern))


def test_the_bundle_is_the_one_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    ca().cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    made = Trust()
    assert made.context.get_ca_certs(binary_form=True) == [
        ssl.PEM_cert_to_DER_cert(ca().cert_pem.bytes().decode())
    ]
    assert made.context.verify_mode == ssl.CERT_REQUIRED and made.context.check_hostname
