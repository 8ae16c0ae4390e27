"""The pages: their links lead somewhere, their commands exist, the first one stays a page."""

import ast
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md",
         *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MODULE = re.compile(r"python3? -m ((?:sw|hw|sim|tests)(?:\.\w+)*)")
# What a console line may begin with beside `python`.
PROGRAMS = {".", "flower-superlink", "flower-supernode", "flwr", "git", "hybnn", "make", "pip",
            "pytest", "torchrun"}


SOURCES = sorted(path.relative_to(ROOT).as_posix() for package in ("sw", "hw", "sim", "boards")
                 for path in (ROOT / package).rglob("*.py"))
ROLE = re.compile(r":(?:mod|class|func|meth|attr|data|exc):`~?((?:sw|hw|sim|boards)\.[\w.]+)`")


def prose(page):
    """Return the text of a page, as lines outside its blocks of code."""
    return FENCE.sub("", (ROOT / page).read_text())


def anchor(heading):
    """Return the anchor that GitHub and the site give to a heading.

    >>> anchor("1. What `sw` *is*, and why")
    '1-what-sw-is-and-why'
    """
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def anchors(page):
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def broken(page, text):
    """Return the links of a page's text that lead nowhere."""
    wrong = []
    for link in LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        path, _, place = unquote(link).partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (place and place not in anchors(target.relative_to(ROOT))):
            wrong.append(link)
    return wrong


def commands(text):
    """Return the command lines that a page's blocks of code show, continued lines joined."""
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = re.sub(r"\\\n\s*", "", "".join(blocks)).splitlines()
    return [line[2:] for line in lines if line.startswith("$ ")]


def is_named(name):
    """Say whether a full name is a module, or what a module defines or imports, and so on."""
    parts = name.split(".")
    for n_parts in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:n_parts])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():
            known = {node.id if isinstance(node, ast.Name) else getattr(node, "name", "")
                     for node in ast.walk(ast.parse(file.read_text()))}
            return known.issuperset(parts[n_parts:])
    return False


def exists(module):
    """Say whether ``python -m module`` finds something; no module is run but its packages."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:    # Nor is there the package that it would be in.
        return False
    return spec is not None and (spec.submodule_search_locations is None
                                 or find_spec(f"{module}.__main__") is not None)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert broken(page, prose(page)) == []


@pytest.mark.parametrize("link, leads", [
    ("https://arxiv.org/abs/2205.09839", True),
    ("../README.md", True),
    ("../README.md#numbers", True),
    ("../README.md#letters", False),
    ("formats.md#run-folder", True),
    ("#run-folder", True),
    ("#runfolder", False),
    ("README.md", False),
    ("../sw/golden/bits.py", True),
    ("../sw/golden/bats.py", False),
])
def test_a_broken_link_is_found(link, leads):
    text = f"See [this]({link}) and ![that]({link})."
    assert broken("docs/formats.md", text) == ([] if leads else [link, link])


def test_each_page_is_in_the_site():
    tree = ast.parse((ROOT / "docs/conf.py").read_text())
    chapters = next(ast.literal_eval(node.value) for node in tree.body
                    if isinstance(node, ast.Assign) and node.targets[0].id == "CHAPTERS")
    listed = [page for pages in chapters.values() for page in pages if "/" not in page]
    assert sorted(["index", *listed]) == sorted(page.stem for page in (ROOT / "docs").glob("*.md"))


def test_the_readme_stays_a_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES + SOURCES)
def test_modules_exist(page):
    modules = set(MODULE.findall((ROOT / page).read_text()))
    assert sorted(module for module in modules if not exists(module)) == []


@pytest.mark.parametrize("module, is_there", [
    ("sw.train", True), ("sw.federated", True), ("sw.golden", False), ("sw.trian", False),
    ("sw.trian.paper", False)])
def test_a_missing_module_is_found(module, is_there):
    assert exists(module) == is_there


@pytest.mark.parametrize("source", SOURCES)
def test_docstrings_name_what_is_there(source):
    names = set(ROLE.findall((ROOT / source).read_text()))
    assert sorted(name for name in names if not is_named(name)) == []


@pytest.mark.parametrize("name, is_there", [
    ("sw.golden.bits", True), ("sw.golden.bits.pack", True), ("sw.golden.bits.Bits", True),
    ("sw.golden.network.Network.save", True), ("sw.golden.bits.pock", False),
    ("sw.golden.bats", False), ("sw.gilded.bits.pack", False)])
def test_a_name_of_nothing_is_found(name, is_there):
    assert is_named(name) == is_there


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())
                 ["project"]["optional-dependencies"])
    wrong = []
    for command in commands((ROOT / page).read_text()):
        words = shlex.split(command, comments=True)
        program = words[0].rpartition("/")[2]
        if not (program in PROGRAMS or (program == "python" and (
                words[1] in ("-m", "-c") or (ROOT / words[1]).is_file()))):
            wrong.append(command)
        if program == "make" and words[1] not in targets:
            wrong.append(command)
        wrong += [command for extra in re.findall(r"\.\[(\w+)\]", command) if extra not in extras]
    assert wrong == []


def test_each_command_has_a_line_in_the_table():
    """Each page's command stands in the table of docs/commands.md."""
    table = set(MODULE.findall((ROOT / "docs/commands.md").read_text()))
    shown = {module for page in PAGES for module in MODULE.findall((ROOT / page).read_text())}
    assert sorted(module for module in shown - table if not module.startswith("tests.")) == []
