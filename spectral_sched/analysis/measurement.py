"""A data set measured: its spectrum, its noise range, and how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.defaults import EPSILON, TOLERANCE
from spectral_sched.documents.summary import Summed
from spectral_sched.images.noted import noted_lines
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

from .origin import NOTHING, Origin
from .run import analysis_settings, gather
from .tasks import HERE, Executor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Item
    from spectral_sched.spectra.mixture import SpectralMixture

    from .checkpoint import Checkpoint
    from .chunk import Chunk, Skipped
    from .tasks import Progress


@dataclass(frozen=True, eq=False, repr=False)
class Measurement(Summed):
    """A measured data set.

    Attributes
    ----------
    spectrum, bounds, intervals
        What was measured, the noise range derived from it, and its uncertainty.
    preprocessing
        What was done to the images first.
    skipped
        Images that could not be used.
    warnings
        What the images are suspected of, one sentence each.
    mixture
        Distribution of the spectra of single images, if it was asked for.
    origin
        Where the images came from, and what was left out there.
    """

    spectrum: Spectrum
    bounds: SigmaBounds
    intervals: BoundIntervals
    preprocessing: Preprocessing
    skipped: Skipped
    warnings: tuple[str, ...] = ()
    mixture: SpectralMixture | None = None
    origin: Origin = NOTHING

    def _facts(self) -> Mapping[str, str]:
        channels, height, width = self.spectrum.field.shape
        facts = {
            "pictures": f"{self.spectrum.num_images}, {channels}x{height}x{width}",
            "classes": str(len(self.spectrum.class_counts)),
            "left out": str(self.skipped.total),
            "sigma_min": _known(self.bounds.sigma_min, self.intervals.sigma_min),
            "sigma_max": _known(self.bounds.sigma_max, self.intervals.sigma_max),
            "sigma_data": f"{self.spectrum.field.sigma_data:.4g}",
            "data_key": self.spectrum.data_key[:16],
        }
        texts = [*self.warnings, *self.origin.remarks, *self.origin.left_out]
        warned = {f"warning {n}": text for n, text in enumerate(texts[:9], 1)}
        return facts | warned


def _known(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{value:.4g} ({low:.4g} to {high:.4g})"


@dataclass(frozen=True)
class Wanted:
    """What is derived from the statistics of a data set.

    Attributes
    ----------
    epsilon
        Nats per mode below which a ring is swamped.
    tolerance
        Error that may stay below sigma_min, in 8-bit rounding errors.
    num_components
        How many Gaussians the distribution of single spectra has; None for no fit.
    """

    epsilon: float = EPSILON
    tolerance: float = TOLERANCE
    num_components: int | None = None

    def check(self, *, of_shard: bool = False) -> None:
        """Raise an error, before the work, where something cannot be had."""
        check_settings(self.epsilon, self.tolerance)
        if self.num_components is not None:
            check_mixture(self.num_components, of_shard=of_shard)


def measure(
    items: Iterable[Item],
    preprocessing: Preprocessing,
    wanted: Wanted = Wanted(),
    *,
    precision: str = "float32",
    max_errors: int | None = None,
    executor: Executor = HERE,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """Measure the spectrum and the useful noise range of images.

    Parameters
    ----------
    precision
        Type that pixels are transformed in, float32 or float64.
    max_errors, executor, checkpoint, progress
        As for `run.gather`.
    """
    wanted.check()
    partial = gather(
        items,
        analysis_settings(preprocessing, precision),
        max_errors=max_errors,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
    return derive(partial.chunk, preprocessing, wanted)


def derive(
    whole: Chunk, preprocessing: Preprocessing, wanted: Wanted = Wanted()
) -> Measurement:
    """Derive the spectrum and the useful noise range from what was gathered."""
    wanted.check()
    spectrum = dataset_spectrum(whole.found())
    bounds = sigma_bounds(
        spectrum.field, epsilon=wanted.epsilon, tolerance=wanted.tolerance
    )
    return Measurement(
        spectrum,
        bounds,
        bound_intervals(spectrum, bounds),
        preprocessing,
        whole.skipped,
        (
            *noted_lines(whole.noted, preprocessing.background),
            *data_warnings(spectrum, whole.num_subsampled, whole.num_pages_left),
        ),
        fit_mixture(spectrum, bounds.sigma_min, wanted.num_components)
        if wanted.num_components
        else None,
    )
