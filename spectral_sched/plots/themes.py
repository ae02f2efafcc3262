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
    spread
        Where most images are: the wide band and the narrow one. Greys, where the shade
        is blue.
    levels
        Part of viridis, from the first level to the last, that stands out from the
        background.
    """

    ink: str
    faint: str
    paper: str
    shade: str
    spread: tuple[str, str]
    levels: tuple[float, float]


LIGHT = Theme(
    *("#1b1b1f", "#d9d9de", "#ffffff", "#d5e3f3"), ("#dcdcdc", "#a9a9a9"), (0.0, 0.8)
)
DARK = Theme(
    *("#e8e8ec", "#45454d", "#1b1b1f", "#1d3352"), ("#48484d", "#85858d"), (0.3, 1.0)
)
