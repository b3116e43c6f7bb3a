"""The documentation site: `make site` builds it from these pages, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import generated

from gatewatch import __version__

project = "gatewatch"
author = "the gatewatch contributors"
copyright = "the gatewatch contributors; pages and data CC BY 4.0, code GPL-2.0-or-later"  # noqa: A001 - Sphinx's name
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["build"]
root_doc = "index"

# Links to headings as forges make them, since the pages are read there as well.
myst_heading_anchors = 4
# Pages written for a terminal's width are no lists of definitions, and `--json` is no dash.
myst_enable_extensions = ["substitution"]
smartquotes = False

# Rooms have classes of one name (Seen, Found); which of them a type in a signature means, its page tells.
suppress_warnings = ["ref.python"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"

html_theme = "furo"
html_title = "gatewatch"
html_show_sphinx = False
# Nothing is fetched by whoever opens the site: furo's own files lie beside the pages.
html_theme_options = {"source_repository": "", "top_of_page_buttons": []}

generated.write(Path(__file__).with_name("generated"))
