"""The networks that `benchmarks/per_image.py` compares: images, laws and training."""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from spectral_sched.diffusion.torchrun import Processes
from spectral_sched.diffusion.training.pictures import PictureSet
from spectral_sched.diffusion.training.run import TrainingRun, training_options
from spectral_sched.diffusion.training.trainer import TrainingSettings
from spectral_sched.files.model import read_model_header, resume_path
from spectral_sched.synthetic import write_pictures

SIDE = 16
"""Pixels a side of an image."""

NUM_TRAINED, NUM_REAL, HELD_OUT = 1500, 1024, 44
"""Photos to train on (and as many mirrored), to judge by, and their sources."""


class Law(NamedTuple):
    """A law as it is trained with, and whether the network is told ends."""

    law: str
    settings: tuple[str, ...] = ()
    film: bool = False


LAWS = {
    # The default, as far below as the same images have their noise at half the side.
    "lognormal": Law("lognormal", ("mean=-1.3", "std=1.7")),
    "film": Law("spectral", film=True),
    "mixed": Law("mixed"),
    "laplace": Law("laplace"),
    "polynomial": Law("polynomial"),
    "learned": Law("learned"),
}


def write_photos(source: Path, folder: Path) -> None:
    """Write photos to train on, each mirrored too, and photos of other scenes."""
    tiles = np.load(source)
    images, scenes = tiles["images"], tiles["source_image"]
    rng = np.random.default_rng(0)
    apart = np.isin(scenes, rng.permutation(np.unique(scenes))[:HELD_OUT])
    chosen = images[rng.permutation(np.flatnonzero(~apart))[:NUM_TRAINED]]
    held_out = rng.permutation(np.flatnonzero(apart))[:NUM_REAL]
    np.save(folder / "photos-train.npy", np.concatenate([chosen, chosen[:, :, ::-1]]))
    np.save(folder / "photos-real.npy", images[held_out])


def sources(name: str, photos: Path, folder: Path) -> tuple[Path, Path]:
    """Return where images to train on and to judge by are, written if need be."""
    ending = ".npy" if name == "photos" else ""
    train, real = (folder / f"{name}-{part}{ending}" for part in ("train", "real"))
    if not real.exists() and name == "photos":
        write_photos(photos, folder)
    elif not real.exists():
        write_pictures(train, NUM_TRAINED // 2, SIDE, seed=1)
        write_pictures(real, NUM_REAL // 4, SIDE, seed=2)
    return train, real


def is_trained(path: Path, num_steps: int) -> bool:
    """Return whether a file holds a network that has all its steps."""
    return path.exists() and (
        read_model_header(path).training["steps_done"] == num_steps
    )


def train(
    pictures: PictureSet, law: Law, settings: TrainingSettings, path: Path
) -> None:
    """Train a tiny network, or go on with one whose training was cut short."""
    classes = len(pictures.class_names) > 1
    options = training_options(
        *(settings, "tiny", law.law, law.settings), film=law.film, classes=classes
    )
    resume = resume_path(path).exists()
    group = Processes(torch.device("cpu"))
    begun = time.process_time()
    TrainingRun(pictures, options, path, group, resume=resume)()
    print(path.stem, f"{time.process_time() - begun:.0f} s of a core", flush=True)


def models_of(
    pictures: PictureSet, name: str, given: argparse.Namespace
) -> dict[tuple[str, int], Path]:
    """Return the networks of a data set, trained if need be, by law and seed."""
    found = {}
    for seed in given.seeds:
        for law in given.laws:
            path = given.output / f"{name}-{law}-{seed}.safetensors"
            settings = TrainingSettings(
                given.steps, given.batch, seed=seed, precision="float32"
            )
            if not is_trained(path, given.steps):
                if given.no_training:
                    continue
                train(pictures, LAWS[law], settings, path)
            found[law, seed] = path
    return found
