"""Tables of one for all images and of one per image, and what plays them.

`benchmarks/per_image.py` compares them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.analysis.measurement import Wanted, measure
from spectral_sched.comparisons.cache import Cache
from spectral_sched.comparisons.entries import CellKey
from spectral_sched.diffusion.models.denoiser import Denoiser
from spectral_sched.diffusion.models.network import Conditioned, NetworkDenoiser
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.training.noise import own_ranges
from spectral_sched.diffusion.training.pictures import PictureSet
from spectral_sched.planning.data_set import DataSet, measured_data_set
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.per_image import image_plan
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.sources import items
from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.power_distribution import image_distribution

KEPT_SPECTRA, NUM_COMPONENTS = 32, 4
"""Spectra that tables are planned for, and Gaussians of the mixture.

A table takes a second and distances hundreds of samples, so seeds take turns."""

FAINT = 1e-12
"""Least power of a ring, of the largest: blank images have rings without any."""

WAYS = ("one", "typical", "told", "drawn", "class", "training", "replanned", "mixed")
"""Names of the ways to play a network, see `Tables`."""


@dataclass(frozen=True, eq=False)
class Known:
    """What tables of a data set are planned from.

    Attributes
    ----------
    data_set
        With a mixture of spectra.
    log_power, ends
        Spectra of some training images, (S, K), and the ends that the networks were
        told of them in training, (S, 2).
    class_names
        Of the data set; samples take classes in turn.
    """

    data_set: DataSet
    log_power: NDArray[np.float64]
    ends: NDArray[np.float64]
    class_names: tuple[str, ...]

    def drawn(self, place: int, *, of_class: bool = False) -> NDArray[np.float64]:
        """Return a log spectrum of the mixture, of the class of that place if asked."""
        mixture, names = self.data_set.mixture, self.class_names
        if mixture is None:
            message = "the data set has no mixture of spectra to draw from"
            raise ValueError(message)
        label = names[place % len(names)] if of_class else None
        return mixture.draw_for(place, label)

    def nearest(self, log_power: NDArray[np.float64]) -> int:
        """Return which of the kept spectra is nearest to one, by its modes."""
        modes = self.data_set.power.field.num_modes
        return int(np.argmin(np.square(self.log_power - log_power) @ modes))


def known_of(pictures: PictureSet, source: Path) -> Known:
    """Return what is planned from for images to train on, read again with classes."""
    prepared = pictures.measured.preprocessing
    wanted = Wanted(num_components=NUM_COMPONENTS)
    measured = measure(items(str(source)), prepared, wanted)
    low, data_set = measured.bounds.sigma_min, measured_data_set(measured)
    chosen = np.random.default_rng(0).choice(len(pictures), KEPT_SPECTRA, replace=False)
    every = list(pictures.powers())
    powers = [every[which] for which in chosen]
    ends = (low, measured.bounds.sigma_max)
    told = own_ranges(powers, data_set.power.field.shape, ends)
    logs = [np.log(np.maximum(p.power, FAINT * p.power.max())) for p in powers]
    return Known(data_set, np.array(logs), told, pictures.class_names)


@dataclass(frozen=True, eq=False)
class Turning:
    """A network told the ends of the set down to a level, and below it each image's."""

    network: NetworkDenoiser | Conditioned
    level: float
    ends: tuple[float, float]
    own: Denoiser | None = None

    def between(self, low: torch.Tensor, high: torch.Tensor) -> "Turning":
        """Return the same told the ends of each image."""
        return replace(self, own=self.network.between(low, high))

    def of_class(self, label: int | torch.Tensor) -> "Turning":
        """Return the same told classes."""
        return replace(self, network=self.network.of_class(label))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that the network knows."""
        return self.network.class_names

    @property
    def num_classes(self) -> int:
        """How many classes it knows."""
        return self.network.num_classes

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        """Return the posterior mean, (B, C, H, W); levels of a batch turn together."""
        late = float(torch.as_tensor(sigma).max()) < self.level * (1 - 1e-6)
        told = self.own if late and self.own else self.network.between(*self.ends)
        return told(x, sigma)


class Tables:
    """Ways to play one sampler with one number of steps; tables are kept.

    ``one`` is the set's table and ends; ``typical`` a table in the ends of a typical
    image. Per image: ``drawn`` from the mixture, ``class`` from that of its class,
    ``told`` the one table with the drawn ends told, ``mixed`` the paper's kind in them;
    ``training`` has the spectra and ends of training images, in place of any mixture;
    ``replanned`` turns half-way, from the one table, to that of the training image
    nearest to what is seen by then.
    """

    def __init__(self, known: Known, key: CellKey, cache: Cache) -> None:
        self.known, self.cache = known, cache
        self.request = TableRequest.of(key.sampler, key.num_steps, "zero")
        self.plan = make_plan(known.data_set, "optimal", self.request)
        self.own = lru_cache(None)(self._kept)

    @cached_property
    def turn(self) -> int:
        """The step after which a replanned image has levels of its own."""
        return self.request.num_steps // 2

    @cached_property
    def head(self) -> Plan:
        """The one table down to the turn, whose samples are what is seen there."""
        levels = self.plan.table.levels[: self.turn + 1]
        request = replace(self.request, num_steps=len(levels))
        return replace(self.plan, table=SigmaTable.of(levels), request=request)

    def _kept(self, way: str, place: int) -> Plan:
        """Return the plan of an image, from what is kept of it if that is there."""
        data_key, count = self.known.data_set.data_key, self.request.num_steps
        key = [data_key, self.request.sampler, count, way, place]
        measured = partial(self._numbers, way, place)
        low, high, *levels = self.cache.array("table", key, (count + 2,), measured)
        table = SigmaTable.of([float(level) for level in levels])
        return replace(self.plan, table=table, ends=(float(low), float(high)))

    def _numbers(self, way: str, place: int) -> NDArray[np.float32]:
        plan = self._own(way, place)
        return np.array([*plan.ends, *plan.table.levels], dtype=np.float32)

    def _own(self, way: str, place: int) -> Plan:
        known = self.known
        if way in {"drawn", "class"}:
            spectrum = known.drawn(place, of_class=way == "class")
            return image_plan(self.plan, spectrum)
        if way in {"mixed", "told"}:
            plan = make_plan(known.data_set, "mixed", self.request)
            own = image_plan(plan, known.drawn(place))
            return own if way == "mixed" else replace(self.plan, ends=own.ends)
        return self._of_training(place, turned=way == "replanned")

    def _of_training(self, place: int, *, turned: bool) -> Plan:
        """Return the plan of a training image, the head of the one table before it."""
        plan, (low, high) = self.plan, self.known.ends[place].tolist()
        distribution = image_distribution(plan.power, self.known.log_power[place])
        head = self.head.table.levels if turned else ()
        steps = plan.request.num_steps - len(head[:-1])
        first = head[-1] if turned else None
        ends = (low, plan.ends[1] if turned else high)
        search = partial(optimal_table, distribution, plan.request.sampler, steps, ends)
        levels = (*head[:-1], *search(first=first).levels)
        return replace(plan, table=SigmaTable.of(levels), ends=(low, high))

    def common(self, network: NetworkDenoiser, way: str) -> Plan:
        """Return the plan of images that all follow one."""
        if way == "typical" and network.config.ends:
            limits = NoiseLimits(*network.config.ends)
            request = replace(self.request, limits=limits)
            return make_plan(self.known.data_set, "optimal", request)
        return self.plan

    def play(
        self, network: NetworkDenoiser, way: str, num_samples: int
    ) -> NDArray[np.float32]:
        """Return the samples of a way, (N, C, H, W)."""
        seeds = range(num_samples)
        if way in {"one", "typical"}:
            return played(network, self.common(network, way), seeds)
        places = [seed % KEPT_SPECTRA for seed in seeds]
        denoise: Denoiser = network
        if way == "replanned":
            seen = played(network, self.head, seeds)
            level = self.head.table.levels[-1]
            places = [self.known.nearest(self._spectrum(x, level)) for x in seen]
            denoise = Turning(network, level, self.plan.ends)
        plans = [self.own(way, place) for place in places]
        return played(denoise, self.plan, seeds, plans.__getitem__)

    def _spectrum(self, seen: NDArray[np.float32], level: float) -> NDArray[np.float64]:
        """Return the log power of a denoised image and what noise hides of it."""
        power = self.plan.power.field.power
        hidden = power * level**2 / (power + level**2)
        found: NDArray[np.float64] = np.log(ring_powers(seen).power + hidden)
        return found


def played(
    denoise: Denoiser,
    plan: Plan,
    seeds: Sequence[int],
    own: Callable[[int], Plan] | None = None,
) -> NDArray[np.float32]:
    """Return the samples of a plan, or of a plan each, (N, C, H, W)."""
    player = Player(denoise, plan.power.field.shape, seeds)
    return np.stack(list(player.play_plan(plan, own))).astype(np.float32)
