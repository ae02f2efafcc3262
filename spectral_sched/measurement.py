"""A data set measured: its spectrum, its noise range, and how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .analysis import Skipped, analyse_items
from .bounds import (
    BoundIntervals,
    SigmaBounds,
    bound_intervals,
    check_settings,
    sigma_bounds,
)
from .defaults import EPSILON, TOLERANCE
from .quality import data_warnings
from .spectra import check_precision
from .spectrum import Spectrum, dataset_spectrum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .analysis import Progress
    from .images import Preprocessing
    from .sources import Item


@dataclass(frozen=True, eq=False)
class Measurement:
    """A measured data set.

    Attributes
    ----------
    spectrum, bounds, intervals
        What was measured, the noise range derived from it, and its uncertainty.
    preprocessing
        What was done to the pictures first.
    skipped
        Pictures that could not be used.
    warnings
        What the pictures are suspected of, one sentence each.
    """

    spectrum: Spectrum
    bounds: SigmaBounds
    intervals: BoundIntervals
    preprocessing: Preprocessing
    skipped: Skipped
    warnings: tuple[str, ...] = ()


def measure(
    items: Iterable[Item],
    preprocessing: Preprocessing,
    *,
    epsilon: float = EPSILON,
    tolerance: float = TOLERANCE,
    precision: str = "float32",
    max_errors: int | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """Measure the spectrum and the useful noise range of pictures."""
    check_settings(epsilon, tolerance)
    analysis = analyse_items(
        items,
        preprocessing,
        precision=check_precision(precision),
        max_errors=max_errors,
        progress=progress,
    )
    spectrum = dataset_spectrum(analysis.statistics)
    bounds = sigma_bounds(spectrum.field, epsilon=epsilon, tolerance=tolerance)
    intervals = bound_intervals(spectrum, bounds)
    return Measurement(
        spectrum,
        bounds,
        intervals,
        preprocessing,
        analysis.skipped,
        tuple(data_warnings(spectrum, analysis.num_subsampled)),
    )
