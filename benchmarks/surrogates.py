"""What each part of the model behind `optimal` brings, on trained networks.

Run it as ``python benchmarks/surrogates.py photos.safetensors satellite.safetensors``.
Tables are planned on models of the images that lack one part each, or have one more,
and are then played on the networks. Printed is the error of their samples over that of
the tables of the whole model: the geometric mean over solvers and numbers of calls,
with the 95 % interval of a bootstrap over the starts, and the best and the worst cell.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.files.any_format import read_data_set
from spectral_sched.planning import mode_powers
from spectral_sched.planning.kinds.optimal import least_error_table
from spectral_sched.planning.scale_mixture import (
    NUM_SCALES,
    Band,
    ScaleMixture,
    image_bands,
    scale_mixture,
)
from spectral_sched.planning.table_error import TableError
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.spectra.power_distribution import PowerDistribution

Floats = NDArray[np.float64]
Model = Callable[[PowerDistribution], ScaleMixture]

CELLS = (
    ("dpmpp-2m", 5),
    ("dpmpp-2m", 8),
    ("dpmpp-2m", 12),
    ("dpmpp-3m", 8),
    ("unipc", 8),
    ("heun", 4),
    ("euler", 8),
)
"""Solvers and numbers of steps."""

FINE = "heun", 32
"""What the reference is played with."""

RESAMPLED = 2000
"""Draws of the bootstrap."""


def whole(power: PowerDistribution) -> ScaleMixture:
    """Return the model of `optimal`."""
    return scale_mixture(image_bands(power))


def with_blocks(size: int) -> Model:
    """Return the model with blocks of so many modes."""
    return lambda power: scale_mixture(image_bands(power), size)


def with_bands(change: Callable[[Band], Band]) -> Model:
    """Return the model with every band changed, but for the mean of an image."""
    return lambda power: scale_mixture(
        [change(band) if band.number else band for band in image_bands(power)]
    )


def one_scale(band: Band) -> Band:
    """Return a band of one scale, which makes the images a Gaussian field."""
    return band._replace(scale=np.full(NUM_SCALES, band.scale.mean()))


def spread_inside(band: Band, nats: float = 0.7) -> Band:
    """Return a band whose scales vary inside images too, log-normally."""
    scores = np.linspace(-1.5, 1.5, NUM_SCALES)
    every = np.sort(np.outer(band.scale, np.exp(nats * scores)).ravel())
    scale = every.reshape(NUM_SCALES, -1).mean(axis=1)
    return band._replace(scale=scale * band.scale.mean() / scale.mean())


def colors_alike(power: PowerDistribution) -> ScaleMixture:
    """Return the model with the same scales for all axes of colour."""
    found = image_bands(power)
    scales: dict[int, list[Floats]] = {}
    for band in found:
        scales.setdefault(band.number, []).append(band.scale)
    mean = {number: np.mean(scale, axis=0) for number, scale in scales.items()}
    return scale_mixture([band._replace(scale=mean[band.number]) for band in found])


def chance_kept(power: PowerDistribution) -> ScaleMixture:
    """Return the model with what spectra differ by through chance alone."""
    with patch.object(mode_powers, "without_chance", lambda logs, _: logs):
        return whole(power)


MODELS: dict[str, Model] = {
    "a Gaussian field": with_bands(one_scale),
    "blocks of 9": with_blocks(9),
    "blocks of 16": with_blocks(16),
    "blocks of 25": with_blocks(25),
    "blocks of 64": with_blocks(64),
    "scales known (blocks of 10,000)": with_blocks(10_000),
    "colours alike": colors_alike,
    "chance kept": chance_kept,
    "0.7 nats inside images": with_bands(spread_inside),
}
"""Models by their names; all are compared with `whole`."""


class Bench:
    """One network, and a fine reference of its samples.

    Parameters
    ----------
    path
        A network with the spectrum of its images.
    num_samples
        Starts that tables are played from.
    """

    def __init__(self, path: Path, num_samples: int) -> None:
        self.data_set = read_data_set(path)
        self.network = read_model(path)[0].eval()
        bounds = self.data_set.bounds
        self.ends = bounds.sigma_min, bounds.sigma_max
        shape = self.data_set.power.field.shape
        self.player = Player(self.network, shape, range(num_samples))
        sampler, num_steps = FINE
        fine = sigma_table(Schedule(KarrasLaw(), *self.ends), num_steps)
        self.fine = self.player.play_table(fine, sampler)

    def table(self, mixture: ScaleMixture, cell: tuple[str, int]) -> SigmaTable:
        """Return the table that is best on a model of the images."""
        sampler, num_steps = cell
        errors = TableError(mixture, sampler, "zero", self.ends[1])
        return least_error_table(errors, num_steps, self.ends)

    def errors(self, model: Model) -> Iterator[Floats]:
        """Yield the squared errors of every start, (S,), in each cell."""
        mixture = model(self.data_set.power)
        for cell in CELLS:
            samples = self.player.play_table(self.table(mixture, cell), cell[0])
            wrong = np.asarray(samples - self.fine, dtype=np.float64)
            yield np.square(wrong).mean(axis=(1, 2, 3))


def ratios(squares: Floats, base: Floats) -> Floats:
    """Return errors over those of another model, from squares, (..., cells, starts)."""
    found: Floats = np.sqrt(squares.mean(axis=-1) / base.mean(axis=-1))
    return found


def mean_ratio(squares: Floats, base: Floats) -> str:
    """Return the geometric mean over cells, (cells, starts), with its interval."""
    rng = np.random.default_rng(0)
    count = squares.shape[-1]
    drawn = rng.integers(count, size=(RESAMPLED, count))
    every = ratios(squares[:, drawn].swapaxes(0, 1), base[:, drawn].swapaxes(0, 1))
    means = np.exp(np.log(every).mean(axis=-1))
    low, high = np.quantile(means, (0.025, 0.975))
    each = ratios(squares, base)
    middle = np.exp(np.log(each).mean())
    return f"{middle:.3f} [{low:.3f}, {high:.3f}] | {each.min():.2f} | {each.max():.2f}"


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", type=Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    return parser.parse_args()


def all_errors(benches: Sequence[Bench], model: Model) -> Floats:
    """Return the squared errors of every start in the cells of all networks."""
    return np.array([row for bench in benches for row in bench.errors(model)])


def lines(benches: Sequence[Bench], names: Sequence[str]) -> Iterator[str]:
    """Yield a table: a line for each model, measured on all networks."""
    yield "| model of the images | error over that of the whole | least | most |"
    yield "|---|---|---|---|"
    base = all_errors(benches, whole)
    for name in names:
        yield f"| {name} | {mean_ratio(all_errors(benches, MODELS[name]), base)} |"


def main() -> None:
    """Measure every model of the images."""
    given = arguments()
    torch.set_num_threads(1)
    benches = [Bench(path, given.samples) for path in given.networks]
    for line in lines(benches, given.models):
        print(line, flush=True)


if __name__ == "__main__":
    main()
