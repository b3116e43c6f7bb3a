"""HTTP sessions of the control plane that nobody is named in, and that go nowhere by themselves."""

from __future__ import annotations

import requests

from gatewatch import __version__


class Nameless(requests.Session):
    """A session that sends no login and follows no redirect; the system's proxies and certificates are used.

    The library would send the login of ``~/.netrc``, and where that has a ``default`` entry, to every server.
    And it looks where a redirect leads also when it may not go there, for which it reads the body: whole,
    unfolded, and into memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers.update({"User-Agent": f"gatewatch/{__version__}"})
        # With something to ask, it does not look there itself.
        self.auth = lambda request: request

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Give None: no answer is a redirect here."""
        return None

    def led_to(self, answer: requests.Response) -> str | None:
        """Give what an answer's Location says, None where it is no redirect."""
        return super().get_redirect_target(answer)
