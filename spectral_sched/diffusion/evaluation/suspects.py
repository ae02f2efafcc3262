"""What may be wrong with how a network is called: the same network called otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.pixel_range import PixelRange
from spectral_sched.diffusion.models.predictions import PREDICTIONS, THEIRS
from spectral_sched.diffusion.models.python_path import GuardedDenoiser
from spectral_sched.diffusion.models.wrap import MEAN, WrappedDenoiser
from spectral_sched.errors import SpecschedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.search.counting import CountingDenoiser

RANGES = {
    "[0, 1]": PixelRange.of(0.0, 1.0),
    "[-0.5, 0.5]": PixelRange.of(-0.5, 0.5),
    "[0, 255]": PixelRange.of(0.0, 255.0),
}
"""Ranges of pixels in common use beside ours."""

MOST_CLASSES = 64
"""With more, no class is tried for every image."""


@dataclass(frozen=True)
class OtherPixels:
    """A denoiser as it would be, had it other pixels than it is given.

    Attributes
    ----------
    inner
        The denoiser.
    pixels
        The range that it has or, turned about, that it was taken to have.
    turned
        Whether its images are ours and were taken for those of the range.
    """

    inner: Denoiser
    pixels: PixelRange
    turned: bool = False

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        scale, way = abs(self.pixels.scale), (self.pixels.inward, self.pixels.outward)
        if self.turned:
            return way[0](self.inner(way[1](x), sigma / scale))
        return way[1](self.inner(way[0](x), sigma * scale))


@dataclass(frozen=True)
class OtherSign:
    """A denoiser as it would be, had what it predicts the other sign."""

    inner: Denoiser

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        return 2 * x - self.inner(x, sigma)


@dataclass(frozen=True)
class OtherLevel:
    """A denoiser as it would be, told a multiple of sigma."""

    inner: Denoiser
    factor: float

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        return self.inner(x, self.factor * sigma)


def suspects(
    denoise: Denoiser, labels: Tensor | None
) -> Iterator[tuple[str, Denoiser]]:
    """Yield what may be wrong, as the start of a sentence, and the denoiser without it.

    Parameters
    ----------
    labels
        The class that suits each image best, if the model is told none.
    """
    inner = denoise.denoise if isinstance(denoise, GuardedDenoiser) else denoise
    if isinstance(inner, WrappedDenoiser):
        yield from _other_conventions(inner)
    for name, pixels in RANGES.items():
        yield (
            f"given pixels in {name} in place of [-1, 1]",
            OtherPixels(denoise, pixels),
        )
        turned = OtherPixels(denoise, pixels, turned=True)
        yield f"given pixels in [-1, 1] in place of {name}", turned
    yield "with the sign of what it predicts turned", OtherSign(denoise)
    yield "told half of sigma", OtherLevel(denoise, 0.5)
    yield "told twice sigma", OtherLevel(denoise, 2.0)
    if labels is not None:
        told = facts_of(denoise).of_class(labels)
        yield "told the class that suits each image best", told


def _other_conventions(wrapped: WrappedDenoiser) -> Iterator[tuple[str, Denoiser]]:
    convention = wrapped.convention
    turned = replace(convention, time=convention.time.turned())
    yield (
        "with time that runs the other way",
        replace(wrapped, convention=turned),
    )
    mine = THEIRS.get(convention.predicts, convention.predicts)
    for name in PREDICTIONS:
        if name not in (mine, MEAN):
            other = replace(convention, predicts=name)
            yield (
                f"as a network that predicts {name}",
                replace(wrapped, convention=other),
            )


def best_labels(
    denoise: Denoiser,
    clean: Tensor,
    noisy: Tensor,
    sigma: float,
    counted: CountingDenoiser,
) -> Tensor | None:
    """Return the class with which each image is denoised best, (B,).

    None if the model has no classes, or too many, or takes one for all images.
    """
    facts = facts_of(denoise)
    if not 0 < facts.num_classes <= MOST_CLASSES:
        return None
    errors = []
    try:
        for label in range(facts.num_classes):
            labels = torch.full((len(clean),), label)
            answer = facts.of_class(labels)(noisy, sigma)
            counted.num_calls += len(clean)
            errors.append((answer - clean).square().mean(dim=(1, 2, 3)))
    except (SpecschedError, RuntimeError, ValueError, TypeError):
        return None
    return torch.stack(errors).argmin(dim=0).cpu()
