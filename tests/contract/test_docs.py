"""The Markdown pages: links lead somewhere, README stays short, and the commands that pages name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grafana.build.runbook import slug
from tests.contract.test_deployment import command

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("", "docs", "streams", "tests", "tests/*", "deploy", "deploy/*", "grafana")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md" if folder else "*.md"))
COMMANDS = [page for page in PAGES if page.name != "CHANGELOG.md" and "tests" not in page.parts]
LONGEST_README = 200
MODULES = {
    path.name
    for folder in ("connectors", "deploy", "grafana", "streams", "tests")
    for path in (ROOT / folder).rglob("*.py")
}


def name_of(page: Path) -> str:
    """The path below the repository."""
    return str(page.relative_to(ROOT))


def headings(page: Path) -> set[str]:
    """The anchors of a page."""
    return {slug(line.lstrip("# ")) for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    """Relative links only: nothing here asks the network."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in headings(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_stays_short() -> None:
    """What it is, two commands, the promises, then links. The rest belongs on a page below it."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


def test_the_readme_names_every_page_of_docs() -> None:
    """A page that no link leads to is found by nobody."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"(docs/{page.name})" not in readme] == []


@pytest.mark.parametrize("page", COMMANDS, ids=name_of)
def test_a_page_names_commands_and_options_that_exist(page: Path) -> None:
    """In backticks and in blocks of commands."""
    text = page.read_text(encoding="utf-8")
    fenced = "".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    named = [
        *re.findall(r"`lofty-ghl ([a-z][^`]*)`", text),
        *re.findall(r"(?:^|&& )lofty-ghl ([a-z][^#&\n]*)", fenced, re.MULTILINE),
    ]
    unknown = []
    for line in named:
        found, rest = command(line.split())
        options = {option for parameter in found.params for option in parameter.opts}
        unknown += [f"{line}: {word}" for word in rest if word.startswith("--") and word not in options]
    assert unknown == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "live"], ids=name_of)
def test_a_page_names_files_that_exist(page: Path) -> None:
    """A path in backticks is a file of the repository, of `streams/`, or beside the page; a bare name is a module somewhere.

    `deploy/live` names files that users make.
    """
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.read_text(encoding="utf-8"))
    places = (ROOT, ROOT / "streams", page.parent)
    named = [path for path in named if any((place / path.split("/")[0]).is_dir() for place in places)]
    assert [path for path in named if not any((place / path).exists() for place in places)] == []
    modules = re.findall(r"`(\w+\.py)`", page.read_text(encoding="utf-8"))
    assert [module for module in modules if module not in MODULES] == []


def test_where_is_names_the_folder_and_the_file() -> None:
    """A bare name in a row of CONTRIBUTING's "Where is ...?" is a file in a folder that the row names."""
    rows = [
        line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    wrong = []
    for row in rows:
        folders = [ROOT / path for path in re.findall(r"`([\w/]+)`", row) if (ROOT / path).is_dir()]
        names = re.findall(r"`(\w+\.py)`", row) if folders else []
        wrong += [name for name in names if not any((folder / name).is_file() for folder in folders)]
    assert len(rows) > 12
    assert wrong == []


def test_decisions_keep_their_numbers() -> None:
    """One after another, and every number that code or a page cites is in the list."""
    listed = re.findall(r"^(\d+)\. ", (ROOT / "streams" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [str(number) for number in range(1, len(listed) + 1)]
    texts = [path for folder in ("connectors", "streams", "tests", "grafana") for path in (ROOT / folder).rglob("*.py")]
    cited = {
        number
        for path in [*texts, *PAGES]
        for number in re.findall(r"\bdecision (\d+)", path.read_text(encoding="utf-8"))
    }
    assert cited <= set(listed)
