"""What a denoiser is, and what it may say of itself.

Any function ``denoise(x, sigma)`` is one. All else that the package wants to know of it
is asked of `facts_of`, which has an answer for functions that say nothing, too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

import torch

from spectral_sched.errors import UsageError
from spectral_sched.planning.replan import ModelLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from spectral_sched.images.pixels import Shape

    Level = float | Tensor
    Ends = tuple[Level, Level]

NO_CLASSES = "the model has no classes; leave out --class-label and --guidance"


class Denoiser(Protocol):
    """What the sampler needs to know of a model."""

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        ...


def refuse_class(label: int | Tensor) -> Denoiser:  # noqa: ARG001, has none of them
    """Raise `UsageError`, as a model without classes does for any label."""
    raise UsageError(NO_CLASSES)


@dataclass(frozen=True)
class ModelFacts:
    """What a denoiser says of itself by attributes of these names.

    The defaults stand for what it does not say.

    Attributes
    ----------
    shape
        (C, H, W) of its images; None for any.
    sigma_range
        Lowest and highest sigma that it was trained for; None for all.
    num_classes
        How many classes it knows, that of no class among them.
    class_names
        Names of the classes, by label. A model that has them takes a label per image,
        (B,), where others take one for all.
    null_label
        The label that stood for no class during training.
    messages
        What has to be said about it.
    of_class
        Returns the denoiser of a label.
    between
        Returns the denoiser of images whose noise ranges have a lower and an upper
        end, numbers or one per image, (B,); None where ends are not heeded.
    heeds_ends
        Whether it was trained with the range of each image.
    native
        Returns the sigmas of its own steps, falling, by their number and how they are
        spaced; None where it has none.
    """

    shape: Shape | None = None
    sigma_range: tuple[float, float] | None = None
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    null_label: int | None = None
    messages: tuple[str, ...] = ()
    of_class: Callable[[int | Tensor], Denoiser] = refuse_class
    between: Callable[[Level, Level], Denoiser] | None = None
    heeds_ends: bool = False
    native: Callable[[int, str], Sequence[float]] | None = None

    @property
    def limits(self) -> ModelLimits:
        """What a plan for the model has to keep to."""
        return ModelLimits(self.shape, self.sigma_range)


def facts_of(denoise: Denoiser) -> ModelFacts:
    """Return what a denoiser says of itself; a plain function says nothing."""
    said = {fact.name: getattr(denoise, fact.name, None) for fact in fields(ModelFacts)}
    return ModelFacts(**{name: fact for name, fact in said.items() if fact is not None})


def tell_ends(denoise: Denoiser, ends: Ends) -> Denoiser:
    """Return a denoiser told of the ends of noise ranges, if it heeds them.

    Parameters
    ----------
    ends
        Lower and upper end, of all images of a batch or of each, (B,).
    """
    between = facts_of(denoise).between
    return denoise if between is None else between(*ends)


def recordable(denoise: Denoiser) -> nn.Module | None:
    """Return the network of a denoiser whose calls may be recorded, if it names one.

    It names it as ``recordable``: a module that depends on nothing but its inputs and
    its weights, and that is told of noise levels, ends, classes and images in them.
    """
    network: nn.Module | None = getattr(denoise, "recordable", None)
    return network


def per_picture(sigma: float | Tensor) -> float | Tensor:
    """Return sigma in a shape that multiplies (B, C, H, W)."""
    return sigma.reshape(-1, 1, 1, 1) if isinstance(sigma, torch.Tensor) else sigma
