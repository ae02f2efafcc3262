"""Classes and guidance: which class to sample, how strongly, and at which levels.

Works with any model that has one denoiser per class, among them one that stood for no
class during training. Networks of our own know names of classes and which label stands
for none; where no class is asked for, seeds take turns. Guidance draws the line from
the image of no class through the class's own and goes on along it (Ho & Salimans,
arXiv 2207.12598); an interval of sigma leaves it out where it does harm (Kynkäänniemi
et al., arXiv 2404.07724).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from spectral_sched.defaults import BUNDLED_GUIDANCE, MODEL
from spectral_sched.errors import UsageError, check_choice
from spectral_sched.words import number_of

from .denoiser import NO_CLASSES, facts_of, per_picture, tell_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .denoiser import Denoiser, ModelFacts

EVERYWHERE = (0.0, math.inf)

MOST_WEIGHT = 1_000_000
"""Images are gone far below it, and answers overflow above."""


@dataclass(frozen=True)
class Guidance:
    """What to sample of a model with classes.

    Attributes
    ----------
    class_label
        The class, from 0 on, or its name. A text is its number if no class has
        that name.
    null_label
        The class that stood for none during training, if the model does not say.
    weight
        1 is the class as trained, 0 no class, more than 1 more than the class.
    interval
        Sigmas between which to guide, the lower end excluded.

    Raises
    ------
    UsageError
        If the weight is no number to compute with or the interval is none.
    """

    class_label: int | str | None = None
    null_label: int | None = None
    weight: float = 1.0
    interval: tuple[float, float] = EVERYWHERE

    def __post_init__(self) -> None:
        low, high = self.interval
        if not math.isfinite(self.weight):
            message = f"--guidance needs a finite number, not {self.weight}"
            raise UsageError(message)
        if abs(self.weight) > MOST_WEIGHT:
            message = f"--guidance must be at most {MOST_WEIGHT:,}, not {self.weight:g}"
            raise UsageError(message)
        if not 0 <= low < high:
            message = f"--guidance-interval needs 0 <= LOW < HIGH, not {low:g},{high:g}"
            raise UsageError(message)


UNGUIDED = Guidance()
"""For models without classes."""


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
        return facts_of(self.conditional).sigma_range

    def between(
        self, sigma_min: float | Tensor, sigma_max: float | Tensor
    ) -> GuidedDenoiser:
        """Return the same with both told of the ends of noise ranges."""
        ends = (sigma_min, sigma_max)
        return GuidedDenoiser(
            tell_ends(self.conditional, ends),
            tell_ends(self.unconditional, ends),
            self.weight,
            self.interval,
        )

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the guided image, (B, C, H, W), of x at noise level sigma."""
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


def guide(denoise: Denoiser, guidance: Guidance, seeds: Sequence[int]) -> Denoiser:
    """Return the denoiser of the class that is asked for.

    Parameters
    ----------
    seeds
        One per image, (B,): where no class is asked for, they take turns.

    Raises
    ------
    UsageError
        If the model has no classes and one is asked for, or none and its classes have
        no names, or there is no such class.
    """
    facts, wanted = facts_of(denoise), guidance.class_label
    if not facts.num_classes:
        if guidance != UNGUIDED:
            raise UsageError(NO_CLASSES)
        return denoise
    null = facts.null_label if guidance.null_label is None else guidance.null_label
    if wanted is None:
        conditional = _of_turns(facts, null, seeds)
    else:
        conditional = _of(facts, wanted)
    if guidance.weight == 1:
        return conditional
    unconditional = _of_no_class(facts, null)
    return GuidedDenoiser(
        conditional, unconditional, guidance.weight, guidance.interval
    )


def _of_turns(
    facts: ModelFacts, null_label: int | None, seeds: Sequence[int]
) -> Denoiser:
    """Return the denoiser that gives each seed the next class.

    Without names or a label of no class nobody knows which of the labels is a class.
    """
    labels = list(range(len(facts.class_names)))
    if not labels and null_label is not None:
        labels = [each for each in range(facts.num_classes) if each != null_label]
    if not labels:
        message = (
            f"the model has {number_of(facts.num_classes, 'class')}; "
            "choose with --class-label"
        )
        raise UsageError(message)
    turns = [labels[seed % len(labels)] for seed in seeds]
    return facts.of_class(torch.tensor(turns))


def _of(facts: ModelFacts, wanted: int | str) -> Denoiser:
    if isinstance(wanted, str):
        wanted = _label_of(facts.class_names, wanted)
    return _of_label(facts, wanted, "--class-label")


def _label_of(names: Sequence[str], wanted: str) -> int | str:
    """Return the label that a text names: a name first, for it may have digits only."""
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal():
        return int(wanted)
    if names:
        check_choice(wanted, names, "class", "--class-label")
    return wanted


def _of_no_class(facts: ModelFacts, null_label: int | None) -> Denoiser:
    if null_label is None:
        message = (
            "--guidance needs the class that stood for none during training, often "
            "the last; name it with --null-label"
        )
        raise UsageError(message)
    return _of_label(facts, null_label, "--null-label")


def _of_label(facts: ModelFacts, label: int | str, flag: str) -> Denoiser:
    if label not in range(facts.num_classes):
        message = (
            f"there is no class {label}; choose {flag} 0 to {facts.num_classes - 1}"
        )
        raise UsageError(message)
    return facts.of_class(int(label))


def parse_guidance(
    class_label: int | str | None,
    null_label: int | None,
    guidance: float | None,
    interval: tuple[float, float] | None,
    model: object = None,
) -> Guidance:
    """Return the guidance that the flags of these names ask for; None is not given.

    Parameters
    ----------
    model
        As it was named: the bundled one has a weight of its own.

    Raises
    ------
    UsageError
        If they make no sense.
    """
    if guidance is None:
        guidance = BUNDLED_GUIDANCE if model == MODEL else Guidance.weight
    return Guidance(
        class_label,
        null_label,
        guidance,
        interval or EVERYWHERE,
    )
