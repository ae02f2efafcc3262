"""What tables are planned from: a data set, in a spectrum or a schedule file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import power_distribution
from spectral_sched.spectra.rescale import rescale, rescale_mixture

if TYPE_CHECKING:
    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.spectra.bounds import SigmaBounds
    from spectral_sched.spectra.mixture import SpectralMixture
    from spectral_sched.spectra.power_distribution import PowerDistribution


@dataclass(frozen=True, eq=False)
class DataSet:
    """What tables are planned from: a data set, in a spectrum or a schedule file.

    Attributes
    ----------
    power
        Its mean spectrum, and how power varies over its images.
    bounds
        Its noise range, with the settings that it was found with.
    preprocessing
        What was done to the images first.
    data_key
        Digest of its pixels.
    mixture
        Distribution of the spectra of its images, if one was fitted.
    """

    power: PowerDistribution
    bounds: SigmaBounds
    preprocessing: Preprocessing
    data_key: str
    mixture: SpectralMixture | None = None


def measured_data_set(measured: Measurement) -> DataSet:
    """Return what tables are planned from for a measured data set."""
    return DataSet(
        power=power_distribution(measured.spectrum),
        bounds=measured.bounds,
        preprocessing=measured.preprocessing,
        data_key=measured.spectrum.data_key,
        mixture=measured.mixture,
    )


def resize_data_set(data_set: DataSet, side: int) -> DataSet:
    """Return the data set as it would be at another size, bounds included."""
    distribution, old = rescale(data_set.power, side), data_set.bounds
    mixture = data_set.mixture
    return replace(
        data_set,
        power=distribution,
        bounds=sigma_bounds(
            distribution.field, epsilon=old.epsilon, tolerance=old.tolerance
        ),
        preprocessing=replace(data_set.preprocessing, resolution=side),
        mixture=mixture and rescale_mixture(mixture, data_set.power.field, side),
    )
