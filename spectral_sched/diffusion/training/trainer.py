"""Training a denoiser: every step is a pure function of the seed and its number.

A step draws its pictures, noise levels and noise from a generator of its own, so that
a run that was cut short goes on exactly, and several processes share a batch without
drawing anything twice. The loss is that of EDM (Karras et al., arXiv 2206.00364): the
squared error of the network's own output, which weighs every noise level alike. A
network that restores is given a degraded copy of each picture beside the noisy one.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.diffusion.devices import fast_bf16
from spectral_sched.diffusion.models.denoiser import per_picture
from spectral_sched.diffusion.models.network import NetworkDenoiser, to_channels_last

from .degrade import degrade, octave_features

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.torchrun import Processes
    from spectral_sched.files.network_config import NetworkConfig

    from .noise import TrainingNoise
    from .pictures import PictureSet

WARM_UP = 200
"""Steps over which the rate rises to its full value."""

MAX_NORM = 1.0
"""Gradients of a larger norm are scaled down to it."""

AVERAGE_EXPONENT = 16.97
"""Of the power-function average of weights: a relative width of 0.05 (Karras et al.,
arXiv 2312.02696, Equation 127)."""

UNTOLD = 0.1
"""Share of pictures whose class the network is not told (arXiv 2207.12598)."""

NUM_HELD_OUT_LEVELS = 16
"""Noise levels at which held-out pictures are judged."""

CURVE_POINTS = 400
"""Points of the loss curve that are kept at most."""


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes
    ----------
    num_steps, batch, rate, seed
        Steps in all, pictures per step, highest learning rate, seed of everything.
    precision
        ``bf16`` computes convolutions in bfloat16, ``float32`` nothing; ``auto`` stands
        for the faster of the two until the device is known.
    """

    num_steps: int
    batch: int = 64
    rate: float = 2e-3
    seed: int = 0
    precision: str = "auto"

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step: a short rise, then half a cosine."""
        rise = min(1.0, (step + 1) / WARM_UP)
        return self.rate * rise * (1 + math.cos(math.pi * step / self.num_steps)) / 2

    def on(self, device: torch.device) -> TrainingSettings:
        """Return the settings with the precision that a device computes fastest in."""
        if self.precision != "auto":
            return self
        return replace(self, precision="bf16" if fast_bf16(device) else "float32")


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from; each (B, ...) on the device.

    Attributes
    ----------
    clean, noise
        Pictures in [-1, 1] and unit noise, (B, C, H, W).
    sigma
        Noise level of each, (B,).
    ends
        Ends of each picture's noise range, (B, 2).
    weights
        What the losses are multiplied by, (B,).
    degraded
        Degraded pictures, (B, C, H, W), for a network that restores.
    features
        What a law that learns sees of these, (B, F).
    labels
        Classes, (B,), for a network that is told them.
    """

    clean: Tensor
    noise: Tensor
    sigma: Tensor
    ends: Tensor
    weights: Tensor
    degraded: Tensor | None = None
    features: Tensor | None = None
    labels: Tensor | None = None


class Trainer:
    """A network, its running average and its optimiser, some steps into a run.

    Attributes
    ----------
    network, average
        The network that is trained, and the average of its weights that is used.
    step, seconds
        Steps done, and the time that they took.
    losses
        Mean loss over each part of the run, as pairs of its last step and the loss.
    recent
        Losses of the steps since the last of these.
    """

    def __init__(
        self,
        pictures: PictureSet,
        noise: TrainingNoise,
        network: NetworkDenoiser,
        settings: TrainingSettings,
        processes: Processes,
    ) -> None:
        self.pictures, self.noise, self.settings = pictures, noise, settings
        self.processes = processes
        self.network = to_channels_last(network.to(processes.device))
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.shared = processes.share_gradients(self.network)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=settings.rate, betas=(0.9, 0.99)
        )
        self.step, self.seconds = 0, 0.0
        self.losses: list[tuple[int, float]] = []
        self.recent: list[Tensor] = []

    def draw(self) -> Batch:
        """Return the batch of the next step, or the share of this process in it."""
        rng = np.random.default_rng([self.settings.seed, self.step])
        count = self.settings.batch
        positions = rng.permutation((np.arange(count) + rng.random(count)) / count)
        chosen = rng.integers(len(self.pictures), size=count)
        mine = self.processes.share(count)
        progress = self.step / self.settings.num_steps
        clean = self.pictures.batch(chosen)
        noise = rng.standard_normal(tuple(clean.shape), dtype=np.float32)
        degraded, features = self._degrade(clean, rng)
        law = self.noise if features is None else self.noise.seeing(features)
        sigma = law.levels(positions, chosen, progress)
        return Batch(
            self._place(clean[mine]),
            self._place(torch.from_numpy(noise[mine])),
            self._numbers(sigma[mine]),
            self._numbers(self.noise.ends(chosen[mine])),
            self._numbers(law.weights(sigma)[mine]),
            None if degraded is None else self._place(degraded[mine]),
            None if features is None else self._numbers(features[mine]),
            self._labels(chosen, rng, mine),
        )

    def _labels(
        self,
        chosen: NDArray[np.int64],
        rng: np.random.Generator,
        mine: NDArray[np.int64],
    ) -> Tensor | None:
        """Return the classes of this process's pictures, some of them left untold."""
        null = self.network.null_label
        if null is None:
            return None
        untold = rng.random(len(chosen)) < UNTOLD
        labels = np.where(untold, null, self.pictures.labels[chosen])
        return torch.tensor(labels[mine], device=self.processes.device)

    def _degrade(
        self, clean: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor | None, NDArray[np.float32] | None]:
        """Return what of a whole batch the network and its law are given, if any."""
        degradation = self.network.config.restores
        if degradation is None:
            return None, None
        degraded = degrade(clean, degradation, rng)
        seen = octave_features(degraded).numpy() if self.noise.learns else None
        return degraded, seen

    def _place(self, pictures: Tensor) -> Tensor:
        return pictures.to(self.processes.device, memory_format=torch.channels_last)

    def _numbers(self, values: NDArray[np.floating]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.processes.device)

    def advance(self) -> None:
        """Take one step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.step)
        batch = self.draw()
        losses = self.losses_of(batch)
        weighted = (losses * batch.weights).mean()
        self.optimizer.zero_grad()
        weighted.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_NORM)
        self.optimizer.step()
        self.step += 1
        update_average(self.average, self.network, self.step)
        self._record(weighted.detach())
        if self.noise.learns:
            self._teach(batch, losses.detach())

    def _teach(self, batch: Batch, losses: Tensor) -> None:
        """Tell the law what all processes saw, the features of each loss beside it."""
        rows = torch.stack([batch.sigma, losses])
        if batch.features is not None:
            rows = torch.cat([rows, batch.features.T])
        sigma, found, *features = self.processes.all(rows).double().cpu().numpy()
        law = self.noise
        if features:
            law = law.seeing(np.stack(features, axis=1).astype(np.float32))
        law.learn(sigma, found)

    def losses_of(self, batch: Batch) -> Tensor:
        """Return the mean squared error of the network's output per picture, (B,)."""
        half = self.settings.precision == "bf16"
        noised = batch.clean + per_picture(batch.sigma) * batch.noise
        with torch.autocast(self.processes.device.type, torch.bfloat16, enabled=half):
            told = (batch.ends, batch.degraded, batch.labels)
            denoised = self.shared(noised, batch.sigma, *told)
        error = (denoised.float() - batch.clean).square().mean(dim=(1, 2, 3))
        weight = loss_weight(batch.sigma, self.network.config.sigma_data)
        weighted: Tensor = error * weight
        return weighted

    def _record(self, loss: Tensor) -> None:
        self.recent.append(loss)
        span = max(1, math.ceil(self.settings.num_steps / CURVE_POINTS))
        if self.step % span == 0 or self.step == self.settings.num_steps:
            self.record()

    def record(self) -> None:
        """Add the mean of the recent losses, if there are any, to the curve."""
        if self.recent:
            mean = self.processes.mean(torch.stack(self.recent).mean())
            self.losses.append((self.step, mean))
            self.recent.clear()


def loss_weight(sigma: Tensor, sigma_data: float) -> Tensor:
    """Return the weight of squared errors at noise levels (EDM, Table 1)."""
    weight: Tensor = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    return weight


@torch.inference_mode()
def held_out_loss(
    denoise: Denoiser, clean: Tensor, sigma_data: float, ends: tuple[float, float]
) -> float:
    """Return the loss on pictures, all log SNRs between two noise levels alike."""
    seeded, losses = torch.Generator().manual_seed(0), []
    levels = torch.from_numpy(np.geomspace(*ends, NUM_HELD_OUT_LEVELS))
    for sigma in levels.tolist():
        noise = torch.randn(clean.shape, generator=seeded)
        errors = denoise(clean + sigma * noise, sigma).double() - clean
        losses.append(errors.square().mean())
    weighted = torch.stack(losses) * loss_weight(levels, sigma_data)
    return float(weighted.mean())


def fresh_network(config: NetworkConfig, seed: int) -> NetworkDenoiser:
    """Return a network with weights from a seed, without touching global randomness."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NetworkDenoiser(config)


@torch.no_grad()
def update_average(
    average: torch.nn.Module, network: torch.nn.Module, step: int
) -> None:
    """Move a running average towards a network after a step, counted from 1.

    Weights of step s count as ``s ** AVERAGE_EXPONENT``: the average is always over the
    same last part of the run, however long it is.
    """
    keep = (1 - 1 / step) ** (AVERAGE_EXPONENT + 1)
    pairs = zip(average.parameters(), network.parameters(), strict=True)
    for mean, weight in pairs:
        mean.lerp_(weight, 1 - keep)
