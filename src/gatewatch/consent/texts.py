"""The texts that are agreed to, each with its version: for every run, for the medium tier, for locating.

A version is a number that goes up whenever its text says something else; a test holds the digest of the text
to it.  Everybody is then asked anew.  No text implies another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from gatewatch.words import mark

VERSION = "2"
MEDIUM_VERSION = "2-medium"
LOCATE_VERSION = "2-locate"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, a line each."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that is true or false, and what is said to whoever takes it for the other."""

    statement: str
    true: bool
    because: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A text, its version, the file that keeps the answer, and the option that gives it unattended.

    ``given`` fills the placeholders; the digest is over the text without them, since a folder's name changes
    nothing of what is agreed to.
    """

    name: str
    version: str
    sections: tuple[Section, ...]
    questions: tuple[Question, ...]
    file: str
    option: str
    given: Mapping[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of all that is said and asked, in English."""
        said = [line for section in self.sections for line in (section.title, *section.lines)]
        said += [f"{each.statement}\t{each.true}\t{each.because}" for each in self.questions]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


GENERAL = Consent(
    "general",
    VERSION,
    (
        Section(
            mark("What gatewatch does"),
            (
                mark(
                    "gatewatch asks for web sites, one after another, and writes down what comes back. "
                    "Some of these sites may be forbidden or embarrassing where you are."
                ),
            ),
        ),
        Section(
            mark("What is sent"),
            (
                mark(
                    "Your computer looks up the names of the sites, connects to them, and asks for a page. "
                    "To a few of them it also finds the way, router by router."
                ),
                mark(
                    "It also asks public name servers and test helpers abroad for the same sites, to compare."
                ),
                mark(
                    "To read the whole list before anything is sent, type: gatewatch run --plan --country CC"
                ),
            ),
        ),
        Section(
            mark("Who can see it"),
            (
                mark(
                    "Your internet provider, and whoever watches it, can see which sites you ask "
                    "for, and when."
                ),
                mark("It does not look like ordinary browsing: it is many sites in a short time."),
                mark("The sites, the name servers and the test helpers see the address of your line."),
                mark("Whoever uses or searches this computer can find the program and its results."),
            ),
        ),
        Section(
            mark("What can happen to you"),
            (
                mark(
                    "gatewatch does not hide you. In some countries, measuring censorship or asking for "
                    "certain sites can put you at risk."
                ),
                mark(
                    "If that may be so for you, do not go on. First talk to somebody whom you trust and who "
                    "knows the law there."
                ),
            ),
        ),
        Section(
            mark("What is stored"),
            (
                mark(
                    "Results stay on this computer, in {folder}. Nothing is uploaded unless you set that up."
                ),
                mark(
                    "Stored are: the sites, what came back, the times, your country, and the number of your "
                    "provider's network."
                ),
                mark(
                    "Not stored are: your address, your name, the name of this computer, the name of your "
                    "Wi-Fi. Of the first routers on your way only a large block of addresses is stored."
                ),
                mark("If few people use your network, it may still be possible to guess that it was you."),
            ),
        ),
        Section(
            mark("Which sites"),
            (
                mark("Low risk: what anybody might look at. These are measured unless you say otherwise."),
                mark(
                    "Medium risk: politics, rights, religion, gambling, ways around blocks. These only if "
                    "you agree to that, too."
                ),
                mark("High risk: what the law where you are may punish. These only one by one."),
            ),
        ),
        Section(
            mark("You can stop at any time"),
            (
                mark("To stop a measurement, press Ctrl-C."),
                mark("To take back your consent, type: gatewatch consent --withdraw"),
                mark("To delete all results, type: gatewatch results delete --all"),
            ),
        ),
    ),
    (
        Question(
            mark("Nobody can see which sites gatewatch asks for."),
            False,
            mark(
                "That is false. Your internet provider carries all that you send, and can see which sites it "
                "is for. gatewatch does not hide it."
            ),
        ),
        Question(
            mark("The results stay on this computer until I delete them or give them to somebody."),
            True,
            mark(
                "That is true. Nothing is uploaded unless you set that up. But whoever searches this "
                "computer can find the results; you can delete them."
            ),
        ),
    ),
    "consent.json",
    "--consent",
)

MEDIUM = Consent(
    "medium",
    MEDIUM_VERSION,
    (
        Section(
            mark("Sites of medium risk"),
            (
                mark(
                    "These are sites on politics, human rights, religion, minorities and gambling, exiled "
                    "media, and tools that get around blocks."
                ),
                mark(
                    "Whoever watches your line can see that you ask for them. They may draw conclusions "
                    "about you that are wrong."
                ),
                mark("You can measure without them. If you are not sure, leave them out."),
            ),
        ),
    ),
    (),
    "consent-medium.json",
    "--medium-consent",
)


def locating(triggers: int, targets: int) -> Consent:
    """The consent to locate, in the figures of this run."""
    from gatewatch.consent.ledger import stop_file

    return Consent(
        "locate",
        LOCATE_VERSION,
        (
            Section(
                mark("Finding the place where a site is cut"),
                (
                    mark("This finds out between which two routers a forbidden site is cut."),
                    mark(
                        "The forbidden name is sent on purpose, up to {triggers} times within minutes, for "
                        "each of up to {targets} sites. Whoever watches sees somebody who insists. No "
                        "browser does that."
                    ),
                    mark(
                        "Packets with a short life are sent as well. They are unusual, and look like probing."
                    ),
                    mark(
                        "The filter may go on blocking the site's server for minutes, for everybody on your "
                        "line."
                    ),
                    mark(
                        "Do not do it from a line that leads to you if asking again and again for a "
                        "forbidden site could harm you."
                    ),
                    mark(
                        "To stop it at once, press Ctrl-C, or create the file {stop}. While that file "
                        "exists, no forbidden name is sent."
                    ),
                ),
            ),
        ),
        (),
        "consent-locate.json",
        "--locate-consent",
        {"triggers": triggers, "targets": targets, "stop": str(stop_file())},
    )
