"""Plots made of block letters, for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .labels import decimal, power_of_ten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .curves import LawCurve, SpectrumCurve

EIGHTHS = " ▁▂▃▄▅▆▇█"
FLOOR = "┈"
WIDTH, HEIGHT = 48, 14
"""Columns and rows of the bars."""


def spectrum_blocks(curve: SpectrumCurve) -> list[str]:
    """Return a spectrum as bars over log frequency, with the levels' noise floors.

    The first column is the mean brightness. Where a row is a floor, the part of it
    above the bars is dashed, and the level stands at its end.
    """
    inner = curve.frequency[1:]
    first, last = (inner[0], inner[-1]) if inner.size else (1.0, 1.0)
    wanted = np.geomspace(first, last, WIDTH - 2)
    logs = np.log10(np.maximum(curve.power, curve.power.max() * 1e-12))
    # Two cells for the mean, the second of them empty.
    bars = np.concatenate([logs[:1], [-np.inf], _read(wanted, inner, logs[1:])])
    floors = np.log10(curve.floors)
    low, high = min(logs.min(), floors.min()), max(logs.max(), floors.max())
    edges = np.linspace(low - 0.2, high + 0.2, HEIGHT + 1)
    rows = np.clip(np.searchsorted(edges, floors) - 1, 0, HEIGHT - 1)
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        levels = curve.levels[rows == row]
        cells = _cells(bars, edges[row], edges[row + 1], FLOOR if levels.size else " ")
        label = power_of_ten(10 ** float(np.round(edges[row])))
        shown = label if _decade_in(edges, row) else ""
        names = ", ".join(decimal(level) for level in levels)
        lines.append(f"{shown:>6} │{cells}{f' sigma {names}' if names else ''}")
    left, right = f"mean {decimal(first)}", f"{decimal(last)} cycles/pixel"
    return [
        f"{curve.name}: power by frequency, and noise floors",
        *(line.rstrip() for line in lines),
        " " * 7 + "└" + "─" * WIDTH,
        " " * 8 + left + right.rjust(WIDTH - len(left)),
    ]


def law_blocks(curve: LawCurve) -> list[str]:
    """Return a law's name, and its density as one row of bars over ln sigma."""
    wanted = (np.arange(WIDTH) + 0.5) / WIDTH * len(curve.density)
    heights = curve.density[wanted.astype(int)]
    top = heights.max() or 1.0
    bars = "".join(EIGHTHS[round(8 * height / top)] for height in heights)
    low, high = decimal(curve.sigma[0]), decimal(curve.sigma[-1])
    return [f"{curve.name}: up to {top:.2g} per nat", f"  sigma {low} {bars} {high}"]


def _read(
    wanted: NDArray[np.float64],
    frequency: NDArray[np.float64],
    logs: NDArray[np.float64],
) -> NDArray[np.float64]:
    if not frequency.size:
        return np.full_like(wanted, -np.inf)
    return np.interp(np.log(wanted), np.log(frequency), logs)


def _cells(bars: NDArray[np.float64], bottom: float, top: float, empty: str) -> str:
    """Return one row of a bar plot, between two values."""
    filled = np.rint(8 * np.clip((bars - bottom) / (top - bottom), 0, 1)).astype(int)
    return "".join(EIGHTHS[eighths] if eighths else empty for eighths in filled)


def _decade_in(edges: NDArray[np.float64], row: int) -> bool:
    return bool(edges[row] <= np.round(edges[row]) < edges[row + 1])
