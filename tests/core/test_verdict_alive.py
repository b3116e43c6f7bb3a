from __future__ import annotations

from typing import Any

import pytest

from gatewatch.verdict.alive import look, parked
from gatewatch.verdict.evidence import control


def seen(**http: Any) -> control.Control:
    """A helper's answer about a site at one address."""
    addresses, asn = http.pop("addresses", ["198.54.117.10"]), http.pop("asn", 13335)
    failure = http.pop("dns_failure", None)
    answer = {
        "dns": {"addrs": addresses, "failure": failure},
        "http_request": {"failure": None, "status_code": 200, "body_length": 60_000, **http},
        "ip_info": {a: {"asn": asn, "flags": 3} for a in addresses},
    }
    return control.read({"control": answer, "control_failure": None})


SALE = {"title": "Parked.example is for sale"}
KEY = {"headers": {"X-Adblock-Key": "MFwwDQ"}}


@pytest.mark.parametrize(
    ("control", "state"),
    [
        (seen(), "alive"),
        (seen(title="Household goods for sale: our shop"), "alive"),
        # One weak sign is none.
        (seen(**SALE), "alive"),
        (seen(**KEY), "alive"),
        (seen(asn=47846), "alive"),
        (seen(body_length=900), "alive"),
        # Two are enough.
        (seen(**SALE, **KEY), "parked"),
        (seen(**SALE, asn=47846), "parked"),
        (seen(**KEY, body_length=900), "parked"),
        (seen(headers={"Server": "Parking/1.0"}, asn=395082), "parked"),
        (seen(status_code=404, **SALE, **KEY), "gone"),
        (seen(status_code=503), "failing"),
        (seen(status_code=403), "refuses"),
        (seen(addresses=[], dns_failure="dns_nxdomain_error"), "no name"),
        (seen(failure="generic_timeout_error", status_code=0), "silent"),
        (control.read({"control": None, "control_failure": "generic_timeout_error"}), "not known"),
        (control.read({"control": {"http_request": 7, "dns": []}}), "not known"),
    ],
)
def test_what_one_look_says(control: control.Control, state: str) -> None:
    found = look(control)
    assert found.state == state
    # A suggestion never is to delete.
    assert "delete" not in found.suggestion and "remove" not in found.suggestion


def test_an_address_of_a_parking_service_beside_others_is_no_sign() -> None:
    both = seen(addresses=["64.190.63.136", "104.16.1.1"], asn=47846)
    assert parked(both) == ("network AS47846",)
    mixed = both._replace(asns={"64.190.63.136": 47846, "104.16.1.1": 13335})
    assert parked(mixed) == ()
