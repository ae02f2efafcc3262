"""A measured data set in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.images.pixel_size import cycles_per, parse_pixel_size
from spectral_sched.spectra.bounds import swamped_at
from spectral_sched.spectra.power_law import field_power_law
from spectral_sched.spectra.rings import octaves
from spectral_sched.words import number_of

from .tables import new_table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.analysis.partial_file import Partial
    from spectral_sched.spectra.bounds import BoundIntervals, SigmaBounds
    from spectral_sched.spectra.gaussian_field import GaussianField
    from spectral_sched.spectra.mixture import SpectralMixture
    from spectral_sched.spectra.spectrum import Spectrum


ENOUGH = 0.05
"""Relative uncertainty of sigma_max that is good enough in practice."""


class Units(NamedTuple):
    """What frequencies are told in: cycles per this, and how many a cycle/pixel is."""

    name: str = "pixel"
    scale: float = 1.0


PER_PIXEL = Units()


def spectrum_table(
    field: GaussianField, swamped: NDArray[np.float64], units: Units = PER_PIXEL
) -> Table:
    """Return power, modes, share of the energy and swamping level per octave."""
    told = f"cycles/{units.name}"
    table = new_table(told, "modes", "power", "energy", "swamped at sigma")
    modes, power = field.num_modes, field.power
    energy = modes * power
    for name, band in octaves(field.frequency, units.scale):
        table.add_row(
            name,
            f"{modes[band].sum()}",
            f"{energy[band].sum() / modes[band].sum():.3g}",
            f"{energy[band].sum() / energy.sum():.2%}",
            f"{swamped[band].max():.4g}",
        )
    return table


def bounds_table(bounds: SigmaBounds, intervals: BoundIntervals) -> Table:
    """Return the tight range with intervals and what each end costs."""
    table = new_table("bound", "sigma", "95 % interval", "KL at most", "KL Gaussian")
    for name, interval, costs in (
        ("sigma_min", intervals.sigma_min, ()),
        ("sigma_min_ring", intervals.sigma_min_ring, ()),
        ("sigma_max", intervals.sigma_max, (bounds.kl_bound, bounds.kl_gaussian)),
        (
            "sigma_max_centred",
            intervals.sigma_max_centred,
            (bounds.kl_bound_centred, bounds.kl_gaussian_centred),
        ),
    ):
        table.add_row(
            name,
            f"{getattr(bounds, name):.4g}",
            "{:.4g} - {:.4g}".format(*interval),
            *(number_of(nats, "nat", form=".2g") for nats in costs),
        )
    return table


def measured_units(measured: Measurement, unit: str) -> Units:
    """Return what frequencies are in cycles per a unit of the world.

    Raises
    ------
    UsageError
        If there is no one size of pixels, or it cannot be told in the unit.
    """
    sizes = measured.origin.pixel_sizes
    if len(sizes) != 1:
        told = number_of(len(sizes), "size") if sizes else "no size"
        message = (
            f"the files state {told} of pixels, so frequencies are known in cycles per "
            "pixel alone; leave out --units"
        )
        raise UsageError(message)
    resolution = measured.preprocessing.resolution
    return Units(unit, cycles_per(unit, parse_pixel_size(sizes[0]), resolution))


def measurement_parts(
    measured: Measurement, unit: str | None = None
) -> list[RenderableType]:
    """Return everything worth saying about a measured data set.

    Parameters
    ----------
    unit
        Frequencies are in cycles per this, or per pixel.
    """
    units = PER_PIXEL if unit is None else measured_units(measured, unit)
    spectrum, bounds, intervals = measured.spectrum, measured.bounds, measured.intervals
    swamped = swamped_at(spectrum.field.power, bounds.epsilon)
    parts: list[RenderableType] = list(data_lines(spectrum))
    parts += ["", spectrum_table(spectrum.field, swamped, units)]
    parts += ["", bounds_table(bounds, intervals)]
    parts += ["", enough_line(spectrum.num_images, intervals)]
    parts += [f"pixels: {size}" for size in measured.origin.pixel_sizes]
    parts += mixture_lines(measured.mixture)
    if measured.skipped.total:
        reasons = sorted(measured.skipped.reasons.items())
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
        parts.append(f"{measured.skipped.total} skipped: {counts}")
    return parts


def mixture_lines(mixture: SpectralMixture | None) -> list[str]:
    """Return what is known of the spectra of single images, if anything."""
    if mixture is None:
        return []
    count, size = mixture.means.shape
    classes = len(mixture.class_weights)
    return [
        f"spectra of single images: {number_of(count, 'Gaussian')} in "
        + number_of(size, "dimension")
        + (f", mixed for {number_of(classes, 'class')}" if classes else "")
    ]


def partial_parts(gathered: Partial) -> list[RenderableType]:
    """Return what a shard holds."""
    chunk, shard = gathered.chunk, gathered.shard
    parts: list[RenderableType] = [
        f"shard {shard}: {number_of(chunk.num_images, 'image')} of "
        f"{number_of(gathered.source.count, 'item')}",
        f"{chunk.skipped.total} skipped",
    ]
    if not gathered.complete:
        parts.append("interrupted: continue with --resume")
    return parts


def data_lines(spectrum: Spectrum) -> list[str]:
    """Return what the images are, one fact per line."""
    channels, height, width = spectrum.field.shape
    lines = [
        f"{number_of(spectrum.num_images, 'image')} of {width}x{height}, "
        f"{number_of(channels, 'channel')}, "
        f"sigma_data {spectrum.field.sigma_data:.4g}"
    ]
    law = field_power_law(spectrum.field)
    if law:
        lines.append(
            f"power law: power = {law.amplitude:.3g} / frequency^{law.exponent:.3g} "
            f"(R2 {law.r2:.3f})"
        )
    return lines


def enough_line(num_images: int, intervals: BoundIntervals) -> str:
    """Return whether there are enough images to know sigma_max."""
    low, high = intervals.sigma_max
    spread = np.sqrt(high / low) - 1
    known = f"sigma_max is known to about {spread:.1%}"
    if num_images == 1:
        return "one image says nothing about others: add more for an interval"
    if spread <= ENOUGH:
        return f"you have enough images: {known}"
    needed = int(np.ceil(num_images * (spread / ENOUGH) ** 2))
    return (
        f"{known}: with about {number_of(needed, 'such image')} you know it to "
        f"{ENOUGH:.0%}"
    )
