"""Figures as files: their size, their style and their bytes.

The same numbers give the same bytes: nothing in them tells the time. Each file says in
its metadata that it is ours, so that it may be replaced.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import TYPE_CHECKING, Any

from spectral_sched.documents.strict_json import FORMAT_PREFIX
from spectral_sched.errors import UnavailableError, UsageError
from spectral_sched.version import __version__

from .themes import LIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .panels import Panel
    from .themes import Theme

MADE_BY = f"specsched {__version__}"
METADATA = {
    ".png": {"Software": MADE_BY},
    ".svg": {"Creator": MADE_BY, "Date": None},
    ".pdf": {"Creator": MADE_BY, "Producer": None, "CreationDate": None},
}
PANEL_SIZE = (5.6, 4.2)
"""Width and height of a panel in inches."""

BETWEEN_ROWS = 0.1
"""Inches above and below each panel, so that legends are not at the next title."""

DPI = 120
COLUMNS = 2

INSTALL = "pip install 'spectral-sched[plot]'"


def available() -> bool:
    """Return whether there is matplotlib to draw with."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def check_available() -> None:
    """Raise `UnavailableError` where there is no matplotlib."""
    if not available():
        message = (
            f"plots need matplotlib, which is not installed; install it: {INSTALL}"
        )
        raise UnavailableError(message)


def check_suffix(path: Path) -> None:
    """Raise `UsageError` unless a file's name ends in that of a known format."""
    if path.suffix.lower() not in METADATA:
        endings = ", ".join(METADATA)
        message = f"{path} names no image format; end it in one of {endings}"
        raise UsageError(message)


def style(theme: Theme) -> Any:
    """Return the settings of matplotlib that all plots share."""
    inks = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inks, theme.ink),
        "axes.edgecolor": theme.ink,
        "axes.facecolor": theme.paper,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "legend.facecolor": theme.paper,
        "legend.edgecolor": theme.faint,
        "grid.color": theme.faint,
        "grid.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.5,
        "legend.fontsize": 8.5,
        "text.parse_math": False,  # names of files may hold dollars
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": FORMAT_PREFIX,
        "pdf.fonttype": 42,
    }


def picture_of(
    panels: Sequence[Panel],
    suffix: str,
    *,
    theme: Theme = LIGHT,
    size: tuple[float, float] = PANEL_SIZE,
) -> bytes:
    """Return panels as a PNG, SVG or PDF file.

    Parameters
    ----------
    suffix
        ``.png``, ``.svg`` or ``.pdf``.
    size
        Width and height of each panel in inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from .drawing import align_spectra, draw_panel

    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    content = io.BytesIO()
    with mpl.rc_context(style(theme)), warnings.catch_warnings():
        # A name may hold letters that the font lacks.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = Figure(
            (columns * size[0], rows * size[1]),
            layout=ConstrainedLayoutEngine(h_pad=BETWEEN_ROWS),
        )
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_panel(axes, panel, theme)
        align_spectra([(a, p.kind) for a, p in zip(grid.flat, panels, strict=False)])
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        figure.savefig(
            content, format=suffix.removeprefix("."), dpi=DPI, metadata=METADATA[suffix]
        )
    return content.getvalue()
