"""HTTP sessions of the control plane that nobody is named in."""

from __future__ import annotations

import requests

from gatewatch import __version__


class Nameless(requests.Session):
    """A session that sends no login; the system's proxies and certificates are used.

    The library would send the one of ``~/.netrc``, and where that has a ``default`` entry, to every server.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers.update({"User-Agent": f"gatewatch/{__version__}"})
        # With something to ask, it does not look there itself.
        self.auth = lambda request: request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Leave a request that is redirected as it is: there is no login in it, and none is looked for."""
