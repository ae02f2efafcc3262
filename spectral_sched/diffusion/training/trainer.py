"""Training a denoiser: every step is a pure function of the seed and its number.

A step draws its images, noise levels and noise by the seed, its number and their
places in the batch (`draws`), so that a run that was cut short goes on exactly, and
several processes share a batch without drawing anything twice. The loss is that of EDM
(Karras et al., arXiv 2206.00364): the squared error of the network's own output, which
weighs every noise level alike. A network that restores is given a degraded copy of each
image beside the noisy one.

On CUDA a step is recorded once and replayed (`replay`), and nothing waits for it: a
loss is read when the next is there.
"""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from spectral_sched.diffusion.batches import Departure
from spectral_sched.diffusion.devices import fast_bf16, to_device
from spectral_sched.diffusion.models.denoiser import per_picture
from spectral_sched.diffusion.models.network import NetworkDenoiser, to_channels_last
from spectral_sched.diffusion.philox import Purpose
from spectral_sched.diffusion.precision import AUTO, precision_of
from spectral_sched.diffusion.replay import CudaRecorder, Replayed

from .degrade import degrade, octave_features
from .draws import StepDraws
from .pictures import PlacedPictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.precision import Precision
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
"""Share of images whose class the network is not told (arXiv 2207.12598)."""

NUM_HELD_OUT_LEVELS = 16
"""Noise levels at which held-out images are judged."""

CURVE_POINTS = 400
"""Points of the loss curve that are kept at most."""


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes
    ----------
    num_steps, batch, rate, seed
        Steps in all, images per step, highest learning rate, seed of everything.
    precision
        ``bf16`` computes convolutions in bfloat16, ``tf32`` multiplies so in them, and
        ``float32`` nothing; ``auto`` stands for the fastest until the device is known.
    """

    num_steps: int
    batch: int = 64
    rate: float = 2e-3
    seed: int = 0
    precision: str = AUTO

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step: a short rise, then half a cosine."""
        rise = min(1.0, (step + 1) / WARM_UP)
        return self.rate * rise * (1 + math.cos(math.pi * step / self.num_steps)) / 2

    def on(self, device: torch.device) -> TrainingSettings:
        """Return the settings with the precision that a device computes fastest in."""
        if self.precision != AUTO:
            return self
        return replace(self, precision="bf16" if fast_bf16(device) else "float32")

    def computing(self, device: torch.device) -> Precision:
        """Return how a device computes with these settings."""
        return precision_of(self.on(device).precision, device)


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from; each (B, ...) on the device.

    Attributes
    ----------
    clean, noise
        Images in [-1, 1] and unit noise, (B, C, H, W).
    sigma
        Noise level of each, (B,).
    weights
        What the losses are multiplied by, (B,).
    ends
        Ends of each image's noise range, (B, 2), for a network that is told them.
    degraded
        Degraded images, (B, C, H, W), for a network that restores.
    features
        What a law that learns sees of these, (B, F).
    labels
        Classes, (B,), for a network that is told them.
    """

    clean: Tensor
    noise: Tensor
    sigma: Tensor
    weights: Tensor
    ends: Tensor | None = None
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
    recent
        Losses of the steps since the last that is in the curve.

    Parameters
    ----------
    tell
        Takes a sentence on what the device cannot do.
    ranges
        Ends of the noise range of every image, (M, 2), for a network that is told them.
    """

    def __init__(
        self,
        pictures: PictureSet,
        noise: TrainingNoise,
        network: NetworkDenoiser,
        settings: TrainingSettings,
        processes: Processes,
        tell: Callable[[str], None] = warnings.warn,
        ranges: NDArray[np.float64] | None = None,
    ) -> None:
        self.pictures, self.noise, self.settings = pictures, noise, settings
        self.ranges = ranges
        self.processes, self.precision = processes, settings.computing(processes.device)
        self.network = to_channels_last(network.to(processes.device))
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.shared = processes.share_gradients(self.network)
        self.optimizer = optimizer_of(self.network, settings.rate)
        self.placed = PlacedPictures(pictures, processes.device)
        self._learn: Callable[..., tuple[Tensor, Tensor]] = self._learn_from
        if processes.device.type == "cuda" and processes.count == 1:
            self._learn = Replayed(self._learn_from, CudaRecorder(), tell)
        self.step, self.seconds = 0, 0.0
        self.recent: list[Tensor] = []
        self._losses: list[tuple[int, float]] = []
        self._unread: list[tuple[int, Departure]] = []

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Mean loss over each part of the run, as pairs of its last step and the loss.

        All that are still on their way are waited for.
        """
        self._read()
        return self._losses

    @losses.setter
    def losses(self, known: list[tuple[int, float]]) -> None:
        self._losses = known

    @property
    def last_loss(self) -> float | None:
        """The last mean that was read, without waiting for another."""
        return self._losses[-1][1] if self._losses else None

    def draw(self) -> Batch:
        """Return the batch of the next step, or the share of this process in it."""
        count, device = self.settings.batch, self.processes.device
        share = self.processes.share(count)
        draws = StepDraws(self.settings.seed, self.step, count, share)
        chosen = draws.chosen(len(self.pictures))
        clean = self.placed.batch(chosen)
        shape = tuple(clean.shape[1:])
        degraded, features = self._degrade(clean, draws)
        law = self.noise if features is None else self.noise.seeing(features)
        progress = self.step / self.settings.num_steps
        sigma = law.levels(draws.positions(), chosen, progress)
        return Batch(
            _laid_out(clean),
            _laid_out(draws.noise(shape, device, Purpose.TRAINING_NOISE)),
            self._numbers(sigma),
            self._numbers(law.weights(sigma)),
            None if self.ranges is None else self._numbers(self.ranges[chosen]),
            None if degraded is None else _laid_out(degraded),
            None if features is None else self._numbers(features),
            self._labels(chosen, draws),
        )

    def _labels(self, chosen: NDArray[np.int64], draws: StepDraws) -> Tensor | None:
        """Return the classes of this process's images, some of them left untold."""
        null = self.network.null_label
        if null is None:
            return None
        labels = np.where(draws.among(UNTOLD), null, self.pictures.labels[chosen])
        return to_device(torch.from_numpy(labels), self.processes.device)

    def _degrade(
        self, clean: Tensor, draws: StepDraws
    ) -> tuple[Tensor | None, NDArray[np.float32] | None]:
        """Return what the network and its law are given of a batch, if anything."""
        degradation = self.network.config.restores
        if degradation is None:
            return None, None

        def unit_noise(shape: tuple[int, ...]) -> Tensor:
            return draws.noise(shape[1:], clean.device, Purpose.DEGRADATION)

        degraded = degrade(clean, degradation, unit_noise)
        if not self.noise.learns:
            return degraded, None
        return degraded, octave_features(degraded).cpu().numpy()

    def _numbers(self, values: NDArray[np.floating]) -> Tensor:
        single = torch.from_numpy(values.astype(np.float32))
        return to_device(single, self.processes.device)

    def advance(self) -> None:
        """Take one step."""
        set_rate(self.optimizer, self.settings.rate_at(self.step))
        batch = self.draw()
        told = (batch.ends, batch.degraded, batch.labels)
        with self.precision.convolutions():
            weighted, losses = self._learn(
                *(batch.clean, batch.noise, batch.sigma, batch.weights, *told)
            )
        self.step += 1
        update_average(self.average, self.network, self.step)
        self._record(weighted)
        if self.noise.learns:
            self._teach(batch, losses)

    def _learn_from(
        self,
        clean: Tensor,
        noise: Tensor,
        sigma: Tensor,
        weights: Tensor,
        *told: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Change the weights by a batch; return its loss and that of each image.

        Nothing here waits for the device, so that it can be recorded.
        """
        losses = self._losses_of(clean, noise, sigma, *told)
        weighted = (losses * weights).mean()
        self.optimizer.zero_grad()
        weighted.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_NORM)
        self.optimizer.step()
        return weighted.detach(), losses.detach()

    def _losses_of(
        self, clean: Tensor, noise: Tensor, sigma: Tensor, *told: Tensor | None
    ) -> Tensor:
        """Return the mean squared error of the network's output per image, (B,)."""
        noised = clean + per_picture(sigma) * noise
        with self.precision.autocast(self.processes.device):
            denoised = self.shared(noised, sigma, *told)
        error = (denoised.float() - clean).square().mean(dim=(1, 2, 3))
        weighted: Tensor = error * loss_weight(sigma, self.network.config.sigma_data)
        return weighted

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

    def _record(self, loss: Tensor) -> None:
        self.recent.append(loss)
        span = max(1, math.ceil(self.settings.num_steps / CURVE_POINTS))
        if self.step % span == 0 or self.step == self.settings.num_steps:
            self.record()

    def record(self) -> None:
        """Add the mean of the recent losses, if there are any, to the curve.

        It is read when the next is there, for until then the device may be behind.
        """
        if self.recent:
            self._read()
            mean = self.processes.mean_of(torch.stack(self.recent).mean())
            self._unread.append((self.step, Departure(mean)))
            self.recent.clear()

    def _read(self) -> None:
        self._losses += [(step, float(mean.arrived())) for step, mean in self._unread]
        self._unread.clear()


def _laid_out(pictures: Tensor) -> Tensor:
    """Return images, (B, C, H, W), as the network has its weights."""
    return pictures.contiguous(memory_format=torch.channels_last)


def optimizer_of(network: torch.nn.Module, rate: float) -> torch.optim.Adam:
    """Return the optimiser of a network's weights, one kernel for all where there is.

    On CUDA its numbers are on the device, so that its steps can be recorded.
    """
    weights = list(network.parameters())
    device = weights[0].device
    recorded = device.type == "cuda"
    return torch.optim.Adam(
        weights,
        lr=torch.tensor(rate, device=device) if recorded else rate,
        betas=(0.9, 0.99),
        fused=device.type in {"cuda", "cpu"},
        capturable=recorded,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let an optimiser take its next step with a learning rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def loss_weight(sigma: Tensor, sigma_data: float) -> Tensor:
    """Return the weight of squared errors at noise levels (EDM, Table 1)."""
    weight: Tensor = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    return weight


@torch.inference_mode()
def held_out_loss(
    denoise: Denoiser, clean: Tensor, sigma_data: float, ends: tuple[float, float]
) -> float:
    """Return the loss on images, all log SNRs between two noise levels alike."""
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
    move = get_ema_multi_avg_fn(keep)  # type: ignore[no-untyped-call]
    move(list(average.parameters()), list(network.parameters()), step)
