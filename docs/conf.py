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
html_static_path = ["static"]
html_css_files = ["wide.css"]

# Links between pages are those that a reader of the repository follows: [text](page.md#heading).
myst_heading_anchors = 4

# The API is read from the sources, not imported: neither torch nor Amaranth is needed for it.
autoapi_dirs = [str(ROOT / package) for package in ("sw", "hw", "sim", "boards")]
autoapi_root = "api"
autoapi_ignore = ["*/sw/federated/app/*", "*/sim/test_*.py", "*/sim/conftest.py"]
autoapi_options = ["members", "undoc-members", "show-module-summary"]
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False

# Sections of numpydoc; Members are the streams and ports of a component, Shapes those of tensors.
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Members", "params_style"),
                            ("Shapes", "params_style")]

CHAPTERS = {
    "Use it": ["tutorial", "commands", "core", "formats", "boards"],
    "Understand it": ["architecture", "glossary", "verification"],
    "Results": ["results", "fpga-or-cpu", "mixbin", "federated"],
    "API": ["api/sw/index", "api/hw/index", "api/sim/index", "api/boards/index"],
}
MODULE = re.compile(r"\]\(\.\./((?:sw|hw|sim|boards)/[\w/]+)\.py\)")
ELSEWHERE = re.compile(r"\]\((\.\./[\w/]+\.md)\)")


def setup(app):
    app.connect("source-read", adapt)
    app.connect("autoapi-skip-member", skip)
    app.connect("autodoc-process-docstring", end_section, priority=400)    # Before napoleon.


def end_section(app, what, name, member, options, lines):
    """Put a doctest that follows a section into one of its own, or it counts as a parameter."""
    first = next((at for at, line in enumerate(lines) if line.startswith(">>>")), None)
    if first is not None and any(set(line) == {"-"} for line in lines[:first]):
        lines[first:first] = ["Examples", "--------"]


def skip(app, what, name, member, skipped, options):
    """Leave out what has no docstring, but for packages, their pages, and names of types."""
    return skipped or (what not in ("package", "module", "data") and not member.docstring)


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
