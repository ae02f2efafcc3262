"""Colours of plots, which people with any colour vision can tell apart.

Curves take those of Okabe and Ito (Color Universal Design, 2008), with a mark and a
dash of their own; levels take viridis, whose lightness rises with the value.
"""

from __future__ import annotations

from dataclasses import dataclass

CURVE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Theme:
    """Colours of everything that is not data.

    Attributes
    ----------
    ink, faint, paper, shade
        Text and spectrum, grid, background, and what is swamped.
    levels
        Part of viridis, from the first level to the last, that stands out from the
        background.
    """

    ink: str
    faint: str
    paper: str
    shade: str
    levels: tuple[float, float]


LIGHT = Theme("#1b1b1f", "#d9d9de", "#ffffff", "#d3d6de", (0.0, 0.8))
DARK = Theme("#e8e8ec", "#45454d", "#1b1b1f", "#3a3d47", (0.3, 1.0))
