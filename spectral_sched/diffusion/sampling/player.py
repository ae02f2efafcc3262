"""The one way to play tables and plans on a model, for many seeds."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.batches import Departure, first_batch, in_batches
from spectral_sched.diffusion.devices import to_device
from spectral_sched.diffusion.models.guidance import UNGUIDED, guide
from spectral_sched.diffusion.models.network import give_degraded
from spectral_sched.diffusion.precision import FLOAT32
from spectral_sched.errors import NoAnswerError

from .noise import SeededNoise
from .trajectory import common_trajectory, own_trajectory, table_trajectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.batches import Advance
    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.models.guidance import Guidance
    from spectral_sched.diffusion.precision import Precision
    from spectral_sched.diffusion.replay import NetworkReplay
    from spectral_sched.images.pixels import Shape
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules.table import SigmaTable

    from .trajectory import Trajectory

    Follow = Callable[[Sequence[int], Tensor], Trajectory]
    """From the seeds of a batch and its unit noise, (B, C, H, W), to its way."""

CPU = torch.device("cpu")

TABLE_BATCH, PLAN_BATCH = 64, 16
"""Images of a batch on the host, of a table and of a plan, which people wait for."""


@dataclass(frozen=True, eq=False)
class Player:
    """A model and the seeds that everything it plays begins with.

    The noise of a seed is the same in every batch, for every table and on every device.

    Attributes
    ----------
    denoise, shape
        The model and the shape of its images, (C, H, W).
    seeds
        One per image, (N,).
    device, precision
        Where the model is, and how it computes.
    guidance
        Class to sample, and how strongly, for a model with classes.
    degraded
        The image to restore with each seed, for a model that restores, (N, C, H, W).
    replay
        The recorded calls of the model's network, if they are recorded.
    """

    denoise: Denoiser
    shape: Shape
    seeds: Sequence[int]
    device: torch.device = CPU
    precision: Precision = FLOAT32
    guidance: Guidance = UNGUIDED
    degraded: Tensor | None = None
    replay: NetworkReplay | None = None

    def play_table(
        self, table: SigmaTable, sampler: str, count: int | None = None
    ) -> NDArray[np.float32]:
        """Return the images of a table, (N, C, H, W), or the first `count` of them.

        They start from noise about zero, and the model is told of no ends.
        """

        def follow(_: Sequence[int], noise: Tensor) -> Trajectory:
            return table_trajectory(table, sampler, noise)

        places = range(len(self.seeds[:count]))
        play = partial(self._play, follow)
        parts = list(self._batches(play, places, TABLE_BATCH))
        pictures: NDArray[np.float32] = torch.cat(parts).numpy()
        return pictures

    def play_plan(
        self,
        plan: Plan,
        image_plan: Callable[[int], Plan] | None = None,
        advance: Advance = lambda _: None,
    ) -> Iterator[NDArray[np.float64]]:
        """Yield one image per seed, (C, H, W) about [-1, 1], in order.

        Parameters
        ----------
        image_plan
            Gives the image of a seed a plan of its own, which differs from `plan` in
            nothing but levels, range and spectrum.
        advance
            Called with the number of images that went one step further.

        Raises
        ------
        NoAnswerError
            If an image has values that are not finite.
        """
        for pictures in self._plan_batches(plan, image_plan, advance):
            yield from pictures.double().numpy()

    def play_levels(
        self,
        plan: Plan,
        image_plan: Callable[[int], Plan] | None = None,
        advance: Advance = lambda _: None,
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield what `play_plan` does as bytes, (H, W, C), made where the model is."""
        for levels in self._plan_batches(plan, image_plan, advance, to_levels):
            yield from levels.numpy()

    def _plan_batches(
        self,
        plan: Plan,
        image_plan: Callable[[int], Plan] | None,
        advance: Advance,
        finish: Callable[[Tensor], Tensor] = lambda pictures: pictures,
    ) -> Iterator[Tensor]:
        """Yield what is made of the images of a plan, (B, ...)."""

        def follow(seeds: Sequence[int], noise: Tensor) -> Trajectory:
            if image_plan is None:
                return common_trajectory(plan, noise)
            return own_trajectory([image_plan(seed) for seed in seeds], noise)

        # By first place, since a batch that was too large is played again in parts.
        finite: dict[int, Departure] = {}

        def play(places: Sequence[int], advance: Advance) -> Tensor:
            pictures = self._play(follow, places, advance)
            made = finish(pictures)
            finite[places[0]] = Departure(_are_finite(pictures))
            return made

        place, places = 0, range(len(self.seeds))
        for made in self._batches(play, places, PLAN_BATCH, advance):
            _check_finite(finite.pop(place).arrived(), self.seeds[place:])
            yield made
            place += len(made)

    def _batches(
        self,
        play: Callable[[Sequence[int], Advance], Tensor],
        places: Sequence[int],
        on_cpu: int,
        advance: Advance = lambda _: None,
    ) -> Iterator[Tensor]:
        """Yield what is played of some places among the seeds, (B, ...)."""
        largest = first_batch(self.shape, self.device, on_cpu)
        return in_batches(play, places, largest, self.device, advance)

    def _play(self, follow: Follow, places: Sequence[int], advance: Advance) -> Tensor:
        seeds = [self.seeds[place] for place in places]
        noise = SeededNoise(seeds, self.shape, self.device, self.precision.dtype)
        denoise = self._condition(places, seeds)
        with torch.inference_mode(), self._computing():
            trajectory = follow(seeds, noise())
            pictures = trajectory.start
            for state in trajectory.play(denoise, noise):
                advance(len(seeds))
                pictures = state
        return pictures

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Compute in the precision asked for, and from recordings if there are any."""
        replay = nullcontext() if self.replay is None else self.replay.playing()
        with self.precision.applied(self.device), replay:
            yield

    def _condition(self, places: Sequence[int], seeds: Sequence[int]) -> Denoiser:
        """Return the model told of the degraded images and classes of a batch."""
        denoise = self.denoise
        if self.degraded is not None:
            chosen = self.degraded[list(places)].to(self.precision.dtype)
            denoise = give_degraded(denoise, to_device(chosen, self.device))
        return guide(denoise, self.guidance, seeds)


def _are_finite(pictures: Tensor) -> Tensor:
    """Return which images, (B, C, H, W), hold nothing but numbers, (B,)."""
    return pictures.isfinite().flatten(start_dim=1).all(dim=1)


def _check_finite(finite: Tensor, seeds: Sequence[int]) -> None:
    """Raise `NoAnswerError` if an image is not finite, (B,), with its seed."""
    if finite.all():
        return
    seed = seeds[finite.tolist().index(False)]
    message = (
        f"the image of seed {seed} is not finite, for the model answers with values "
        "that are not; audit the model, and if it is sound, "
        "sample with --precision float32, or with a lower --guidance"
    )
    raise NoAnswerError(message)


def to_levels(pictures: Tensor) -> Tensor:
    """Return images, (B, C, H, W) in [-1, 1], as bytes, (B, H, W, C), clipped.

    They are those of `images.png.to_bytes`, to the last bit.
    """
    # Metal has no float64.
    placed = pictures.cpu() if pictures.device.type == "mps" else pictures
    levels = ((placed.double() + 1) * 127.5).clamp_(0, 255).round_()
    return levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous()
