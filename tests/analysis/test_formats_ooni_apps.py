import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.runs import START, write_lines

from gatewatch.records import Measurement, loads
from gatewatch.verdict import judge
from gatewatch_analysis.loading import formats, load

#: What the system resolver said of each name; an empty list: no such name.
Names = dict[str, list[str]]
RESET, TIMEOUT = "connection_reset", "generic_timeout_error"


def query(name: str, addresses: list[str]) -> dict[str, Any]:
    answers = [{"answer_type": "A", "ipv4": a} for a in addresses]
    failure = None if addresses else "dns_nxdomain_error"
    return {
        "engine": "system",
        "hostname": name,
        "query_type": "A",
        "answers": answers or None,
        "failure": failure,
    }


def connect(ip: str, port: int, failure: str | None = None) -> dict[str, Any]:
    return {"ip": ip, "port": port, "status": {"failure": failure, "success": failure is None}}


def shake(ip: str, name: str, failure: str | None = None) -> dict[str, Any]:
    return {"address": f"{ip}:443", "server_name": name, "failure": failure, "network": "tcp"}


def get(url: str, failure: str | None = None, code: int = 200, **about: Any) -> dict[str, Any]:
    response = {"code": 0 if failure else code, "body": "", "headers": {}}
    return {"request": {"url": url, "method": "GET"}, "response": response, "failure": failure, **about}


def measured(test_name: str, **keys: Any) -> Measurement:
    about = {"test_name": test_name, "probe_cc": "KH", "measurement_start_time": START, "input": None}
    m, _ = loads(json.dumps({**about, "test_keys": keys}))
    return m


def label(test_name: str, **keys: Any) -> str | None:
    subject = formats.judgeable(measured(test_name, **keys))
    return None if subject is None else judge(subject).label


CENTRES = ["149.154.175.50", "149.154.167.51", "149.154.175.100", "149.154.167.91", "149.154.171.5"]


def telegram(tcp: str | None = None, http: str | None = None, web: str | None = None) -> dict[str, Any]:
    places = [(ip, port) for ip in CENTRES for port in (80, 443)]
    return {
        "queries": [query("web.telegram.org", ["149.154.167.99"])],
        "tcp_connect": [connect(*place, tcp) for place in places] + [connect("149.154.167.99", 443)],
        "tls_handshakes": [shake("149.154.167.99", "web.telegram.org", web)],
        # Without the address, as before 2022.
        "requests": [get(f"http://{ip}:{port}/", tcp or http, 501) for ip, port in places]
        + [get("https://web.telegram.org/", web)],
    }


def test_telegram() -> None:
    assert label("telegram", **telegram()) == "ok"
    # OONI asks nobody elsewhere: what fails can only be judged beside others.
    assert label("telegram", **telegram(tcp=TIMEOUT)) == "inconclusive(no_control)"
    assert label("telegram", **telegram(web=RESET)) == "inconclusive(no_control)"
    some = telegram()
    some["tcp_connect"][0] = connect(CENTRES[0], 80, TIMEOUT)
    assert label("telegram", **some) == "ok"


def test_whatsapp() -> None:
    hosts: Names = {f"e{n}.whatsapp.net": [f"157.240.1.{n}"] for n in range(1, 17)}
    pages: Names = {"v.whatsapp.net": ["157.240.2.1"], "web.whatsapp.com": ["157.240.3.1"]}
    keys: dict[str, Any] = {
        "queries": [query(name, found) for name, found in {**hosts, **pages}.items()],
        "tcp_connect": [connect(a, port) for [a] in hosts.values() for port in (443, 5222)]
        + [connect(a, 443) for [a] in pages.values()],
        "tls_handshakes": [shake(a, name) for name, [a] in pages.items()],
        "requests": [
            get("https://v.whatsapp.net/v2/register", code=400),
            get("https://web.whatsapp.com/", address="157.240.3.1:443"),
        ],
    }
    assert label("whatsapp", **keys) == "ok"
    subject = formats.judgeable(measured("whatsapp", **keys))
    assert subject is not None
    rows = subject.test_keys.extra["x_gatewatch_app"]["endpoints"]
    assert sum(row["role"] == "chat" for row in rows) == 32
    for c in keys["tcp_connect"][:32]:
        c["status"] = {"failure": TIMEOUT, "success": False}
    assert label("whatsapp", **keys) == "inconclusive(no_control)"


def test_signal_and_names_that_are_denied() -> None:
    hosts: Names = {
        "chat.signal.org": ["13.1.1.1"],
        "storage.signal.org": ["13.1.1.2"],
        "cdsi.signal.org": ["13.1.1.3"],
        "uptime.signal.org": ["13.1.1.4"],
    }

    def keys(names: Names) -> dict[str, Any]:
        reached = {name: a[0] for name, a in names.items() if a and name != "uptime.signal.org"}
        return {
            "queries": [query(name, a) for name, a in names.items()],
            "tcp_connect": [connect(a, 443) for a in reached.values()],
            "tls_handshakes": [shake(a, name) for name, a in reached.items()],
            "requests": [get(f"https://{name}/", code=404) for name in reached],
        }

    assert label("signal", **keys(hosts)) == "ok"
    # No step follows a name that is denied; the endpoint is missed all the same.
    assert label("signal", **keys({**hosts, "chat.signal.org": []})) == "inconclusive(undetermined)"


def test_tor_by_what_each_server_is_for() -> None:
    def server(protocol: str, ip: str, port: int, failure: str | None = None) -> dict[str, Any]:
        shaken = [] if failure else [shake(ip, "www.xyz.com")]
        return {
            "target_protocol": protocol,
            "tcp_connect": [connect(ip, port, failure)],
            "tls_handshakes": shaken,
        }

    def servers(failure: str | None) -> dict[str, Any]:
        return {
            "a": server("or_port_dirauth", "131.188.40.189", 443, failure),
            "b": server("or_port_dirauth", "204.13.164.118", 443, failure),
            "c": server("dir_port", "131.188.40.189", 80, failure),
            "d": server("obfs4", "192.0.2.77", 9999, failure),
            "e": {"target_protocol": "obfs4", "tcp_connect": [{"ip": "[scrubbed]", "port": 1}]},
        }

    assert label("tor", targets=servers(None)) == "ok"
    assert label("tor", targets=servers(TIMEOUT)) == "inconclusive(no_control)"


def test_what_the_rules_do_not_judge() -> None:
    for test in ("dnscheck", "tlsmiddlebox", "trace", "ndt", ""):
        assert label(test, **telegram()) is None
    assert label("telegram") is None
    ours = measured("telegram", x_gatewatch_app={"endpoints": []})
    assert formats.judgeable(ours) is ours


def test_they_are_judged_when_they_are_loaded(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"test_name": name, "measurement_start_time": START, "probe_cc": "KH", "test_keys": keys}
        for name, keys in (("telegram", telegram()), ("dnscheck", {"queries": []}), ("telegram", {}))
    ]
    file = write_lines(tmp_path / "x.jsonl", [json.dumps(line).encode() + b"\n" for line in lines])
    data = load([file])
    assert data.problems.empty
    assert data.measurements["label"].astype(object).where(
        data.measurements["label"].notna(), None
    ).tolist() == [
        "ok",
        None,
        None,
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None, database=None)
@given(st.data())
def test_whatever_stands_in_a_record_it_is_judged_or_not(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["telegram", "whatsapp", "signal", "facebook_messenger", "tor"]))
    keys: Any = telegram() if name != "tor" else {"targets": {"a": {"target_protocol": "obfs4"}}}
    for _ in range(data.draw(st.integers(1, 4))):
        spot: Any = keys
        while isinstance(spot, dict | list) and spot:
            above, key = (
                spot,
                data.draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot)))),
            )
            spot = spot[key]
            if data.draw(st.integers(0, 2)) == 0:
                break
        above[key] = data.draw(JSON)
    subject = formats.judgeable(measured(name, **keys))
    assert subject is None or judge(subject).status in ("ok", "blocked", "down", "inconclusive", "tampered")
