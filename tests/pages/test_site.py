"""The site builds without a broken link, loads nothing, and has the whole reference."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import spectral_sched
from tests.support.documentation import anchors, pages
from tests.support.helpers import ROOT
from tests.test_manners import NAMES

PARTS = ("mkdocs", "material", "mkdocstrings", "latex2mathml")

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, PARTS)), reason="the extra docs is not installed"
)


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    words = f"-m mkdocs build --strict -f {config} -d {site}"
    return subprocess.run(
        [sys.executable, *words.split()],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    ended = build(ROOT / "mkdocs.yml", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def headings(page: str) -> set[str]:
    return set(re.findall(r'<h\d id="([^"]+)"', page))


def test_every_command_and_flag_has_its_entry(site: Path) -> None:
    from typer.main import get_command

    from spectral_sched.commands.app import app

    page = (site / "reference" / "commands.html").read_text()
    assert set(NAMES) <= headings(page)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    flags = {
        flag for name in NAMES for item in commands[name].params for flag in item.opts
    }
    shown = set(re.findall(r"(?<=[\s>])--?[a-z][a-z-]*", page))
    assert {flag for flag in flags if flag.startswith("-")} <= shown


def test_every_public_name_has_its_entry(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text()
    for name in spectral_sched.__all__:
        if not name.startswith("_"):
            assert re.search(rf'id="spectral_sched\.(\w+\.)*{name}"', page), name


def test_formulas_are_set_without_a_script(site: Path) -> None:
    source = re.sub(r"`[^`]*`", "", pages()["docs/explanation/method.md"])
    page = (site / "explanation" / "method.html").read_text()
    written = re.findall(r"\$\$.+?\$\$|\$[^$\n]+?\$", source, re.DOTALL)
    assert page.count("<math") == len(written) > 30
    assert "arithmatex" not in page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text())
        foreign = [
            tag for tag in tags if re.search(r'(?:src|href)="(?:https?:)?//', tag)
        ]
        assert not foreign, (path.name, foreign)


def test_search_needs_no_server(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text()
    assert index.startswith("var __index = ")
    assert "swamped" in index
    assert (site / "assets" / "iframe-worker.js").is_file()


@pytest.mark.parametrize("name", [name for name in pages() if name.startswith("docs/")])
def test_anchors_on_the_site_are_those_of_github(name: str, site: Path) -> None:
    path = name.removeprefix("docs/").replace("README.md", "index.md")
    page = (site / path).with_suffix(".html").read_text()
    assert anchors(pages()[name]) <= headings(page)


def test_links_to_files_beside_the_pages_are_led_there(site: Path) -> None:
    index = (site / "index.html").read_text()
    assert 'href="project/contributing.html"' in index
    readme = (site / "project" / "readme.html").read_text()
    assert 'href="../how-to/guide.html"' in readme
    assert 'src="../pictures/before-after.png"' in readme


@pytest.mark.parametrize("link", ["nowhere.md", "#nowhere", "index.md#nowhere"])
def test_a_broken_link_ends_the_build(link: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# A page\n\n[A link]({link})\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {docs}\nnav: [index.md]\n"
        "hooks: []\nplugins: []\nexclude_docs: ''\n"
    )
    ended = build(config, tmp_path / "site")
    assert ended.returncode != 0
    assert "nowhere" in ended.stderr
