"""What strangers wrote, laid out for each file of tests, on a machine of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from tests.worlds import strangers


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[strangers.World]:
    folder = tmp_path_factory.mktemp("strangers")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(folder / "home"))
        patch.setenv("GATEWATCH_LANG", "en")
        # Nobody has agreed to anything here, and there is no line.
        patch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
        patch.chdir(folder)
        found = strangers.made(folder)
        shutil.copytree(found.runs, folder / "copy")
        yield found
