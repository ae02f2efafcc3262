"""Tables in narrow terminals: whole numbers, whole names, no line too long."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.table import Table

from spectral_sched.comparisons import Cell
from spectral_sched.console.comparison import cell_table
from spectral_sched.console.lists import kinds_table, targets_table
from spectral_sched.console.output import wrapped
from spectral_sched.console.tables import fitted, new_table, text_table
from spectral_sched.planning.kinds.registry import KINDS
from spectral_sched.targets import TARGETS
from tests.support.made_comparisons import compared, row


def printed(table: Table, width: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False)
    for piece in fitted(table, width):
        console.print(piece, soft_wrap=isinstance(piece, str))
    return out.getvalue()


def columns_of(table: Table) -> list[list[str]]:
    return [[str(cell) for cell in column.cells] for column in table.columns]


def compared_table() -> Table:
    ours = Cell("heun", 3, [row("optimal", 1.0), row("ays:table=sdxl", 1.25)])
    return cell_table(ours, compared(ours))


@pytest.mark.parametrize("width", [200, 100, 80, 60, 40])
def test_numbers_and_names_of_a_comparison_are_whole(width: int) -> None:
    table = compared_table()
    text = printed(table, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    names, *numbers = columns_of(table)
    found = re.split(r"\s{2,}|\n", text)
    for each in (name for column in numbers for name in column if name):
        assert each in found, each
    assert all(name in text for name in names)


@pytest.mark.parametrize("width", [200, 80, 50])
def test_names_of_targets_and_kinds_are_whole(width: int) -> None:
    for table, names in ((targets_table(), TARGETS), (kinds_table(), KINDS)):
        text = printed(table, width)
        assert max(map(len, text.splitlines())) <= width
        begun = [line.split()[0] for line in text.splitlines() if line[:1].strip()]
        assert [name for name in begun if name in names] == list(names)
    if width >= 80:
        assert "FlowMatchEulerDiscreteScheduler" in printed(targets_table(), width)


def test_columns_are_continued_under_the_names_of_the_rows() -> None:
    table = new_table("table", "error of it", "calls", "seconds")
    table.add_row("optimal", "0.0123 ± 0.0045", "8", "0.25")
    text = printed(table, 30)
    assert [line.split() for line in text.splitlines()] == [
        ["table", "error", "of", "it"],
        ["optimal", "0.0123", "±", "0.0045"],
        [],
        ["table", "calls", "seconds"],
        ["optimal", "8", "0.25"],
    ]


def test_headings_are_wrapped_before_anything_else() -> None:
    table = new_table("table", "swamped at sigma")
    table.add_row("a", "1.5")
    assert [line.split() for line in printed(table, 16).splitlines()] == [
        ["swamped"],
        ["table", "at", "sigma"],
        ["a", "1.5"],
    ]


def test_texts_are_told_in_lines_where_there_is_no_room() -> None:
    table = text_table("kind", "formula")
    table.add_row("a-name-of-20-letters", "sigma falls like a power of time")
    assert printed(table, 24).splitlines() == [
        "a-name-of-20-letters",
        "  formula: sigma falls",
        "    like a power of time",
    ]


def test_no_text_is_squeezed_into_lines_of_a_word_or_two() -> None:
    table = text_table("kind", "formula", "parameters", "source")
    table.add_row("karras", "sigma^(1/rho) linear in t", "rho=7.0", "by Karras et al.")
    assert "formula:" not in printed(table, 80)
    table.add_row("other", "of many words " * 4, "a=1, b=2, " * 6, "by others " * 5)
    lines = printed(table, 80).splitlines()
    assert lines[:3] == [
        "karras",
        "  formula: sigma^(1/rho) linear in t",
        "  parameters: rho=7.0",
    ]
    assert "formula:" not in printed(table, 200)


def test_lines_on_a_terminal_break_between_words() -> None:
    line = "told in words of some length, " * 4
    lines = wrapped(line.strip(), 40)
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == line.strip()
    assert all(part.startswith("  ") for part in lines[1:])
    assert wrapped("  as it is", 40) == ["  as it is"]
