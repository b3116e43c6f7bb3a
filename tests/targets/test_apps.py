from __future__ import annotations

import io
from typing import BinaryIO

import pytest

import gatewatch_targets.endpoints as module
from gatewatch_targets import DataError, app_at, apps, load
from gatewatch_targets.endpoints import targets_without_app

HEADER = "app,role,endpoint,protocol,needed,issuer,source,note\n"


def test_every_target_of_the_list_stands_for_an_app_and_every_app_for_one() -> None:
    assert targets_without_app() == ()
    assert {target.url for target in load("apps")} == {app.url for app in apps().values()}
    assert all(app.endpoints and app_at(app.url) is app for app in apps().values())
    assert app_at("https://example.org/") is None


def test_a_way_around_is_never_of_the_lowest_tier_but_for_resolvers() -> None:
    tiers = {app.id: target.risk for target in load("apps") if (app := app_at(target.url))}
    assert {name for name, tier in tiers.items() if tier != "low"} == {"tor", "vpn"}


def test_endpoints_are_what_probes_can_ask() -> None:
    for app in apps().values():
        for endpoint in app.endpoints:
            assert endpoint.url.startswith("https://") or endpoint.protocol in ("tcp", "http")
            assert endpoint.source


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("skype,chat,a.org:443,tcp,any,,recall,", "app"),
        ("signal,,a.org:443,tcp,any,,recall,", "role"),
        ("signal,chat,a.org:443,udp,any,,recall,", "protocol"),
        ("signal,chat,a.org:443,tcp,some,,recall,", "needed"),
        ("signal,chat,a.org,tcp,any,,recall,", "endpoint"),
        ("signal,chat,https://a.org/,tcp,any,,recall,", "endpoint"),
        ("signal,chat,a.org:443,https,any,,recall,", "endpoint"),
        ("signal,chat,192.168.1.1:443,tcp,any,,recall,", "endpoint"),
        ("signal,chat,a.org:99999,tcp,any,,recall,", "endpoint"),
        ("signal,chat,a.org:443,tcp,any,,nowhere,", "source"),
        ("signal,chat,chat.org:443,tcp,any,,recall,", "endpoint"),
        ("signal,chat,b.org:443,tcp,all,,recall,", "needed"),
    ],
)
def test_a_damaged_row_is_told_with_line_and_field(
    row: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + "signal,chat,chat.org:443,tcp,any,,recall,\n" + row + "\n"

    def opened(file: str) -> BinaryIO:
        return io.BytesIO(text.encode())

    monkeypatch.setattr(module, "open_data", opened)
    with pytest.raises(DataError) as caught:
        list(module._rows())
    assert (caught.value.problem.file, caught.value.problem.line) == ("apps.csv", 3)
    assert caught.value.problem.field == field
