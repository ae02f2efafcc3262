"""What a denoiser says of itself, and what is taken for granted where it does not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from spectral_sched.diffusion.models.denoiser import (
    Denoiser,
    ModelFacts,
    facts_of,
    tell_ends,
)
from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.errors import UsageError
from spectral_sched.planning.replan import ModelLimits


def plain(x: Tensor, sigma: float | Tensor) -> Tensor:
    return x / (1 + sigma)


def test_a_plain_function_says_nothing() -> None:
    facts = facts_of(plain)
    assert facts == ModelFacts()
    assert facts.limits == ModelLimits()
    assert not facts.num_classes
    assert tell_ends(plain, (0.1, 10.0)) is plain
    with pytest.raises(UsageError, match="no classes; leave out --class-label"):
        facts.of_class(0)


def test_what_a_function_says_is_kept_and_none_says_nothing() -> None:
    def denoise(x: Tensor, sigma: float | Tensor) -> Tensor:
        return plain(x, sigma)

    denoise.sigma_range = (0.01, 80.0)  # type: ignore[attr-defined]
    denoise.class_names = None  # type: ignore[attr-defined]
    facts = facts_of(denoise)
    assert facts == ModelFacts(sigma_range=(0.01, 80.0))
    assert facts.limits == ModelLimits(None, (0.01, 80.0))


class Ranged:
    """A denoiser of two classes that heeds ends."""

    num_classes, null_label = 2, 1

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        return plain(x, sigma)

    def of_class(self, label: int) -> Denoiser:
        return lambda x, _: (label + 1) * x

    def between(self, low: float | Tensor, high: float | Tensor) -> Denoiser:
        return lambda x, _: x * low * high


def test_methods_are_facts_too() -> None:
    model, x = Ranged(), torch.ones(1, 1, 2, 2)
    facts = facts_of(model)
    assert (facts.num_classes, facts.null_label) == (2, 1)
    assert float(facts.of_class(1)(x, 1.0).mean()) == 2
    assert float(tell_ends(model, (0.5, 20.0))(x, 1.0).mean()) == 10


def test_models_of_the_package_say_what_they_know() -> None:
    left_out = ("left out 1 of 3 images",)
    assert facts_of(FiniteSetDenoiser(torch.zeros(2, 1, 2, 2), messages=left_out)) == (
        ModelFacts(messages=left_out)
    )
