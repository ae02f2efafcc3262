"""What a training step costs beside the network's own part of it.

Run it as ``python benchmarks/training.py``. It times steps of a training against the
bare forward pass, backward pass and step of the optimiser on a fixed batch, in turns
and in the same mode, recorded as a CUDA graph where there is CUDA, and prints the
median ratio with the smallest and the largest, and images per second. With
``--before FOLDER``, a checkout of another build, its trainer takes turns with the
present one, each in a process of its own. On CUDA a step is also taken with
synchronisations made errors, and the peak of memory is printed. With one thread on a
processor its own time counts, not that of the clock.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from turns import gains, serve, spread, synchronisation, waited

from spectral_sched.diffusion.torchrun import Processes, processes
from spectral_sched.diffusion.training.noise import training_noise
from spectral_sched.diffusion.training.pictures import PictureSet, picture_set
from spectral_sched.diffusion.training.trainer import (
    Trainer,
    TrainingSettings,
    fresh_network,
)
from spectral_sched.files.network_config import network_config
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.sources import Item
from spectral_sched.synthetic import SAMPLE_KINDS, picture

NUM_PICTURES = 64
WARM_UP = 3


def painted(side: int) -> PictureSet:
    """Return images of the kinds of the sample images."""
    kinds = [SAMPLE_KINDS[number % len(SAMPLE_KINDS)] for number in range(NUM_PICTURES)]
    pictures = (picture(kind, (0, n), side) for n, kind in enumerate(kinds))
    listed = [Item(str(n), "", each) for n, each in enumerate(pictures)]
    return picture_set(listed, Preprocessing())


def trainer_of(given: argparse.Namespace, place: Processes) -> Trainer:
    """Return a training that is about to begin."""
    pictures = painted(given.side)
    field = pictures.measured.spectrum.field
    noise = training_noise(
        "lognormal",
        {"mean": -0.5, "std": 1.6},
        measured_data_set(pictures.measured),
        pictures.powers,
    )
    config = network_config(given.size, field.shape, field.sigma_data, None)
    settings = TrainingSettings(10_000, given.batch, precision=given.precision)
    network = fresh_network(config, 0)
    return Trainer(pictures, noise, network, settings.on(place.device), place)


def bare_step(trainer: Trainer) -> Callable[[], object]:
    """Return a network's own part of a step, on a batch that stays the same."""
    batch = trainer.draw()
    told = (batch.ends, batch.degraded, batch.labels)
    inputs = (batch.clean, batch.noise, batch.sigma, batch.weights, *told)
    return lambda: trainer._learn(*inputs)


def beside_bare(given: argparse.Namespace, place: Processes) -> None:
    """Print what a step costs over the network's own part of it."""
    device = place.device
    whole, alone = trainer_of(given, place), trainer_of(given, place)
    pair = (whole.advance, bare_step(alone))
    for work in pair:
        waited(work, device, WARM_UP)
    if device.type == "cuda":
        with synchronisation("error"):
            for work in pair:
                work()
    times = [
        [waited(work, device, given.repeat) for work in pair]
        for _ in range(given.rounds)
    ]
    ratios = [step / bare for step, bare in times]
    middle = statistics.median(step for step, _ in times)
    print(
        f"{given.size} {given.side}x{given.side} batch {given.batch}  "
        f"step over bare {spread(ratios)}  "
        f"{given.batch / middle:.4g} pictures/s",
        flush=True,
    )


def beside_before(given: argparse.Namespace) -> None:
    """Print how much faster steps are than those of another build."""
    found, memory = gains(given.before, given.rounds)
    print(
        f"{given.size} {given.side}x{given.side} batch {given.batch}  "
        f"faster than before {spread(found)}  {memory}",
        flush=True,
    )


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=3, help="steps at a time")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--before", type=Path, help="a checkout of another build")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print ratios."""
    given = arguments()
    if given.before and not given.serve:
        beside_before(given)
        return
    with processes(given.device, given.threads) as place:
        if not given.serve:
            beside_bare(given, place)
            return
        trainer = trainer_of(given, place)
        waited(trainer.advance, place.device, WARM_UP)
        serve(trainer.advance, place.device, given.repeat)


if __name__ == "__main__":
    main()
