"""Signs of block pages: which one speaks, whom it convicts, and what that costs."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.test_verdict_rules import HTTP, plain
from tests.core.verdict_build import PAGE, fetch, names, web

from gatewatch.verdict import judge
from gatewatch.verdict.likeness import signs
from gatewatch.verdict.likeness.search import Needles
from gatewatch_targets import Fingerprint, read_signs

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/fingerprints"
LONG = "The Bureau of Good Order has closed this address"


@pytest.fixture(autouse=True)
def own_signs_only() -> Iterator[None]:
    yield
    signs.use(())


def sign(pattern: str = LONG, **more: object) -> Fingerprint:
    given: dict[str, object] = {
        "id": "ooni:x",
        "countries": ("KH",),
        "where": "http.body",
        "pattern": pattern,
        "scope": "national",
        "confidence": "medium",
        "false_positive": False,
        "source": "ooni-fingerprints",
        "note": "",
        "match": "contains",
        "origin": "ooni",
        **more,
    }
    return Fingerprint(**given)  # type: ignore[arg-type]


def seen(text: str = LONG, country: str = "KH") -> tuple[str, str]:
    verdict = judge(plain(fetch(HTTP, body=f"{PAGE[60:]}<p>{text}</p>", headers={}), country=country))
    return verdict.label, verdict.rule


def test_a_list_of_others_convicts_and_names_its_origin() -> None:
    assert seen()[1] != "http.blockpage.sign"
    signs.use([sign()])
    assert seen() == ("blocked(http.blockpage)", "http.blockpage.sign")
    m = plain(fetch(HTTP, body=f"<p>{LONG}</p>", headers={}))
    assert "(ooni:x)" in judge(m).evidence[0]


def test_abroad_a_sign_is_too_weak_to_decide_alone() -> None:
    signs.use([sign()])
    assert seen(country="TH")[1] != "http.blockpage.sign"


def test_a_product_or_an_institution_is_somebodys_own_filter() -> None:
    for scope in ("product", "institution"):
        signs.use([sign(scope=scope)])
        assert seen() == ("inconclusive(own_filter)", "http.filter")


def test_what_is_known_to_be_harmless_acquits() -> None:
    harmless = sign("Thank you for using nginx", id="cp:fp", false_positive=True, origin="cp", countries=())
    signs.use([sign(), harmless])
    assert seen(f"{LONG}. Thank you for using nginx")[1] != "http.blockpage.sign"
    # Our own table is looked after row by row, and is not overruled.
    own = "nta.gov.np/en/notice-regarding-site-block. Thank you for using nginx"
    assert seen(own, "NP")[1] == "http.blockpage.sign"


def test_our_own_rows_know_better_than_lists_of_others() -> None:
    bill = "http://110.164.252.137/wpwarn/soft_bd/wpcbt_res.php"
    moved = fetch(HTTP, code=302, body="", headers={"Location": f"{bill}?x=1"})
    rewriter = sign("36.37.242.94", where="dns.a", match="full")
    signs.use([sign(bill, where="http.location", match="prefix", countries=("TH",)), rewriter])
    assert judge(plain(moved, country="TH")).label == "inconclusive(captive_portal)"
    gone = web(queries=names(["36.37.242.94"]), control=None)
    assert "redirect" not in judge(gone).label


def test_a_header_of_one_name() -> None:
    signs.use([sign("FilterBox", where="http.header", header="server", match="prefix")])
    page = "<title>No</title>" + "x" * 4000
    hit = fetch(HTTP, body=page, headers={"Server": "FilterBox 4"})
    miss = fetch(HTTP, body=page, headers={"X-Via": "FilterBox 4"})
    assert judge(plain(hit)).rule == "http.blockpage.sign"
    assert judge(plain(miss)).rule != "http.blockpage.sign"


def test_a_page_known_by_its_digest() -> None:
    body = "<p>exactly this page</p>"
    digest = hashlib.sha1(body.encode()).hexdigest()
    signs.use([sign(digest, where="http.sha1", match="usual")])
    assert judge(plain(fetch(HTTP, body=body, headers={}))).rule == "http.blockpage.sign"
    assert judge(plain(fetch(HTTP, body=body + " ", headers={}))).rule != "http.blockpage.sign"


def test_a_pattern_that_must_be_the_whole_page() -> None:
    signs.use([sign("<HTML></HTML>", match="full")])
    assert judge(plain(fetch(HTTP, body="<html></html>", headers={}))).rule != "http.blockpage.sign"
    assert judge(plain(fetch(HTTP, body="<HTML></HTML>", headers={}))).rule == "http.blockpage.sign"
    assert judge(plain(fetch(HTTP, body="<HTML></HTML>x", headers={}))).rule != "http.blockpage.sign"


def test_needles_are_found_wherever_they_stand() -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choices("abc<>= ", k=chance.randint(3, 40))) for _ in range(300)]
    gapped = [(text[:3], text[5:]) if len(text) > 12 else (text,) for text in texts]
    needles = Needles(gapped)
    for _ in range(60):
        page = "".join(chance.choices("abc<>= ", k=chance.randint(0, 400)))
        for text in chance.sample(texts, 2):
            place = chance.randint(0, len(page))
            page = page[:place] + text + page[place:]
        plainly = []
        for number, segments in enumerate(gapped):
            place = 0
            for segment in segments:
                place = page.find(segment, place)
                if place < 0:
                    break
                place += len(segment)
            else:
                plainly.append(number)
        assert list(needles.found(page)) == plainly


def test_all_lists_together_cost_a_page_of_64_kib_little() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the collections are not present: {SHARED}")
    files = [read_signs(path) for path in sorted(SHARED.iterdir())]
    signs.use([s for file in files for s in file.signs])
    page = PAGE + "<p>a page about http://example.org/ and how it was blocked</p>" * 1100
    assert len(page) > 65_536
    signs.shown(page, "", {}, "KH")
    began = time.perf_counter()
    for _ in range(5):
        signs.shown(page, "", {}, "KH")
    # Measured: 3 ms on an ordinary machine; every page of a run is judged once.
    assert (time.perf_counter() - began) / 5 < 0.05
