"""A schedule per image against one for all, on networks of equal training.

Run it as ``python benchmarks/per_image.py photos.npz -o per_image``. Networks are
trained with a log-normal law, with the ``mixed`` law of the data set, and with each
image's own spectral schedule while they are told its ends (``film``), from several
seeds for as many steps. Those that are told ends are then played in several ways, see
`per_image_tables`. What is trained and sampled is kept in the folder, so that a run
that was cut short goes on.

Distances are between samples and held-out images, on random and on ImageNet features.
Differences are paired: networks of one seed, samples of one noise.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from per_image_networks import LAWS, models_of, sources
from per_image_page import Row, heading, loss_lines, metric_lines, title
from per_image_tables import KEPT_SPECTRA, WAYS, Known, Tables, known_of

from spectral_sched.comparisons.cache import Cache
from spectral_sched.comparisons.entries import cell_keys
from spectral_sched.comparisons.metrics import (
    NUM_BLOCKS,
    FrechetDistance,
    KernelDistance,
    LeftOut,
    left_out,
)
from spectral_sched.diffusion.evaluation.features import Features, RandomFeatures
from spectral_sched.diffusion.evaluation.imagenet_features import ImageNetFeatures
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.training.noise import own_ranges
from spectral_sched.diffusion.training.pictures import PictureSet, picture_set
from spectral_sched.diffusion.training.trainer import held_out_loss
from spectral_sched.documents.strict_json import file_digest
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.sources import items

FEATURE_SIDE = 64
"""Pixels a side of what the ImageNet network is shown of an image."""

NUM_LOSSES = 128
"""Held-out images whose loss is taken."""

CELLS = ("dpmpp-2m:8", "dpmpp-2m:4", "heun:8", "dpmpp-2m:16", "euler:8")
"""Samplers and most network calls, the most wanted first."""

METRICS: dict[str, tuple[str, type[FrechetDistance] | type[KernelDistance]]] = {
    "random Frechet": ("random", FrechetDistance),
    "ImageNet Frechet": ("imagenet", FrechetDistance),
    "ImageNet kernel": ("imagenet", KernelDistance),
}


class Judge:
    """Distances to held-out images; a part stands in for samples, the floor."""

    def __init__(
        self, real: NDArray[np.float32], num_samples: int, cache: Cache
    ) -> None:
        self.count, self.cache = num_samples, cache
        self.real = hashlib.sha256(real.tobytes()).hexdigest()
        channels = real.shape[1]
        self.features: dict[str, Features] = {
            "random": RandomFeatures(channels),
            "imagenet": ImageNetFeatures(channels, FEATURE_SIDE),
        }
        order = np.random.default_rng(0).permutation(len(real))
        self.stand_ins = real[order[:num_samples]]
        rest = real[order[num_samples:]]
        seen = {name: looks(rest) for name, looks in self.features.items()}
        self.distances = {
            name: distance(seen[which]) for name, (which, distance) in METRICS.items()
        }

    def kept(
        self, key: list[object], play: Callable[[], NDArray[np.float32]]
    ) -> dict[str, LeftOut]:
        """Return every metric of the samples of a key, played if they are not kept."""
        size = (self.count, *self.stand_ins.shape[1:])

        def measured() -> NDArray[np.float32]:
            found = self(self.cache.array("samples", key, size, play)).values()
            rows = [np.append(each.value, each.left) for each in found]
            return np.array(rows, dtype=np.float32)

        judged_by = [*key, list(METRICS), FEATURE_SIDE, self.real]
        shape = (len(METRICS), 1 + NUM_BLOCKS)
        rows = self.cache.array("judged", judged_by, shape, measured)
        rows = rows.astype(np.float64)
        return {
            name: LeftOut(row[0], row[1:])
            for name, row in zip(METRICS, rows, strict=True)
        }

    def __call__(self, pictures: NDArray[np.float32]) -> dict[str, LeftOut]:
        """Return every metric of samples, (N, C, H, W)."""
        seen = {name: looks(pictures) for name, looks in self.features.items()}
        return {
            name: left_out(self.distances[name].of(seen[which]), self.count)
            for name, (which, _) in METRICS.items()
        }


def losses(
    network: NetworkDenoiser, held_out: PictureSet, data_set: DataSet, count: int
) -> NDArray[np.float32]:
    """Return the loss on held-out images told their own ends, another's, the set's."""
    bounds, clean = data_set.bounds, held_out.batch(np.arange(count))
    ends = (bounds.sigma_min, bounds.sigma_max)
    powers = [power for power, _ in zip(held_out.powers(), range(count), strict=False)]
    own = torch.tensor(own_ranges(powers, data_set.power.field.shape, ends))
    told = [network.between(*own.T)]
    if network.config.ends:
        told += [network.between(*each) for each in (own.roll(1, 0).T, ends)]
    sigma_data = network.config.sigma_data
    found = [held_out_loss(denoise, clean, sigma_data, ends) for denoise in told]
    return np.array(found, dtype=np.float32)


def ways_of(law: str, ways: Sequence[str], known: Known) -> list[str]:
    """Return how a network is played: in one way alone if it is not told ends."""
    if not LAWS[law].film:
        return ["one"]
    return [way for way in ways if way != "class" or len(known.class_names) > 1]


def judged(
    known: Known,
    judge: Judge,
    models: dict[tuple[str, int], Path],
    given: argparse.Namespace,
) -> Iterator[Row]:
    """Yield every row, the most wanted cells first; all that is found is kept."""
    for text in given.cells:
        sampler, _, calls = text.partition(":")
        cell = cell_keys([sampler], [int(calls)], [])[0]
        tables = Tables(known, cell, judge.cache)
        for (law, seed), path in models.items():
            network = read_model(path)[0].eval()
            for way in ways_of(law, given.ways, known):
                asked = [file_digest(path), cell.sampler, cell.num_steps, way]
                play = partial(tables.play, network, way, given.samples)
                key = [*asked, given.samples, KEPT_SPECTRA]
                yield Row(cell, law, way, seed, judge.kept(key, play))


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("per_image"))
    parser.add_argument("--sets", nargs="+", default=["photos", "kinds"])
    parser.add_argument("--laws", nargs="+", default=list(LAWS), choices=LAWS)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--size", default="compact")
    parser.add_argument("--trained", type=int, default=12000)
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--cells", nargs="+", default=list(CELLS))
    parser.add_argument("--no-training", action="store_true")
    return parser.parse_args()


def check_folder(given: argparse.Namespace) -> None:
    """End where a folder holds networks or images of other settings, which are kept."""
    names = ("side", "size", "trained", "steps", "batch", "precision")
    settings = {name: getattr(given, name) for name in names}
    told = given.output / "settings.json"
    known = json.loads(told.read_text()) if told.exists() else settings
    other = [
        f"--{name} {known[name]}" for name in names if known[name] != settings[name]
    ]
    if other:
        told_of = " ".join(other)
        raise SystemExit(f"{given.output} is of {told_of}; name another folder with -o")
    told.write_text(json.dumps(settings))


def losses_of(
    models: dict[tuple[str, int], Path], real: PictureSet, known: Known, cache: Cache
) -> dict[tuple[str, int], NDArray[np.float32]]:
    """Return the losses of every network, by law and seed."""
    found = {}
    for (law, seed), path in models.items():
        network = read_model(path)[0].eval()
        told = partial(losses, network, real, known.data_set, NUM_LOSSES)
        key, shape = [file_digest(path), NUM_LOSSES], (3 if LAWS[law].film else 1,)
        found[law, seed] = cache.array("losses", key, shape, told)
    return found


def compare_on(name: str, given: argparse.Namespace) -> None:
    """Train, play and judge on one data set, and print what was found."""
    places = sources(name, given)
    prepared = Preprocessing(resolution=given.side, resize="box")
    pictures, real = (picture_set(items(str(at)), prepared) for at in places)
    models = models_of(pictures, name, given)
    known = known_of(pictures, places[0])
    real_pictures = real.batch(np.arange(len(real))).numpy()
    judge = Judge(real_pictures, given.samples, Cache(given.output / "samples"))
    lines = list(loss_lines(losses_of(models, real, known, judge.cache)))
    rows = []
    for row in judged(known, judge, models, given):
        rows.append(row)
        about = heading(row.cell), title(row.law, row.way), row.seed
        print(name, *about, time.strftime("%H:%M:%S"), flush=True)
    floor = judge(judge.stand_ins)
    for metric in METRICS:
        lines += metric_lines(rows, metric, floor[metric])
    page = "\n".join([f"## {name}", "", *lines])
    (given.output / f"{name}.md").write_text(page)
    print(page)


def main() -> None:
    """Train, play and judge on every data set."""
    given = arguments()
    torch.set_num_threads(1)
    given.output.mkdir(parents=True, exist_ok=True)
    check_folder(given)
    for name in given.sets:
        compare_on(name, given)


if __name__ == "__main__":
    main()
