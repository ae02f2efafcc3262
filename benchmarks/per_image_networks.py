"""The networks that `benchmarks/per_image.py` compares: images, laws and training."""

import argparse
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.pictures import PictureSet
from spectral_sched.diffusion.training.run import (
    TrainingOptions,
    TrainingRun,
    training_options,
)
from spectral_sched.diffusion.training.trainer import TrainingSettings
from spectral_sched.files.model import read_model_header, resume_path
from spectral_sched.synthetic import write_pictures

NUM_REAL, HELD_OUT = 2048, 44
"""Photos to judge by, and the sources that no photo to train on is of."""

FULL_SIDE = 32
"""Side that the laws in ln sigma are for."""


class Law(NamedTuple):
    """A law as it is trained with, and whether the network is told ends.

    ``normal`` are mean and standard deviation of ln sigma at `FULL_SIDE`; the same
    images at half the side have their noise at half the levels.
    """

    law: str
    film: bool = False
    normal: tuple[float, float] | None = None

    def settings(self, side: int) -> tuple[str, ...]:
        """Return the parameters of the law for a side."""
        if self.normal is None:
            return ()
        mean, std = self.normal
        return (f"mean={mean + math.log(side / FULL_SIDE):.3f}", f"std={std}")


LAWS = {
    "lognormal": Law("lognormal", normal=(-0.6, 1.7)),
    "narrow": Law("lognormal", normal=(-0.6, 1.2)),
    "std-1.0": Law("lognormal", normal=(-0.6, 1.0)),
    "std-1.4": Law("lognormal", normal=(-0.6, 1.4)),
    "film": Law("spectral", film=True),
    "mixed": Law("mixed"),
    "laplace": Law("laplace"),
    "polynomial": Law("polynomial"),
    "learned": Law("learned"),
}


def write_photos(source: Path, folder: Path, count: int) -> None:
    """Write photos to train on, each mirrored too, and photos of other scenes."""
    tiles = np.load(source)
    images, scenes = tiles["images"], tiles["source_image"]
    rng = np.random.default_rng(0)
    apart = np.isin(scenes, rng.permutation(np.unique(scenes))[:HELD_OUT])
    chosen = images[rng.permutation(np.flatnonzero(~apart))[:count]]
    held_out = rng.permutation(np.flatnonzero(apart))[:NUM_REAL]
    np.save(folder / "photos-train.npy", np.concatenate([chosen, chosen[:, :, ::-1]]))
    np.save(folder / "photos-real.npy", images[held_out])


def sources(name: str, given: argparse.Namespace) -> tuple[Path, Path]:
    """Return where images to train on and to judge by are, written if need be."""
    folder, count = given.output, given.trained
    ending = ".npy" if name == "photos" else ""
    train, real = (folder / f"{name}-{part}{ending}" for part in ("train", "real"))
    if not real.exists() and name == "photos":
        write_photos(given.photos, folder, count)
    elif not real.exists():
        write_pictures(train, count // 4, given.side, seed=1)
        write_pictures(real, NUM_REAL // 4, given.side, seed=2)
    return train, real


def is_trained(path: Path, num_steps: int) -> bool:
    """Return whether a file holds a network that has all its steps."""
    return path.exists() and (
        read_model_header(path).training["steps_done"] == num_steps
    )


def train(pictures: PictureSet, options: TrainingOptions, path: Path) -> None:
    """Train a network, or go on with one whose training was cut short."""
    resume = resume_path(path).exists()
    group = Processes(torch.device("cpu"))
    begun = time.process_time()
    TrainingRun(pictures, options, path, group, resume=resume)()
    print(path.stem, f"{time.process_time() - begun:.0f} s of a core", flush=True)


def options_of(
    law: Law, seed: int, given: argparse.Namespace, *, classes: bool
) -> TrainingOptions:
    """Return how a network of a law and a seed is trained."""
    settings = TrainingSettings(
        given.steps, given.batch, seed=seed, precision=given.precision
    )
    texts = law.settings(given.side)
    return training_options(
        *(settings, given.size, law.law, texts), film=law.film, classes=classes
    )


def models_of(
    pictures: PictureSet, name: str, given: argparse.Namespace
) -> dict[tuple[str, int], Path]:
    """Return the networks of a data set, trained if need be, by law and seed."""
    found, classes = {}, len(pictures.class_names) > 1
    for seed in given.seeds:
        for law in given.laws:
            path = given.output / f"{name}-{law}-{seed}.safetensors"
            if not is_trained(path, given.steps):
                if given.no_training:
                    continue
                options = options_of(LAWS[law], seed, given, classes=classes)
                train(pictures, options, path)
            found[law, seed] = path
    return found
