"""What tables are planned from: a data set, in a spectrum or a schedule file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import spectrum_planning
from spectral_sched.spectra.rescale import rescaled, rescaled_mixture

if TYPE_CHECKING:
    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.spectra.bounds import SigmaBounds
    from spectral_sched.spectra.mixture import SpectralMixture
    from spectral_sched.spectra.power_distribution import Planning


@dataclass(frozen=True, eq=False)
class PlanSource:
    """What tables are planned from: a data set, in a spectrum or a schedule file.

    Attributes
    ----------
    planning
        Its mean spectrum, and how power varies over its pictures.
    bounds
        Its noise range, with the settings that it was found with.
    preprocessing
        What was done to the pictures first.
    source_key
        Digest of its pixels.
    mixture
        Distribution of the spectra of its pictures, if one was fitted.
    """

    planning: Planning
    bounds: SigmaBounds
    preprocessing: Preprocessing
    source_key: str
    mixture: SpectralMixture | None = None


def measured_source(measured: Measurement) -> PlanSource:
    """Return what tables are planned from for a measured data set."""
    return PlanSource(
        planning=spectrum_planning(measured.spectrum),
        bounds=measured.bounds,
        preprocessing=measured.preprocessing,
        source_key=measured.spectrum.data_key,
        mixture=measured.mixture,
    )


def resized_source(source: PlanSource, side: int) -> PlanSource:
    """Return the data set as it would be at another size, bounds included."""
    planning, old = rescaled(source.planning, side), source.bounds
    mixture = source.mixture
    return replace(
        source,
        planning=planning,
        bounds=sigma_bounds(
            planning.field, epsilon=old.epsilon, tolerance=old.tolerance
        ),
        preprocessing=replace(source.preprocessing, resolution=side),
        mixture=mixture and rescaled_mixture(mixture, source.planning.field, side),
    )
