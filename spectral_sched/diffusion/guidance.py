"""Classes and guidance: which class to sample, how strongly, and at which levels.

Works with any model that has one denoiser per class, among them one that stood for no
class during training. Guidance draws the line from that one's picture through the
class's own and goes on along it (Ho & Salimans, arXiv 2207.12598); an interval of
sigma leaves it out where it does harm (Kynkäänniemi et al., arXiv 2404.07724).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import torch

from spectral_sched.errors import UsageError

from .denoisers import per_picture

if TYPE_CHECKING:
    from torch import Tensor

    from .denoisers import Denoiser

EVERYWHERE = (0.0, math.inf)


@dataclass(frozen=True)
class Guidance:
    """What to sample of a model with classes.

    Attributes
    ----------
    class_label
        The class, from 0 on.
    null_label
        The class that stood for none during training.
    weight
        1 is the class as trained, 0 no class, more than 1 more than the class.
    interval
        Sigmas between which to guide, the lower end excluded.

    Raises
    ------
    UsageError
        If the weight is not finite, the interval is none, or a label is missing.
    """

    class_label: int | None = None
    null_label: int | None = None
    weight: float = 1.0
    interval: tuple[float, float] = EVERYWHERE

    def __post_init__(self) -> None:
        low, high = self.interval
        if not math.isfinite(self.weight):
            message = f"--guidance needs a finite number, not {self.weight}"
            raise UsageError(message)
        if not 0 <= low < high:
            message = f"--guidance-interval needs 0 <= LOW < HIGH, not {low:g},{high:g}"
            raise UsageError(message)
        others = (self.null_label, self.weight, self.interval)
        if self.class_label is None and others != (None, 1.0, EVERYWHERE):
            message = (
                "guidance needs a class to go towards; name one with --class-label"
            )
            raise UsageError(message)
        if self.weight != 1 and self.null_label is None:
            message = (
                "--guidance needs the class that stood for none during training, often "
                "the last; name it with --null-label"
            )
            raise UsageError(message)


UNGUIDED = Guidance()
"""For models without classes."""


class WithClasses(Protocol):
    """A model that has one denoiser per class."""

    num_classes: int

    def of_class(self, label: int) -> Denoiser:
        """Return the denoiser of a class."""
        ...


class GuidedDenoiser:
    """Two denoisers as one: on the line from the second through the first.

    The second is not called where only the first counts, and the other way round.

    Parameters
    ----------
    conditional, unconditional
        The denoiser of a class and that of no class; or a good and a worse one
        (autoguidance, arXiv 2406.02507).
    weight
        1 is the first, 0 the second.
    interval
        Sigmas between which to guide, the lower end excluded; elsewhere the first.
    """

    def __init__(
        self,
        conditional: Denoiser,
        unconditional: Denoiser,
        weight: float,
        interval: tuple[float, float] = EVERYWHERE,
    ) -> None:
        self.conditional = conditional
        self.unconditional = unconditional
        self.weight = weight
        self.interval = interval

    @property
    def sigma_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma the model was trained for, if it says so."""
        return getattr(self.conditional, "sigma_range", None)

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the guided picture, (B, C, H, W), of x at noise level sigma."""
        low, high = self.interval
        weight: float | Tensor
        if isinstance(sigma, torch.Tensor):
            inside = (low < sigma) & (sigma <= high)
            weight = per_picture(torch.where(inside, self.weight, 1.0).to(x))
        else:
            weight = self.weight if low < sigma <= high else 1.0
            if weight in {0, 1}:
                return (self.conditional if weight else self.unconditional)(x, sigma)
        start, end = self.unconditional(x, sigma), self.conditional(x, sigma)
        return torch.lerp(start, end, weight)


def guided(denoise: Denoiser, guidance: Guidance) -> Denoiser:
    """Return the denoiser of the class that is asked for.

    Raises
    ------
    UsageError
        If the model has no classes and one is asked for, or none and it has classes,
        or there is no such class.
    """
    num_classes = getattr(denoise, "num_classes", 0)
    if guidance.class_label is None:
        if num_classes:
            message = f"the model has {num_classes} classes; choose with --class-label"
            raise UsageError(message)
        return denoise
    if not num_classes:
        message = "the model has no classes; leave out --class-label"
        raise UsageError(message)
    model = cast("WithClasses", denoise)
    conditional = _of_class(model, guidance.class_label, "--class-label")
    if guidance.null_label is None:
        return conditional
    unconditional = _of_class(model, guidance.null_label, "--null-label")
    return GuidedDenoiser(
        conditional, unconditional, guidance.weight, guidance.interval
    )


def _of_class(model: WithClasses, label: int, flag: str) -> Denoiser:
    if not 0 <= label < model.num_classes:
        message = (
            f"there is no class {label}; choose {flag} 0 to {model.num_classes - 1}"
        )
        raise UsageError(message)
    return model.of_class(label)


def chosen_guidance(
    class_label: int | None,
    null_label: int | None,
    guidance: float | None,
    interval: tuple[float, float] | None,
) -> Guidance:
    """Return what the flags of these names ask for; None is a flag not given.

    Raises
    ------
    UsageError
        If they make no sense.
    """
    return Guidance(
        class_label,
        null_label,
        Guidance.weight if guidance is None else guidance,
        interval or EVERYWHERE,
    )
