"""Noise laws to train with, judged at equal budgets.

Run it as ``python benchmarks/laws.py training.npy held_out.npy -o laws.json``. Every
law trains a tiny network from each seed for the same number of steps. Judged are the
held-out denoising loss, all log SNRs alike over the data set's range, and the Frechet
distance on random features between held-out images and samples of 8 and 32 calls,
beside its floor. A network that is told the ends of an image's range (``film``) is
told those of a random training image for each sample, and plays the table that is
planned for that image inside them: beyond them it was not trained.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.defaults import TRAINING_SETTINGS
from spectral_sched.diffusion.evaluation.yardsticks import Yardsticks
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.noise import own_ranges
from spectral_sched.diffusion.training.pictures import PictureSet, picture_set
from spectral_sched.diffusion.training.run import TrainingRun, training_options
from spectral_sched.diffusion.training.trainer import TrainingSettings, held_out_loss
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.sources import items
from spectral_sched.spectra.periodogram import RingPowers
from spectral_sched.spectra.power_distribution import image_distribution

CALLS = (8, 32)
NUM_JUDGED = 256
FAINT = 1e-12
"""Least power of a ring, of the largest: blank images have rings without any."""


class Entry(NamedTuple):
    """A law as it is trained with: its name, its settings, and whether FiLM is on."""

    law: str
    settings: tuple[str, ...] = ()
    film: bool = False


ENTRIES: dict[str, Entry] = {
    "lognormal": Entry("lognormal"),
    "lognormal wide": Entry("lognormal", TRAINING_SETTINGS),
    "mixed": Entry("mixed"),
    "laplace": Entry("laplace"),
    "polynomial": Entry("polynomial"),
    "spectral": Entry("spectral"),
    "spectral film": Entry("spectral", film=True),
    "spectral uniform": Entry("spectral", ("draws=uniform",)),
    "spectral uniform film": Entry("spectral", ("draws=uniform",), film=True),
    "learned": Entry("learned"),
}


def trained(
    pictures: PictureSet, entry: Entry, settings: TrainingSettings
) -> TrainingRun:
    """Train a tiny network and return its run."""
    options = training_options(
        settings, "tiny", entry.law, entry.settings, film=entry.film
    )
    run = TrainingRun(
        pictures, options, Path("unused.safetensors"), Processes(torch.device("cpu"))
    )
    while run.trainer.step < settings.num_steps:
        run.trainer.advance()
    return run


def own_ends(
    held_out: PictureSet, data_set: DataSet, count: int
) -> NDArray[np.float64]:
    """Return the ends of the noise range of each of the first images, (count, 2)."""
    bounds = data_set.bounds
    powers = itertools.islice(held_out.powers(), count)
    shape = data_set.power.field.shape
    return own_ranges(powers, shape, (bounds.sigma_min, bounds.sigma_max))


def denoising_loss(
    network: NetworkDenoiser, held_out: PictureSet, data_set: DataSet
) -> float:
    """Return the loss on images; a network that is told ends is told their own."""
    clean = held_out.batch(np.arange(NUM_JUDGED))
    denoise = network.between(*torch.tensor(own_ends(held_out, data_set, len(clean)).T))
    ends = (data_set.bounds.sigma_min, data_set.bounds.sigma_max)
    return held_out_loss(denoise, clean, network.config.sigma_data, ends)


def judged(
    run: TrainingRun,
    pictures: PictureSet,
    held_out: PictureSet,
    num_samples: int,
    all_calls: Sequence[int] = CALLS,
) -> dict[str, object]:
    """Return the loss and the distances of one trained network."""
    network, data_set = run.trainer.average.eval(), run.data_set
    found: dict[str, object] = {"loss": denoising_loss(network, held_out, data_set)}
    real = real_of(held_out)
    marks = Yardsticks(real, num_samples)
    powers = list(pictures.powers()) if run.options.film else []
    for calls in all_calls:
        plan = make_plan(
            data_set, "optimal", TableRequest.of("dpmpp-2m", calls, "zero")
        )
        own = None if run.ranges is None else own_plans(plan, run.ranges, powers)
        player = Player(network, plan.power.field.shape, range(num_samples))
        samples = player.play_plan(plan, own)
        marked = marks.judge(np.stack(list(samples)))
        found[f"distance {calls}"] = marked.estimate("frechet")
    return found


def own_plans(
    plan: Plan, ranges: NDArray[np.float64], powers: Sequence[RingPowers]
) -> Callable[[int], Plan]:
    """Return what plans for a random training image, inside the range it has."""

    def own_plan(seed: int) -> Plan:
        chosen = np.random.default_rng([0, seed]).integers(len(powers), size=1)
        power = powers[chosen[0]].power
        log_power = np.log(np.maximum(power, FAINT * power.max()))
        distribution = image_distribution(plan.power, log_power)
        low, high = ranges[chosen[0]].tolist()
        sampler, num_steps = plan.request.sampler, plan.request.num_steps
        table = optimal_table(distribution, sampler, num_steps, (low, high))
        return replace(plan, table=table, ends=(low, high))

    return own_plan


def real_of(held_out: PictureSet) -> NDArray[np.float64]:
    """Return all images, (M, C, H, W)."""
    return held_out.batch(np.arange(len(held_out))).double().numpy()


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures")
    parser.add_argument("held_out")
    parser.add_argument("--laws", nargs="+", default=list(ENTRIES), choices=ENTRIES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--calls", nargs="+", type=int, default=list(CALLS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("-o", "--output", type=Path, default=Path("laws.json"))
    return parser.parse_args()


def main() -> None:
    """Train and judge every law from every seed."""
    given = arguments()
    torch.set_num_threads(given.threads)
    pictures = picture_set(items(given.pictures), Preprocessing())
    held_out = picture_set(items(given.held_out), Preprocessing())
    marks = Yardsticks(real_of(held_out), given.samples)
    floor = marks.floor.estimate("frechet")
    print(f"features {marks.features.name}, floor {floor}", flush=True)
    rows: dict[str, list[dict[str, object]]] = {}
    for seed in given.seeds:
        for name in given.laws:
            settings = TrainingSettings(given.steps, given.batch, seed=seed)
            run = trained(pictures, ENTRIES[name], settings)
            found = judged(run, pictures, held_out, given.samples, given.calls)
            rows.setdefault(name, []).append(found)
            told = "  ".join(f"{key} {value}" for key, value in found.items())
            print(f"seed {seed}  {name:15} {told}", flush=True)
            given.output.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
