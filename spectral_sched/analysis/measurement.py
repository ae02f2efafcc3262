"""A data set measured: its spectrum, its noise range, and how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.defaults import EPSILON, TOLERANCE
from spectral_sched.spectra.bounds import (
    BoundIntervals,
    SigmaBounds,
    bound_intervals,
    check_settings,
    sigma_bounds,
)
from spectral_sched.spectra.mixture import check_mixture, fit_mixture
from spectral_sched.spectra.quality import data_warnings
from spectral_sched.spectra.spectrum import Spectrum, dataset_spectrum

from .run import analysis_settings, gather, make_executor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Item
    from spectral_sched.spectra.mixture import SpectralMixture

    from .chunk import Chunk, Skipped
    from .tasks import Progress


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
    mixture
        Distribution of the spectra of single pictures, if it was asked for.
    """

    spectrum: Spectrum
    bounds: SigmaBounds
    intervals: BoundIntervals
    preprocessing: Preprocessing
    skipped: Skipped
    warnings: tuple[str, ...] = ()
    mixture: SpectralMixture | None = None


def measure(
    items: Iterable[Item],
    preprocessing: Preprocessing,
    *,
    epsilon: float = EPSILON,
    tolerance: float = TOLERANCE,
    precision: str = "float32",
    num_components: int | None = None,
    max_errors: int | None = None,
    workers: int | None = 1,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """Measure the spectrum and the useful noise range of pictures.

    Parameters
    ----------
    workers, dask
        Who does the work, as for `run.make_executor`. A program that asks for more than
        one process must guard its start with ``if __name__ == "__main__"``, as for
        `multiprocessing`.
    """
    check_wishes(epsilon, tolerance, num_components)
    settings = analysis_settings(preprocessing, precision)
    with make_executor(workers, dask) as executor:
        gathered = gather(
            items, settings, executor=executor, max_errors=max_errors, progress=progress
        )
    return measurement(
        gathered.chunk,
        preprocessing,
        epsilon=epsilon,
        tolerance=tolerance,
        num_components=num_components,
    )


def check_wishes(
    epsilon: float,
    tolerance: float,
    num_components: int | None,
    *,
    of_shard: bool = False,
) -> None:
    """Raise an error, before the work, where what is to be derived cannot be had."""
    check_settings(epsilon, tolerance)
    if num_components is not None:
        check_mixture(of_shard=of_shard)


def measurement(
    whole: Chunk,
    preprocessing: Preprocessing,
    *,
    epsilon: float,
    tolerance: float,
    num_components: int | None = None,
) -> Measurement:
    """Derive the spectrum and the useful noise range from what was gathered.

    Parameters
    ----------
    num_components
        How many Gaussians the distribution of single spectra shall have; none is fitted
        if not given.
    """
    check_settings(epsilon, tolerance)
    spectrum = dataset_spectrum(whole.found())
    bounds = sigma_bounds(spectrum.field, epsilon=epsilon, tolerance=tolerance)
    intervals = bound_intervals(spectrum, bounds)
    return Measurement(
        spectrum,
        bounds,
        intervals,
        preprocessing,
        whole.skipped,
        tuple(data_warnings(spectrum, whole.num_subsampled)),
        fit_mixture(spectrum, bounds.sigma_min, num_components)
        if num_components
        else None,
    )
