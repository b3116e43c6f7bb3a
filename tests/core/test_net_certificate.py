"""What is read off certificates, and that no bytes can do harm."""

import random

import pytest
import trustme
from tests.worlds.authority import ca, stranger

from gatewatch.net.certificate import is_for, is_logged, issuer


def leaf(authority: trustme.CA, *names: str) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    (pem,) = authority.issue_cert(*names).cert_chain_pems[:1]
    return x509.load_pem_x509_certificate(pem.bytes()).public_bytes(Encoding.DER)


def test_the_issuer_is_named() -> None:
    named = trustme.CA(organization_name="National Trust", organization_unit_name="certificates")
    assert issuer(leaf(named, "a.org")) == "National Trust"
    # The common name comes before the organization: trustme's own root has one.
    assert issuer(leaf(ca(), "a.org")).startswith("trustme")


def test_whom_a_certificate_names() -> None:
    der = leaf(stranger(), "www.Example.com")
    assert is_for(der, "www.example.com") and is_for(der, "WWW.EXAMPLE.COM")
    assert not is_for(der, "a.org") and not is_for(der, "")


def test_timestamps_of_public_logs() -> None:
    der = leaf(ca(), "a.org")
    assert not is_logged(der)
    assert is_logged(der + b"\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02\x04\x00")


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\x02"]
)
def test_what_is_no_certificate_names_nobody(data: bytes) -> None:
    assert issuer(data) == ""


def test_no_bytes_raise() -> None:
    chance = random.Random(7)
    whole = leaf(ca(), "a.org")
    for _ in range(2000):
        broken = bytearray(whole[: chance.randint(0, len(whole))])
        for _ in range(chance.randint(0, 8)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        assert isinstance(issuer(bytes(broken)), str)
