from __future__ import annotations

import io
import re
from urllib.parse import urlsplit

import pytest

from gatewatch_targets import (
    BUILTIN,
    DataError,
    Target,
    apps,
    beacons,
    categories,
    control_names,
    fingerprints,
    helpers,
    known_boxes,
    load,
    networks,
    printable,
    resolvers,
    risk_in,
    service_ports,
    sources,
)
from gatewatch_targets.cables import cables, companies, links
from gatewatch_targets.events import events
from gatewatch_targets.geography import hints
from gatewatch_targets.reference import open_data
from gatewatch_targets.rows import table


def test_categories_are_citizen_labs() -> None:
    codes = (
        "ALDR REL PORN PROV POLR HUMR ENV MILX HATE NEWS XED PUBH GMB ANON DATE GRP LGBT FILE HACK COMT MMED "
        "HOST SRCH GAME CULTR ECON GOVT COMM CTRL IGO MISC"
    )
    assert list(categories()) == codes.split()


def test_resolvers() -> None:
    by_name = {resolver.name: resolver for resolver in resolvers()}
    assert by_name["Google"].ipv4 == ("8.8.8.8", "8.8.4.4")
    assert by_name["Quad9 unfiltered"].filtering == "none"
    assert by_name["Mullvad"].do53 is False
    assert all(resolver.ipv4 for resolver in resolvers() if resolver.do53)
    # DoH servers are verified by the name in the URL, so none may be given as an address.
    assert not [r.doh for r in resolvers() if r.doh and not (urlsplit(r.doh).hostname or "1")[-1].isalpha()]


def test_what_resolvers_are_known_to_say_of_themselves() -> None:
    by_name = {resolver.name: resolver for resolver in resolvers()}
    google, cloudflare, quad9 = by_name["Google"], by_name["Cloudflare"], by_name["Quad9 unfiltered"]
    assert (google.asn, google.asks_from("172.253.218.133"), google.asks_from("202.75.146.218")) == (
        15169,
        True,
        False,
    )
    assert google.calls_itself("AKL") is None  # it says nothing to be compared
    assert (cloudflare.calls_itself("AKL"), cloudflare.calls_itself("dnsmasq-2.80")) == (True, False)
    assert quad9.calls_itself("res100.akl.rrdns.pch.net") is True
    # Nothing is known of its prefixes, and what is no address is nobody's.
    assert quad9.asks_from("1.2.3.4") is None and google.asks_from("x") is None
    assert google.asks_from("2001:db8::1") is False


def test_networks() -> None:
    by_asn = {network.asn: network for network in networks()}
    assert (by_asn[38623].country, by_asn[38623].certain) == ("KH", True)
    assert (by_asn[139922].certain, by_asn[132770].certain) == (True, False)
    counts = {country: sum(n.country == country for n in networks()) for country in ("KH", "NP", "TH", "MY")}
    assert counts == {"KH": 31, "NP": 17, "TH": 34, "MY": 15}
    assert not [n.asn for n in networks() if n.source == "recall" and n.certain]


def test_fingerprints_match_as_documented() -> None:
    by_id = {fingerprint.id: fingerprint for fingerprint in fingerprints()}
    assert by_id["my.mcmc.address"].matches("175.139.142.25")
    assert not by_id["my.mcmc.address"].matches("175.139.142.250")
    assert by_id["th.national.2019"].matches("http://103.86.50.16/page")
    assert not by_id["th.national.2019"].matches("http://103.86.50.160/")
    assert not by_id["th.national.2019"].matches("http://a.example/?http://103.86.50.16")
    assert by_id["np.nta.title"].matches(" Block by NTA\n")
    assert not by_id["np.nta.title"].matches("How to get around Block By NTA")
    assert by_id["th.mdes.thai"].matches("<h1>เว็บไซต์นี้ถูกระงับโดยกระทรวงดิจิทัลเพื่อเศรษฐกิจและสังคม</h1>")
    assert by_id["th.3bb.bill"].false_positive


def test_helpers_and_beacons() -> None:
    front = "https://d33d1gs9kpq1c5.cloudfront.net/"
    assert [helper.url for helper in helpers()] == [*(f"https://{n}.th.ooni.org/" for n in range(4)), front]
    assert [(beacon.url, beacon.status, beacon.body) for beacon in beacons()] == [
        ("http://connectivitycheck.gstatic.com/generate_204", 204, ""),
        ("http://detectportal.firefox.com/success.txt", 200, "success"),
    ]


def test_controls_are_distinct_innocuous_names() -> None:
    assert control_names()[0] == "example.com" and len(set(control_names())) == len(control_names()) >= 2


def test_every_source_is_used() -> None:
    keys = {key for name in BUILTIN for target in load(name) for key in target.source.split()}
    for rows in (
        resolvers(),
        networks(),
        fingerprints(),
        helpers(),
        beacons(),
        known_boxes(),
        service_ports(),
        hints().values(),
    ):
        keys.update(key for row in rows for key in row.source.split())
    keys.update(key for app in apps().values() for end in app.endpoints for key in end.source.split())
    for cable in (*cables().values(), *links().values()):
        keys.update(key for _, told, _ in cable.facts() for key in told.split())
    for company in companies().values():
        for fact in (company.country, *company.parents):
            keys.update(fact.source.split() if fact else ())
    for file in ("countries.toml", "carriers.toml", "predictions.toml"):
        with open_data(file) as stream:
            told = re.findall(r'^source = "(.*)"$', stream.read().decode(), re.MULTILINE)
        keys.update(key for words in told for key in words.split())
    keys.update(key for event in events() for key in event.source.split())
    assert keys == set(sources())


def test_a_countrys_law_raises_the_tier() -> None:
    ilga = next(target for target in load("global") if target.url == "https://ilga.org/")
    assert (ilga.risk, risk_in(ilga, "KH"), risk_in(ilga, "MY")) == ("medium", "medium", "high")
    judged = Target("https://a.example/", "LGBT", "low", ("MY",))
    assert risk_in(judged, "MY") == "low"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b,a\n", "t.csv:1: header: must be a,b"),
        ("a,b\n1\n", "t.csv:2: line: has 1 fields, the header has 2"),
        ('a,b\n# note\n"1,2\n', "t.csv:3: line: unexpected end of data"),
        ("a,b\n1,\x1b\n", r"t.csv:2: line: holds the control character '\x1b'"),
    ],
)
def test_a_damaged_table_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        list(table(io.BytesIO(text.encode()), "t.csv", ("a", "b")))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pattern", "1.2.3", "fingerprints.csv:2: pattern: '1.2.3' is not an IPv4 address"),
        ("where", "dns", "fingerprints.csv:2: where: 'dns' is not one of dns.a, http.body, "),
        ("source", "gossip", "fingerprints.csv:2: source: 'gossip' is not a key of sources.csv"),
        ("countries", "K1", "fingerprints.csv:2: countries: 'K1' is not a two-letter country code"),
        ("id", "", "fingerprints.csv:2: id: is missing"),
        ("first_seen", "May", "fingerprints.csv:2: first_seen: 'May' is not a year"),
    ],
)
def test_a_damaged_row_is_named(
    monkeypatch: pytest.MonkeyPatch, field: str, value: str, message: str
) -> None:
    good = {
        "id": "x",
        "countries": "KH",
        "where": "dns.a",
        "pattern": "1.2.3.4",
        "scope": "isp",
        "confidence": "low",
        "false_positive": "no",
        "first_seen": "2022",
        "last_seen": "",
        "source": "recall",
        "note": "",
    }
    sources()  # read before the data folder is replaced
    row = good | {field: value}
    data = f"{','.join(row)}\n{','.join(row.values())}\n".encode()
    monkeypatch.setattr("gatewatch_targets.reference.open_data", lambda file: io.BytesIO(data))
    with pytest.raises(DataError) as caught:
        fingerprints.__wrapped__()
    assert str(caught.value).startswith(message)


def test_printable() -> None:
    assert printable("ភាសាខ្មែរ\u200bไทย नेपाली") == "ភាសាខ្មែរ\u200bไทย नेपाली"
    assert printable("a\x1b[31m\u202eb\r\n\x9b\u2028") == r"a\x1b[31m\u202eb\r\n\x9b\u2028"
