"""Tables that stay whole in narrow terminals.

Numbers and names are never cut or broken. Where a table is too wide, texts are wrapped
between words, as long as they can be read; columns of numbers are continued below,
under the names of the rows, and rows of texts become lines.
"""

from __future__ import annotations

from textwrap import TextWrapper
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from spectral_sched.system.streams import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Column

GAP = 2
"""Spaces between columns."""

READABLE = 26
"""Characters of a line that texts are not wrapped below: some four words."""

TRIES = ((2, 1 << 30), (1, 1 << 30), (2, 12))
"""Spaces, and characters of a word in a text beyond which it may be broken at last;
names and numbers never are."""


def new_table(*columns: str) -> Table:
    """Return an empty table of columns of numbers, names of rows in the first."""
    table = _empty(GAP)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def text_table(*columns: str) -> Table:
    """Return an empty table of columns of texts, names of rows in the first."""
    table = _empty(GAP)
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)
    return table


def _empty(gap: int) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))


def fitted(table: Table, width: int) -> list[RenderableType]:
    """Return a table as it fits into some columns of characters: one or several."""
    places = range(len(table.columns))
    for gap, longest in TRIES:
        least = [_least(table, place, longest) for place in places]
        if _total(least, gap) <= width:
            widths = _widened(table, least, width, gap)
            if _can_be_read(table, widths):
                return [_part(table, places, widths, gap)]
    if all(column.justify == "right" for column in table.columns[1:]):
        return list(_continued(table, least, width))
    return list(_stacked(table, width))


def _words(column: Column) -> Iterator[tuple[str, bool]]:
    """Yield the header and the cells of a column, and whether they may be wrapped."""
    yield str(column.header), True
    yield from ((cell, not column.no_wrap) for cell in _cells(column))


def _cells(column: Column) -> list[str]:
    return [printable(str(cell)) for cell in column.cells]


def _least(table: Table, place: int, longest: int) -> int:
    """Return the width that a column takes at least."""
    column = table.columns[place]
    lengths = [
        min(cell_len(word), longest) if _is_text(table, place) else cell_len(word)
        for text, wraps in _words(column)
        for word in (text.split() if wraps else [text])
    ]
    return max(lengths, default=1)


def _natural(column: Column) -> int:
    """Return the width in which a column has one line for each row."""
    return max(cell_len(text) for text, _ in _words(column))


def _total(widths: Sequence[int], gap: int = GAP) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _is_text(table: Table, place: int) -> bool:
    return place > 0 and table.columns[place].justify != "right"


def _can_be_read(table: Table, widths: Sequence[int]) -> bool:
    """Return whether no column of texts is so narrow that its lines hold few words."""
    return all(
        width >= min(READABLE, _natural(column))
        for place, (column, width) in enumerate(zip(table.columns, widths, strict=True))
        if _is_text(table, place)
    )


def _widened(table: Table, least: Sequence[int], width: int, gap: int) -> list[int]:
    """Return the widths of columns that share what room there is beyond the least."""
    pairs = zip(table.columns, least, strict=True)
    wished = [max(_natural(column), low) for column, low in pairs]
    room = width - _total(least, gap)
    lacking = sum(wished) - sum(least)
    share = min(1.0, room / lacking) if lacking else 0.0
    return [
        low + int(share * (high - low)) for low, high in zip(least, wished, strict=True)
    ]


def _part(
    table: Table, places: Sequence[int], widths: Sequence[int], gap: int = GAP
) -> Table:
    """Return some columns of a table, of given widths."""
    part = _empty(gap)
    for place, width in zip(places, widths, strict=True):
        column = table.columns[place]
        header = Text("\n".join(_wrapped(str(column.header), width)))
        part.add_column(
            header,
            justify=column.justify,
            no_wrap=column.no_wrap,
            overflow="fold",
            width=width,
        )
    cells = [_cells(table.columns[place]) for place in places]
    for row in zip(*cells, strict=True):
        part.add_row(*(Text(cell) for cell in row))
    return part


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a heading."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _continued(
    table: Table, least: Sequence[int], width: int
) -> Iterator[RenderableType]:
    """Yield tables below each other, each with the names of the rows."""
    group, left = [0], list(range(1, len(least)))
    while left:
        while left and (
            len(group) == 1 or _total([least[k] for k in [*group, left[0]]]) <= width
        ):
            group.append(left.pop(0))
        yield _part(table, group, [least[place] for place in group])
        if left:
            yield ""
        group = [0]


def _stacked(table: Table, width: int) -> Iterator[RenderableType]:
    """Yield every row as lines, with the names of the columns.

    Words are broken nowhere: formulas and names are read whole.
    """
    indented = TextWrapper(width, initial_indent="  ", subsequent_indent="    ")
    indented.break_long_words = indented.break_on_hyphens = False
    names = [str(column.header) for column in table.columns]
    for row in zip(*(_cells(column) for column in table.columns), strict=True):
        yield row[0]
        for name, cell in zip(names[1:], row[1:], strict=True):
            if cell:
                yield indented.fill(f"{name}: {cell}")
