"""The site that ``make docs`` renders, from the pages beside this file and from the docstrings."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

project = "HyBNN"
copyright = "2026, the HyBNN authors"
extensions = ["myst_parser", "autoapi.extension", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "HyBNN"
html_copy_source = False

# Links between pages are those that a reader of the repository follows: [text](page.md#heading).
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

# The API is read from the sources, not imported: neither torch nor Amaranth is needed for it.
autoapi_dirs = [str(ROOT / package) for package in ("sw", "hw", "sim", "boards")]
autoapi_root = "api"
autoapi_ignore = ["*/sw/federated/app/*", "*/sim/test_*.py", "*/sim/conftest.py"]
autoapi_options = ["members", "show-module-summary"]
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False

# Sections of numpydoc; Members are the streams and ports of a component, Shapes those of tensors.
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Members", "params_style"),
                            ("Shapes", "notes_style")]

CHAPTERS = {
    "Use it": ["tutorial", "commands", "formats", "boards"],
    "Understand it": ["architecture", "glossary", "verification"],
    "Results": ["results", "mixbin", "federated"],
    "API": ["api/sw/index", "api/hw/index", "api/sim/index", "api/boards/index"],
}
MODULE = re.compile(r"\]\(\.\./((?:sw|hw|sim|boards)/[\w/]+)\.py\)")
ELSEWHERE = re.compile(r"\]\((\.\./[\w/]+\.md)\)")


def setup(app):
    app.connect("source-read", adapt)


def adapt(app, page, source):
    """Add to a page what only the site has; in the repository the same pages stay readable."""
    def api_page(link):
        """Return a link to a module's page instead of one to its source."""
        name = link[1].removesuffix("/__init__")
        found = f"api/{name}/index"
        return f"](/{found}.rst)" if found in app.project.docnames else link[0]

    source[0] = MODULE.sub(api_page, source[0])
    source[0] = ELSEWHERE.sub(r"](path:\1)", source[0])    # The file itself, not a page.
    if page == "index":
        source[0] += "".join(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n"
                             + "\n".join(pages) + "\n```\n" for caption, pages in CHAPTERS.items())
