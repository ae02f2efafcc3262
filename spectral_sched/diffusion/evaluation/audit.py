"""A denoiser beside Wiener's filter, level by level and ring by ring (ours)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from spectral_sched.diffusion.batches import first_batch
from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.sampling.noise import SeededNoise
from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.errors import InputError
from spectral_sched.files.audit import Audit, Finding
from spectral_sched.planning.trust import LevelErrors, correctable_share
from spectral_sched.spectra.rings import rings

from .findings import faulty_findings, lost_statistics, worse_findings
from .suspects import best_labels, suspects

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.spectra.gaussian_field import GaussianField

NUM_LEVELS, NUM_IMAGES = 24, 64

SUSPECT_IMAGES = 8
SUSPECT_LEVELS = (0.1, 0.4, 0.7)
"""Where suspects are looked at: shares of the way down the levels, and images each."""

BETTER = 1.1
"""How many times less the error of a suspect has to be, in the geometric mean."""

STEADY = 1e-2
"""Change of an answer, over what it changes of the image, that rounding explains."""

ON_CPU = 16

TINY = 1e-30
"""Squared error that counts as none."""


class Looks(NamedTuple):
    """What was seen of a level.

    Attributes
    ----------
    network, wiener
        Squared error of each image in each ring, (N, K), as sums over modes.
    products
        Sums of products of the residual, of the answers and of the noisy image, (4, 4).
    """

    network: NDArray[np.float64]
    wiener: NDArray[np.float64]
    products: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Auditor:
    """A denoiser and the images that it is looked at with.

    Attributes
    ----------
    denoise
        The denoiser.
    data_set
        Its images in the statistical sense: the filter's spectrum.
    images
        Images in [-1, 1], (N, C, H, W), float32.
    on_images
        Whether they are real; else they are samples of the data set's field.
    device, dtype
        Where the denoiser is, and the type of its images.
    seed
        Of the noise.
    """

    denoise: Denoiser
    data_set: DataSet
    images: NDArray[np.float32]
    on_images: bool
    device: torch.device
    dtype: torch.dtype = torch.float32
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.images) < 2:
            message = "an audit looks at two images or more; name more with --data"
            raise InputError(message)

    @cached_property
    def counted(self) -> CountingDenoiser:
        """The denoiser, its calls counted."""
        return CountingDenoiser(self.denoise)

    @property
    def field(self) -> GaussianField:
        """The data set's mean colour and spectrum."""
        return self.data_set.power.field

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The range that is looked at: what the images ask for and the model knows."""
        bounds = self.data_set.bounds
        low, high = facts_of(self.denoise).sigma_range or (0.0, np.inf)
        return max(low, bounds.sigma_min), min(high, bounds.sigma_max)

    def levels(self, count: int) -> NDArray[np.float64]:
        """Return levels even in ln sigma, falling, (L,).

        Raises
        ------
        InputError
            If the model knows no part of the images' range.
        """
        low, high = self.ends
        if not low < high:
            message = (
                f"the model knows sigma from {low:.4g} on and the images ask for "
                f"{high:.4g} at most; analyze images like those it was trained on"
            )
            raise InputError(message)
        return np.geomspace(high, low, count)

    def __call__(
        self,
        num_levels: int = NUM_LEVELS,
        advance: Callable[[int], None] = lambda _: None,
    ) -> Audit:
        """Look at a number of levels, and say what was found.

        Parameters
        ----------
        advance
            Called with the number of images that were looked at, once for each level.
        """
        begun = time.perf_counter()
        sigmas = self.levels(num_levels)
        with torch.inference_mode():
            errors = self._errors(sigmas, advance)
            findings = [*self._steadiness(), *lost_statistics(self.denoise)]
            findings += [*worse_findings(errors, self.field), *faulty_findings(errors)]
            if errors.worse.any() or errors.faulty.any():
                findings += self._suspects(sigmas, 1 + errors.slack)
        return Audit(
            errors=errors,
            frequency=self.field.frequency,
            num_modes=self.field.num_modes,
            findings=tuple(findings),
            num_calls=self.counted.num_calls,
            seconds=time.perf_counter() - begun,
        )

    def look(self, num_levels: int) -> LevelErrors:
        """Return the errors at a number of levels alone."""
        with torch.inference_mode():
            return self._errors(self.levels(num_levels), lambda _: None)

    def _errors(
        self, sigmas: NDArray[np.float64], advance: Callable[[int], None]
    ) -> LevelErrors:
        looks = []
        for place, sigma in enumerate(sigmas):
            looks.append(self._looks(float(sigma), place))
            advance(len(self.images))
        modes, pixels = self.field.num_modes, self.field.num_pixels
        network, wiener = (
            np.stack([getattr(look, who) for look in looks])
            for who in ("network", "wiener")
        )
        return LevelErrors(
            sigmas=sigmas,
            network=network.sum(axis=2) / pixels,
            wiener=wiener.sum(axis=2) / pixels,
            network_rings=network.mean(axis=1) / modes,
            wiener_rings=wiener.mean(axis=1) / modes,
            closed_rings=closed_form(self.field, sigmas),
            num_modes=modes,
            correctable=np.array([correctable_share(look.products) for look in looks]),
            on_images=self.on_images,
        )

    def _looks(self, sigma: float, place: int) -> Looks:
        """Return what is seen of a level, batch by batch."""
        size = first_batch(self.field.shape, self.device, ON_CPU)
        parts = [
            self._look(clean, sigma, place, first)
            for first in range(0, len(self.images), size)
            for clean in [self._clean(slice(first, first + size))]
        ]
        return Looks(
            np.concatenate([part.network for part in parts]),
            np.concatenate([part.wiener for part in parts]),
            np.sum([part.products for part in parts], axis=0),
        )

    def _look(self, clean: Tensor, sigma: float, place: int, first: int) -> Looks:
        noise = self._noise(len(clean), place, first)
        noisy = clean + sigma * noise
        answer, filtered = self.counted(noisy, sigma), self.filter(noisy, sigma)
        mean = self.filter.mean
        seen = (clean - answer, answer - mean, filtered - mean, noisy - filtered)
        rows = torch.stack([part.flatten().double().cpu() for part in seen])
        return Looks(
            ring_sums(answer - clean),
            ring_sums(filtered - clean),
            (rows @ rows.T).numpy(),
        )

    @cached_property
    def filter(self) -> WienerDenoiser:
        """Wiener's filter of the spectrum."""
        return WienerDenoiser(self.field, self.device, self.dtype)

    def _clean(self, part: slice) -> Tensor:
        return torch.from_numpy(self.images[part]).to(self.device, self.dtype)

    def _noise(self, count: int, place: int, first: int) -> Tensor:
        """Return unit noise of its own for every level and image."""
        begun = self.seed + place * len(self.images) + first
        seeds = range(begun, begun + count)
        return SeededNoise(seeds, self.field.shape, self.device, self.dtype)()

    def _steadiness(self) -> list[Finding]:
        """Return what is found where answers depend on more than image and level."""
        sigma = float(np.sqrt(self.ends[0] * self.ends[1]))
        clean = self._clean(slice(0, 4))
        noisy = clean + sigma * self._noise(len(clean), 0, 0)
        once, twice = self.counted(noisy, sigma), self.counted(noisy, sigma)
        alone = self.counted(noisy[:1], sigma)
        moved = (once - noisy).square().mean().sqrt()
        if (twice - once).square().mean().sqrt() > STEADY * moved:
            text = (
                "two calls with the same image give two answers: dropout is on; call "
                "eval() on the network"
            )
            return [Finding("random", text)]
        if (alone - once[:1]).square().mean().sqrt() > STEADY * moved:
            text = (
                "an answer depends on the other images of its batch, as batch-norm "
                "does in training; call eval() on the network"
            )
            return [Finding("batch", text)]
        return []

    def _suspects(self, sigmas: NDArray[np.float64], pass_at: float) -> list[Finding]:
        """Return the change of convention that helps most, if one helps.

        The right one is no worse than the filter, up to the factor that is let pass.
        """
        levels = [
            float(sigmas[round(share * (len(sigmas) - 1))]) for share in SUSPECT_LEVELS
        ]
        own = self._log_error(self.denoise, levels)
        good = self._log_error(self.filter, levels) + np.log(pass_at)
        found = []
        for what, denoise in suspects(self.denoise, self._labels(levels)):
            error = self._log_error(denoise, levels)
            if error < min(own - np.log(BETTER), good):
                found.append((error, what))
        if not found:
            return []
        error, what = min(found)
        text = f"{what}, its error is {np.exp(own - error):.3g} times less"
        return [Finding("suspect", text)]

    def _labels(self, levels: list[float]) -> Tensor | None:
        """Return the class that suits each image best, for a model of classes."""
        sigma = levels[len(levels) // 2]
        clean = self._clean(slice(0, SUSPECT_IMAGES))
        noisy = clean + sigma * self._noise(len(clean), 1, 0)
        return best_labels(self.denoise, clean, noisy, sigma, self.counted)

    def _log_error(self, denoise: Denoiser, levels: list[float]) -> float:
        """Return the mean logarithm of the error at levels; infinite if it fails."""
        clean, total = self._clean(slice(0, SUSPECT_IMAGES)), 0.0
        for place, sigma in enumerate(levels):
            noisy = clean + sigma * self._noise(len(clean), place, 0)
            self.counted.num_calls += len(clean)
            try:
                answer = denoise(noisy, sigma)
            except (RuntimeError, LookupError, ValueError, TypeError, InputError):
                return np.inf
            error = float((answer - clean).double().square().mean())
            total += np.log(max(error, TINY)) if np.isfinite(error) else np.inf
        return total / len(levels)


def ring_sums(difference: Tensor) -> NDArray[np.float64]:
    """Return squares summed over the modes of each ring, mean over channels, (B, K)."""
    plane = rings(*difference.shape[2:])
    modes = torch.fft.rfft2(difference.double().cpu(), norm="ortho")
    power = modes.abs().square().mean(dim=1) * torch.from_numpy(plane.multiplicity)
    sums = torch.zeros(len(power), len(plane), dtype=torch.float64)
    sums.index_add_(1, torch.from_numpy(plane.index.ravel()), power.flatten(1))
    return np.asarray(sums.numpy())


def closed_form(
    field: GaussianField, sigmas: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the expected squared error of Wiener's filter per mode, (L, K)."""
    power = field.color_axes.power.clip(0)
    noise = (sigmas**2)[:, None, None]
    return np.asarray((power * noise / (power + noise)).mean(axis=2))
