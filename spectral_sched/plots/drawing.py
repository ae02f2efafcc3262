"""Panels drawn with matplotlib. No numbers are derived here."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from spectral_sched.words import number_of

from .curves import SPREAD, ErrorCurve, LawCurve, SpectrumCurve, TableCurve
from .labels import decimal, power_of_ten
from .themes import CURVE_COLORS, DASHES, MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .calls import CallsCurve
    from .panels import Panel, PanelKind
    from .themes import Theme

DC_PLACE = 0.5
"""Where the mean brightness stands on a log axis, as a share of the first frequency."""

NOTHING = 1e-5
"""Share of the largest contrast below which errors are not drawn."""

BELOW = 0.5
"""Inches from a panel to its legend: ticks and the label of the axis are between."""

LETTERS, HANDLE_LETTERS = 72, 8
"""Letters of a legend across a panel, and how many the line before each takes."""

FAR = 1e12
"""Beyond every panel, above its own top."""

FREQUENCY = "frequency (cycles per pixel)"
SIGMA = "sigma (pixel units, data in [-1, 1])"
PIXEL_RANGE = 2.0
"""From black to white: larger errors are not drawn."""

FEW_DECADES = 100.0
"""Ratio of the ends of an axis below which more than powers of ten have labels."""

LABELS_APART = 1.3
"""Ratio of numbers on a log axis whose labels do not touch."""

LABEL_HEIGHT = 0.05
"""Share of a panel that the label of a level is high."""


def draw_panel(axes: Axes, panel: Panel, theme: Theme) -> None:
    """Draw one panel into its axes."""
    DRAWERS[panel.kind](axes, panel.curves, theme)


def _draw_spectrum(axes: Axes, curves: Sequence[SpectrumCurve], theme: Theme) -> None:
    (curve,) = curves
    place, edges = places(curve.frequency), ring_edges(curve.frequency)
    top = 4 * max(curve.floors.max(), curve.power.max())
    bottom = curve.spread[0, 1:].min(initial=curve.floors.min()) / 3
    axes.set(xscale="log", yscale="log", xlim=edges[[0, -1]], ylim=(bottom, top))
    axes.stairs(
        *(np.full_like(curve.power, FAR * top), edges),
        baseline=np.minimum(curve.swamped_above, FAR * top),
        fill=True,
        color=theme.shade,
        zorder=0,
        label="swamped",
    )
    for outer in range(len(SPREAD) // 2):
        between = curve.spread[[outer, -1 - outer], 1:]
        share = 100 * (SPREAD[-1 - outer] - SPREAD[outer])
        axes.fill_between(
            place[1:],
            *between,
            color=theme.spread[outer],
            linewidth=0,
            label=f"{share:.0f} % of the images",
        )
    _draw_floors(axes, curve, edges, theme)
    axes.plot(place[1:], curve.power[1:], color=theme.ink, linewidth=2, label="mean")
    axes.plot(place[:1], curve.power[:1], "D", color=theme.ink, markersize=6)
    _frequency_axis(axes, place)
    axes.set_ylabel("power (squared pixel units)")
    axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.set_title(f"{curve.name}: spectrum and noise floors")
    legend_below(axes)


def _draw_floors(
    axes: Axes, curve: SpectrumCurve, edges: NDArray[np.float64], theme: Theme
) -> None:
    """Draw a line at sigma^2 of each level, faint where it swamps the ring."""
    count = len(curve.levels)
    colors = mpl.colormaps["viridis"](np.linspace(*theme.levels, max(count, 2)))
    labelled = _labelled(curve, *axes.get_ylim())
    for index, (level, swamped) in enumerate(
        zip(curve.levels, curve.swamped, strict=True)
    ):
        for hidden, width, alpha in ((False, 1.6, 1.0), (True, 1.0, 0.45)):
            starts, ends = runs(swamped == hidden)
            axes.hlines(
                np.full(len(starts), level**2),
                *(edges[starts], edges[ends]),
                color=colors[index],
                linewidth=width,
                alpha=alpha,
                linestyle=(0, (2, 2)) if hidden else "-",
                zorder=1.5,
            )
        if index in labelled:
            axes.annotate(
                f"sigma {decimal(level)}",
                *((1, level**2), (3, 0)),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=theme.ink,
                fontsize=8,
                va="center",
                annotation_clip=False,
            )


def _draw_steps(axes: Axes, curves: Sequence[TableCurve], theme: Theme) -> None:
    for curve, look in _looks(curves):
        axes.plot(np.arange(len(curve.levels)), curve.levels, **look)
    axes.set(yscale="log", xlabel="step", ylabel=SIGMA, title="noise levels by step")
    axes.set_xlim(-0.4, max(len(curve.levels) for curve in curves) - 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _sigma_axis(axes, theme)


def _draw_times(axes: Axes, curves: Sequence[TableCurve], theme: Theme) -> None:
    for curve, look in _looks(curves):
        if curve.line.size:
            dots = look | {"linestyle": "none", "label": "_"}
            line = look | {"marker": "", "label": "_"}
            axes.plot(curve.line_t, curve.line, **line)
            axes.plot(curve.t, curve.levels, **dots)
            axes.plot([], [], **look)  # what the legend shows: both together
        else:
            axes.plot(curve.t, curve.levels, **look)
    axes.set(yscale="log", xlim=(1.03, -0.03), title="noise levels by time t")
    axes.set(xlabel="t, from noise (1) to clean (0)", ylabel=SIGMA)
    _sigma_axis(axes, theme)


def _draw_log_snr(axes: Axes, curves: Sequence[TableCurve], theme: Theme) -> None:
    for row, (curve, look) in enumerate(_looks(curves)):
        log_snr = -2 * np.log(curve.levels)
        line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1}
        axes.hlines(row, *log_snr[[0, -1]], **line)
        axes.plot(log_snr, np.full(len(log_snr), row), **look | {"linestyle": "none"})
    axes.set_yticks(range(len(curves)), [_with_steps(curve) for curve in curves])
    axes.set_ylim(len(curves) - 0.4, -0.6)
    axes.set_xlabel("log_snr = -2 ln sigma, from noise to clean")
    axes.set_title("where the steps are")
    axes.grid(axis="x", color=theme.faint)
    powers = 10.0 ** np.arange(*_decades(np.concatenate([c.levels for c in curves])))
    _upper_axis(axes, -2 * np.log(powers), map(decimal, powers), "sigma (pixel units)")


def _with_steps(curve: TableCurve) -> str:
    count = len(curve.levels)
    return f"{curve.name}\n{number_of(count, 'step')}"


def _decades(levels: NDArray[np.float64]) -> tuple[int, int]:
    """Return the range of powers of ten within levels."""
    low, high = np.log10([levels.min(), levels.max()])
    return int(np.ceil(low)), int(np.floor(high)) + 1


def _upper_axis(
    axes: Axes, places: NDArray[np.float64], names: Iterable[str], label: str
) -> None:
    """Write the same places in another coordinate above the panel."""
    upper = axes.secondary_xaxis("top")
    upper.set_xlabel(label)
    upper.set_xticks(places, list(names))
    upper.minorticks_off()


def _draw_errors(axes: Axes, curves: Sequence[ErrorCurve], theme: Theme) -> None:
    first = curves[0]
    place = places(first.frequency)
    axes.plot(place, first.contrast, color=theme.ink, linewidth=1, label=" contrast")
    for curve, look in _looks(curves):
        label = f" {curve.name}: {curve.total:.3g} per pixel"
        axes.plot(
            places(curve.frequency),
            curve.error,
            **look | {"label": label, "markevery": 0.12},
        )
    axes.set(yscale="log", xscale="log", title="predicted error")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], first.contrast.max() * NOTHING))
    axes.set_ylabel("rms per mode (pixel units)")
    _frequency_axis(axes, place)
    axes.yaxis.set_major_formatter(FuncFormatter(decimal))
    axes.grid()
    legend_below(axes)


def _draw_calls(axes: Axes, curves: Sequence[CallsCurve], theme: Theme) -> None:
    for curve, look in _looks(curves):
        axes.plot(curve.num_calls, curve.error, **look)
    calls = np.unique(np.concatenate([curve.num_calls for curve in curves]))
    axes.set(xscale="log", yscale="log", title="predicted error by network calls")
    axes.set_xlabel(f"network calls (NFE) per image, {curves[0].sampler}")
    axes.set_ylabel("rms per pixel (pixel units)")
    axes.set_xticks(apart(calls), [f"{call}" for call in apart(calls)])
    axes.set_ylim(top=min(axes.get_ylim()[1], PIXEL_RANGE))
    axes.minorticks_off()
    label_decades(axes)
    axes.grid(color=theme.faint)
    _mark_enough(axes, curves[-1], theme)
    legend_below(axes)


def label_decades(axes: Axes) -> None:
    """Write numbers along a log axis of values: thrice in a decade where few are."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        parts = (1.0, 2.0, 5.0) if high / low < FEW_DECADES else (1.0,)
        axes.yaxis.set_major_locator(LogLocator(subs=parts))
    axes.yaxis.set_major_formatter(FuncFormatter(decimal))


def _mark_enough(axes: Axes, curve: CallsCurve, theme: Theme) -> None:
    calls = curve.num_calls[-1]
    axes.axvline(calls, color=theme.ink, linewidth=1, linestyle=(0, (4, 2)))
    axes.annotate(
        f"{number_of(curve.enough, 'step is', 'steps are')} enough ",
        *((calls, 1), (-2, -12)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=theme.ink,
        fontsize=8.5,
        ha="right",
    )


def apart(calls: NDArray[np.int64]) -> list[int]:
    """Return those of rising numbers whose labels have room on a log axis."""
    kept = [int(calls[-1])]
    for call in calls[-2::-1]:
        if kept[-1] / call >= LABELS_APART:
            kept.append(int(call))
    return kept[::-1]


def _draw_laws(axes: Axes, curves: Sequence[LawCurve], theme: Theme) -> None:
    own = [curve for curve in curves if not curve.copied]
    for curve in curves:
        if curve.copied:
            label = f" {curve.name}"
            axes.plot(*_middles(curve), color=theme.ink, linewidth=1, label=label)
    for curve, look in _looks(own):
        axes.plot(*_middles(curve), **look | {"markevery": 0.12})
        axes.fill_between(*_middles(curve), color=look["color"], alpha=0.1)
    axes.set(xscale="log", xlabel=SIGMA, ylabel="density of ln sigma (per nat)")
    axes.set_ylim(bottom=0)
    axes.set_title("laws to train with")
    axes.xaxis.set_major_formatter(FuncFormatter(decimal))
    axes.grid(color=theme.faint)
    legend_below(axes)
    low, high = -2 * np.log([axes.get_xlim()[1], axes.get_xlim()[0]])
    ticks = np.arange(np.ceil(low / 5) * 5, high, 5)
    names = [f"{tick:.0f}" for tick in ticks]
    _upper_axis(axes, np.exp(ticks / -2), names, "log_snr = -2 ln sigma")


def _middles(
    curve: LawCurve,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.sqrt(curve.sigma[1:] * curve.sigma[:-1]), curve.density


def _looks(curves: Sequence[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each curve with its look."""
    yield from zip(curves, looks([curve.name for curve in curves]), strict=True)


def looks(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a colour, a mark and a dash for each of some curves, and its label."""
    found = zip(cycle(CURVE_COLORS), cycle(MARKS), cycle(DASHES), strict=False)
    for name, (color, mark, dash) in zip(names, found, strict=False):
        yield {
            "color": color,
            "marker": mark,
            "linestyle": dash,
            "markersize": 5,
            "linewidth": 1.5,
            # Labels that begin with a bar are none to matplotlib.
            "label": f" {name}",
        }


def places(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where rings stand on a log axis; ring 0, the mean, before the others."""
    placed = frequency.copy()
    placed[0] = DC_PLACE * frequency[1:2].min(initial=1)
    return placed


def ring_edges(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where rings meet on a log axis, (K + 1,)."""
    placed = places(frequency)
    inner = np.sqrt(placed[1:] * placed[:-1])
    first = placed[0] * DC_PLACE if not len(inner) else placed[0] ** 2 / inner[0]
    return np.concatenate([[first], inner, [placed[-1] * 1.02]])


def runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where runs of true values begin, and one past where they end.

    Examples
    --------
    >>> starts, ends = runs(np.array([True, False, True, True]))
    >>> starts.tolist(), ends.tolist()
    ([0, 2], [1, 4])
    """
    changes = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)


def _labelled(curve: SpectrumCurve, bottom: float, top: float) -> set[int]:
    """Return which levels have room for a label beside the panel, the ends before all.

    Parameters
    ----------
    bottom, top
        Ends of the axis of powers.
    """
    heights = np.log(curve.floors / bottom) / np.log(top / bottom)
    last = len(heights) - 1
    kept = [0]
    for index in range(1, last):
        apart = min(heights[kept[-1]] - heights[index], heights[index] - heights[last])
        if apart >= LABEL_HEIGHT:
            kept.append(index)
    return {*kept, last}


def _frequency_axis(axes: Axes, place: NDArray[np.float64]) -> None:
    ticks = [1 / size for size in (512, 256, 128, 64, 32, 16, 8, 4, 2)]
    shown = [tick for tick in ticks if tick >= place[1:2].min(initial=1)]
    names = [f"1/{round(1 / tick)}" for tick in shown]
    axes.set_xticks([place[0], *shown], ["mean", *names])
    axes.minorticks_off()
    axes.set_xlabel(FREQUENCY)


def _sigma_axis(axes: Axes, theme: Theme) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(decimal))
    axes.grid(color=theme.faint)
    legend_below(axes)


def legend_below(axes: Axes) -> None:
    """Name the curves below a panel, where nothing is hidden."""
    labels = [label for label in axes.get_legend_handles_labels()[1] if label]
    if not labels:
        return
    longest = max(map(len, labels)) + HANDLE_LETTERS
    below = ScaledTranslation(0, -BELOW, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below,
        ncols=min(len(labels), max(1, LETTERS // longest)),
        handlelength=3.2,
        frameon=False,
        borderaxespad=0,
    )


DRAWERS: Mapping[PanelKind, Callable[[Axes, Any, Theme], None]] = {
    "spectrum": _draw_spectrum,
    "step": _draw_steps,
    "t": _draw_times,
    "log_snr": _draw_log_snr,
    "error": _draw_errors,
    "calls": _draw_calls,
    "law": _draw_laws,
}


def align_spectra(drawn: Sequence[tuple[Axes, PanelKind]]) -> None:
    """Give all panels with spectra the same range of power, to be compared."""
    spectra = [axes for axes, kind in drawn if kind == "spectrum"]
    for axes in spectra:
        lows, highs = zip(*(other.get_ylim() for other in spectra), strict=True)
        axes.set_ylim(min(lows), max(highs))
