"""An audit of a model in lines and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.spectra.rings import octaves
from spectral_sched.words import number_of

from .tables import new_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.documents.strict_json import Document

LESS, MORE = "better", "worse"


def audit_parts(document: Document) -> list[RenderableType]:
    """Return everything worth saying about an audit."""
    what = "image" if document["on_images"] else "sample"
    field = "" if document["on_images"] else " of the spectrum's field"
    return [
        f"{document['model']['name']} on "
        f"{number_of(document['num_images'], what)}{field}: "
        f"{number_of(document['network_calls'], 'network call')} (NFE), "
        f"{number_of(document['seconds'], 'second', form='.3g')}",
        "squared error per pixel, beside Wiener's filter of the same spectrum",
        "",
        level_table(document),
        "",
        *finding_lines(document),
        trust_line(document),
    ]


def level_table(document: Document) -> Table:
    """Return the errors of each level, and the octaves in which the model is worse."""
    table = new_table(
        *("sigma", "model", "filter", "closed form", "model / filter"),
        *("a line corrects", "worse in"),
    )
    modes = mode_shares(document)
    bands = list(octaves(np.array(document["frequency"])))
    for place, sigma in enumerate(document["sigmas"]):
        model, filtered, closed = (
            as_floats(document[f"{name}"][place]) for name in ERRORS
        )
        ratio = document["ratio"][place]
        mark = MORE if document["worse"][place] else LESS if (ratio or 2) < 1 else ""
        table.add_row(
            f"{sigma:.4g}",
            *(f"{modes @ errors:.3g}" for errors in (model, filtered, closed)),
            "not finite" if ratio is None else f"{ratio:.3f} {mark}".rstrip(),
            f"{document['correctable'][place]:.1%}",
            _worse_bands(model, filtered, modes, bands),
        )
    return table


ERRORS = ("network_error", "wiener_error", "wiener_closed")
NOTABLE = 0.01
"""Excess of error in an octave that is worth naming, as a share of the filter's in all:
half of what is let pass in all (`spectral_sched.planning.trust`)."""


def as_floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Return numbers with NaN for what was no finite number."""
    return np.array([np.nan if value is None else value for value in values])


def mode_shares(document: Document) -> NDArray[np.float64]:
    """Return the share of each ring in all modes, (K,)."""
    modes = np.array(document["num_modes"], dtype=float)
    return np.asarray(modes / modes.sum())


def _worse_bands(
    model: NDArray[np.float64],
    filtered: NDArray[np.float64],
    modes: NDArray[np.float64],
    bands: list[tuple[str, NDArray[np.bool_]]],
) -> str:
    """Return the octaves in which the model is notably worse than the filter."""
    excess = modes * (model - filtered)
    least = NOTABLE * (modes @ filtered)
    named = [name for name, band in bands if excess[band].sum() > least]
    if not named or len(named) == len(bands):
        return "all" if named else ""
    return ", ".join(_joined(named, [name for name, _ in bands]))


def _joined(named: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Yield neighbouring octaves as one."""
    places = [names.index(name) for name in named]
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    for start, end in zip(starts, ends, strict=True):
        low, high = names[start].partition(" - ")[0], names[end].rpartition(" - ")[2]
        yield names[start] if start == end else f"{low} - {high}"


def finding_lines(document: Document) -> list[str]:
    """Return what was found, a line each."""
    found = [f"found: {finding['text']}" for finding in document["findings"]]
    return found or ["found nothing wrong"]


def trust_line(document: Document) -> str:
    """Return where the model can be trusted."""
    trusted = document["trusted_range"]
    if trusted is None:
        return "trusted nowhere: the filter is better at every level"
    return f"trusted from sigma {trusted[0]:.4g} to {trusted[1]:.4g}"
