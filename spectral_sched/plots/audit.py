"""An audit as an image: errors by level, and where in the spectrum they are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter

from .canvas import DPI, METADATA, style
from .drawing import legend_below, places, ring_edges
from .labels import decimal
from .themes import CURVE_COLORS, LIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document

SIZE = (11.0, 4.2)
SIZES = (512, 256, 128, 64, 32, 16, 8, 4, 2)
"""Pixels of a cycle that have a tick."""

WIDEST = 2.0
"""Factor of the error that the colours go up and down to."""


def write_audit_picture(document: Document, path: Path) -> None:
    """Write an audit as a PNG, SVG or PDF, by the ending of the name.

    The left panel has the squared errors of the model, of Wiener's filter and of the
    noisy image itself; the right one the first over the second, by ring.
    """
    from spectral_sched.documents.write import write_atomically

    picture = audit_picture(document, path.suffix.lower())
    write_atomically(path, picture, flag="--plot")


def audit_picture(document: Document, suffix: str) -> bytes:
    """Return an audit as a PNG, SVG or PDF file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with mpl.rc_context(style(LIGHT)):
        figure = Figure(SIZE, layout="constrained")
        errors, spectrum = figure.subplots(1, 2)
        _draw_errors(errors, document)
        _draw_rings(figure, spectrum, document)
        figure.savefig(
            content, format=suffix.removeprefix("."), dpi=DPI, metadata=METADATA[suffix]
        )
    return content.getvalue()


def _rings(document: Document, name: str) -> NDArray[np.float64]:
    """Return errors by level and ring, (L, K), NaN for what was no finite number."""
    return np.array(document[name], dtype=float)


def _draw_errors(axes: Any, document: Document) -> None:
    sigmas = np.array(document["sigmas"])
    modes = np.array(document["num_modes"], dtype=float)
    shares = modes / modes.sum()
    curves = {
        "the model": (_rings(document, "network_error") @ shares, "o-", 0),
        "Wiener's filter": (_rings(document, "wiener_error") @ shares, "s--", 1),
        "the noisy image": (sigmas**2, ":", 2),
    }
    top = 3 * np.nanmax(curves["Wiener's filter"][0])
    for label, (values, look, color) in curves.items():
        axes.loglog(
            sigmas, values, look, label=label, color=CURVE_COLORS[color], markersize=3.5
        )
    trusted = document["trusted_range"]
    if trusted is not None:
        axes.axvspan(
            *trusted, color=LIGHT.shade, alpha=0.6, label="trusted range", lw=0
        )
    axes.set_ylim(top=max(top, 1.2 * np.nanmax(curves["the model"][0])))
    axes.set(xlabel="sigma", ylabel="squared error per pixel")
    axes.set_title(f"{document['model']['name']}: error by level")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(decimal))
    axes.minorticks_off()
    axes.grid(visible=True)
    legend_below(axes)


def _draw_rings(figure: Any, axes: Any, document: Document) -> None:
    sigmas, frequency = np.array(document["sigmas"]), np.array(document["frequency"])
    with np.errstate(divide="ignore", invalid="ignore"):
        over = _rings(document, "network_error") / _rings(document, "wiener_error")
    ratios = sigmas[:-1] / sigmas[1:]
    edges = sigmas * np.sqrt(ratios[0])
    drawn = axes.pcolormesh(
        np.append(edges, sigmas[-1] / np.sqrt(ratios[0])),
        ring_edges(frequency),
        np.log2(over).T,
        cmap="RdBu_r",
        vmin=-np.log2(WIDEST),
        vmax=np.log2(WIDEST),
        rasterized=True,
    )
    axes.plot(_floor(document), places(frequency), color=LIGHT.ink, linewidth=1.2)
    axes.set(xscale="log", yscale="log", xlabel="sigma", xlim=(sigmas[-1], sigmas[0]))
    names = [f"1/{size}" for size in SIZES if 1 / size >= frequency[1]]
    shown = [1 / size for size in SIZES if 1 / size >= frequency[1]]
    axes.set_yticks([places(frequency)[0], *shown], ["mean", *names])
    axes.minorticks_off()
    axes.set_ylabel("frequency (cycles/pixel)")
    axes.set_title("model over filter, by frequency; line: signal = noise")
    axes.xaxis.set_major_formatter(FuncFormatter(decimal))
    bar = figure.colorbar(drawn, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], extend="both")
    bar.ax.set_yticklabels(["half", "0.71", "equal", "1.41", "twice"])


def _floor(document: Document) -> NDArray[np.float64]:
    """Return the sigma at which the noise is as strong as each ring, (K,).

    The closed form at the highest level is ``P s^2 / (P + s^2)``.
    """
    highest, closed = document["sigmas"][0] ** 2, _rings(document, "wiener_closed")[0]
    power = closed * highest / np.maximum(highest - closed, 1e-12 * highest)
    return np.asarray(np.sqrt(power))
