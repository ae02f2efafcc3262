"""Pages and ``--help`` are in plain words, and the reader of prose sees what is not."""

from __future__ import annotations

import pytest

pytest.importorskip("proselint", reason="proselint is of the extra dev")

from tests.support.prose import found, newest, read

TEXTS = read()


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_is_in_plain_words(name: str) -> None:
    assert [str(each) for each in found(name, TEXTS[name])] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("You shall do it.", "shall"),
        ("It **plays** a\ntable.", "plays"),
        ("All pictures.", "image"),
        ("Continue in in order.", "say it once"),
        ("It is very good.", "very"),
        ("It is past history.", "history"),
    ],
)
def test_other_words_are_told_with_their_line(line: str, told: str) -> None:
    findings = found("page.md", f"# A page\n\n{line}\n")
    assert any(told in each.message and each.line == 3 for each in findings)


@pytest.mark.parametrize(
    "line",
    [
        "```\nshall\n```",
        "`pictures = 1`",
        "$shall$",
        "[here](pictures/shall.png)",
        "| shall | 1 |",
        "It displays images.",
    ],
)
def test_code_addresses_and_figures_are_left_alone(line: str) -> None:
    assert found("page.md", f"{line}\n") == []


def test_texts_are_pages_commands_and_the_newest_changes() -> None:
    assert {"README.md", "docs/faq.md", "specsched export --help"} <= set(TEXTS)
    assert (
        newest("# Changes\n\n## 2\n\nnew\n\n## 1\n\nold\n")
        == "# Changes\n\n## 2\n\nnew\n"
    )
