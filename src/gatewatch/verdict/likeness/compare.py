"""Is it the same page?  Length, title, header names, structure: no weak likeness proves much."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.verdict.words import UNUSABLE

SAME, DIFFERENT = "same", "different"

# Block pages differ from the true page by more than 30 % of length in 95 % of cases, true pages from
# themselves in 1.4 % (Jones et al., IMC 2014, "Automated Detection and Fingerprinting of Censorship Block
# Pages", section 4); OONI uses the same number.
BODY_PROPORTION = 0.7
# A title stands in the head; a page that has none in its first 64 KiB has none that a browser shows early.
_TITLE_SEARCH = 65_536
# The test helper reports no title longer than this (oohelperd), so longer ones cannot be compared.
TITLE_CAP = 128
# Half of all words in common: two titles of one site, with a counter, a date or the section's name besides.
_TITLE_OVERLAP = 0.5
# Words shorter than this (the, of, no) stand in any title.
_WORD = 4
# Headers that any server sends, so that sharing them shows nothing.  Content-Length and Connection belong
# here: a forged page has them too, and OONI's list lacks them (ooni/probe-cli, webconnectivity http-diff).
_COMMON_HEADERS = frozenset(
    {
        "accept-ranges",
        "age",
        "allow",
        "cache-control",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-security-policy",
        "content-type",
        "date",
        "etag",
        "expires",
        "keep-alive",
        "last-modified",
        "location",
        "p3p",
        "pragma",
        "referrer-policy",
        "refresh",
        "retry-after",
        "server",
        "set-cookie",
        "strict-transport-security",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "via",
        "x-content-type-options",
        "x-frame-options",
        "x-powered-by",
        "x-xss-protection",
    }
)
# Structure is read off the first 64 KiB: menus and frames stand there, and a notice ends long before.
_SHAPE_SEARCH = 65_536
# Two pages of one template share most of their elements: the tags of both, counted, over those of either.  Of
# Jones et al.'s measures (IMC 2014, section 4) this is the one that needs no tree; theirs found block pages
# by the cosine of tag counts as well as by length.
SHAPE_OVERLAP = 0.6
# A page of a site has hundreds of elements (HTTP Archive, 2024: 594 in the median); a notice has a frame, a
# picture, some paragraphs and perhaps a few links.
NOTICE_TAGS = 60
NOTICE_LINKS = 8
# All pages have html, head, title, body and a paragraph or two; fewer elements tell nothing of a template.
_TELLING_TAGS = 20
_TAG = re.compile(r"<([a-z][a-z0-9]{0,15})(?=[\s/>])", re.IGNORECASE)
_LINKS = ("a", "link", "form", "iframe", "script")
_OPEN = re.compile(r"<title(?=[\s>/])[^<>]{0,256}>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_UNREADABLE = re.compile("\ufffd+")
_WORDS = re.compile(r"\w+")


def body_length(body: str | bytes | None) -> int:
    """Give a stored body's length in bytes, as the control counts it."""
    if isinstance(body, str):
        return len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
    return len(body) if body else 0


def body_proportion(ours: int, control: int) -> float:
    """Give the shorter length over the longer, 0 to 1; two empty bodies are the same, -1 is not known."""
    if ours < 0 or control < 0:
        return -1.0
    longer = max(ours, control)
    return min(ours, control) / longer if longer else 1.0


def title(body: str | bytes | None) -> str:
    """Give a page's title on one line, "" without one.

    Hostile pages cost no more than others: a bounded look, and no pattern that backtracks.
    """
    head = body[:_TITLE_SEARCH] if body else ""
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    start = _OPEN.search(text)
    if start is None:
        return ""
    # 4 bytes of UTF-8 a character at most, and entities: what the cap leaves out is cut below anyhow.
    inner = text[start.end() : start.end() + 16 * TITLE_CAP]
    return _SPACE.sub(" ", html.unescape(inner.partition("<")[0])).strip()


def shape(body: str | bytes | None) -> Counter[str]:
    """Count a page's elements by name."""
    head = body[:_SHAPE_SEARCH] if body else ""
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    return Counter(name.lower() for name in _TAG.findall(text))


def same_shape(ours: str | bytes | None, theirs: str | bytes | None) -> str:
    """Compare the structure of two pages; unusable where one has hardly any."""
    a, b = shape(ours), shape(theirs)
    if max(a.total(), b.total()) < _TELLING_TAGS:
        return UNUSABLE
    return SAME if (a & b).total() >= SHAPE_OVERLAP * (a | b).total() else DIFFERENT


def is_notice(body: str | bytes | None) -> bool:
    """Tell whether a page has the structure of a notice: few elements, hardly anything that leads on."""
    head = body[:_SHAPE_SEARCH] if body else ""
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    links = 0
    for count, tag in enumerate(_TAG.finditer(text), 1):
        links += tag[1].lower() in _LINKS
        if count > NOTICE_TAGS or links > NOTICE_LINKS:
            return False  # most pages are no notice, and this is soon seen
    return True


def _folded(text: str) -> str:
    # What is not UTF-8 comes as a replacement character for each byte, or for each run of them.
    return _UNREADABLE.sub("\ufffd", _SPACE.sub(" ", html.unescape(text)).strip().casefold())


def same_title(ours: str, control: str) -> str:
    """Compare titles: same, different, or unusable when neither page has one."""
    if ours == control:
        return SAME if ours else UNUSABLE
    if not control and len(ours.encode("utf-8", "surrogatepass")) > TITLE_CAP:
        return UNUSABLE
    a, b = _folded(ours), _folded(control)
    if a == b:
        return SAME
    words_a, words_b = set(_WORDS.findall(a)), set(_WORDS.findall(b))
    shared = words_a & words_b
    if any(len(word) >= _WORD for word in shared):
        return SAME if len(shared) >= _TITLE_OVERLAP * len(words_a | words_b) else DIFFERENT
    return DIFFERENT


def uncommon(names: Iterable[Any]) -> frozenset[str]:
    """Give the header names, in lower case, that tell servers apart."""
    return frozenset({n for name in names if (n := str(name).lower()) not in _COMMON_HEADERS})


def same_headers(ours: Mapping[str, Any], control: Mapping[str, Any]) -> str:
    """Compare headers: same with an uncommon name in common, unusable when the control's are all common.

    A Server header of another make is a difference where there is nothing better; an equal one is nothing.
    """
    telling = uncommon(control)
    if telling:
        return SAME if telling & uncommon(ours) else DIFFERENT
    ours_by, theirs_by = _server(ours), _server(control)
    return DIFFERENT if theirs_by and ours_by != theirs_by else UNUSABLE


def same_server(ours: Mapping[str, Any], control: Mapping[str, Any]) -> bool:
    """Tell whether both responses name the same make of server."""
    name = _server(control)
    return bool(name) and name == _server(ours)


def _server(headers: Mapping[str, Any]) -> str:
    # The version after the slash differs between the machines of one site.
    found = next((v for k, v in headers.items() if str(k).lower() == "server" and isinstance(v, str)), "")
    return found.partition("/")[0].strip().lower()
