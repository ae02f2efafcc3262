"""Pages say what happens: their blocks run, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spectral_sched import __version__
from tests.support.documentation import (
    anchors,
    blocks,
    check_shown,
    links,
    pages,
    play,
    prepared,
    refreshed,
    requoted,
)
from tests.support.helpers import ROOT
from tests.test_manners import NAMES

PAGES = pages()

ELSEWHERE = {
    "docs/how-to/targets.md": "test_targets.py",
    "docs/how-to/models.md": "test_models.py",
}
"""Pages whose Python takes things for granted, and the tests that supply them."""

RUNNING = [
    name
    for name, text in PAGES.items()
    if name not in ELSEWHERE and any(block.language for block in blocks(text))
]


@pytest.mark.parametrize("name", RUNNING)
def test_the_blocks_of_a_page_run(name: str, tmp_path: Path) -> None:
    assert play(PAGES[name], prepared(tmp_path)) > 0


def test_pages_tested_elsewhere_are() -> None:
    for page, test in ELSEWHERE.items():
        text = (ROOT / "tests" / "pages" / test).read_text()
        assert f'pages()["{page}"]' in text


@pytest.mark.parametrize("name", PAGES)
def test_blocks_are_of_known_languages(name: str) -> None:
    languages = {block.language for block in blocks(PAGES[name])}
    assert languages <= {"", "sh", "text", "python"}
    # Every fence is seen: none is left open or indented.
    assert PAGES[name].count("```") == 2 * len(blocks(PAGES[name]))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for link in links(PAGES[name]):
        file, _, anchor = link.partition("#")
        target = (folder / file).resolve() if file else ROOT / name
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_every_page_is_listed() -> None:
    listed = set(links(PAGES["docs/README.md"]))
    for name in PAGES:
        if name.startswith("docs/") and name != "docs/README.md":
            assert name.removeprefix("docs/") in listed, name
    assert "docs/README.md" in links(PAGES["README.md"])


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) < 150


def test_every_command_is_explained() -> None:
    for command in NAMES:
        assert f"specsched {command}" in PAGES["README.md"], command


def test_pages_speak_of_flags_that_there_are() -> None:
    from typer.main import get_command

    from spectral_sched.commands.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    lines = [
        line
        for text in PAGES.values()
        for block in blocks(text)
        if block.language in ("", "sh")
        for line in block.content.splitlines()
        if line.startswith("specsched ") and not line.startswith("specsched --")
    ]
    assert len(lines) > 30
    for line in lines:
        name = line.split()[1]
        flags = {flag for item in commands[name].params for flag in item.opts}
        used = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", line.partition("#")[0]))
        assert used <= flags, line


def test_output_that_is_not_printed_is_found() -> None:
    printed = "sigma_max   97.01   89.9 - 103.8\nother\n"
    check_shown("sigma_max 97.02 89.93 - 103.8", printed)
    for wrong in ("sigma_max 99.9 89.93 - 103.8", "sigma_min 97.01 89.9 - 103.8"):
        with pytest.raises(AssertionError, match="not printed"):
            check_shown(wrong, printed)
    with pytest.raises(AssertionError, match="not printed: other"):
        check_shown("other\nother", printed)


def test_quoted_lines_are_replaced_by_those_printed_now() -> None:
    printed = "a table\n  sigma_max   96.5   80 - 90\n  other   1\n\nuntil step 3\n"
    quoted = "sigma_max 97.01 89.93 - 103.8\n\nbeyond step 3\n"
    fresh = requoted(quoted, printed)
    assert fresh == "  sigma_max   96.5   80 - 90\n\nuntil step 3\n"
    check_shown(fresh, printed)


def test_a_page_is_refreshed_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    page = (
        "# A page\n\n```sh\nspecsched --version\n```\n\n```text\n{}\n```\n\nThe end.\n"
    )
    fresh = refreshed(page.format("specsched 0.0.0"), tmp_path)
    assert fresh == page.format(f"specsched {__version__}")


def test_anchors_are_those_of_github() -> None:
    text = "# A start, from `x`\n## 3a. Use it\n```\n# no heading\n```\n"
    assert anchors(text) == {"a-start-from-x", "3a-use-it"}
