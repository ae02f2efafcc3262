from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from spectral_sched.defaults import BUNDLED_GUIDANCE, MODEL
from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.guidance import (
    Guidance,
    GuidedDenoiser,
    guide,
    parse_guidance,
)
from spectral_sched.errors import UsageError


class Shrink:
    """A denoiser that scales, and counts its calls."""

    sigma_range = (0.01, 50.0)

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.calls = 0

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        self.calls += 1
        assert isinstance(sigma, float) or sigma.shape == (len(x),)
        return self.factor * x


class Classes(Shrink):
    num_classes = 4

    def of_class(self, label: int) -> Any:
        return Shrink(0.1 * (label + 1))


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("weight", "sigma", "expected", "calls"),
    [
        (1.0, 1.0, 0.9, (1, 0)),
        (0.0, 1.0, 0.3, (0, 1)),
        (3.0, 1.0, 0.3 + 3 * 0.6, (1, 1)),
        (-0.5, 1.0, 0.3 - 0.5 * 0.6, (1, 1)),
        (3.0, 0.2, 0.9, (1, 0)),  # the lower end is outside
        (3.0, 5.0, 0.3 + 3 * 0.6, (1, 1)),  # the upper end is inside
        (3.0, 5.1, 0.9, (1, 0)),
        (0.0, 0.1, 0.9, (1, 0)),
    ],
)
def test_weights_and_the_interval(
    x: Tensor, weight: float, sigma: float, expected: float, calls: tuple[int, int]
) -> None:
    first, second = Shrink(0.9), Shrink(0.3)
    out = GuidedDenoiser(first, second, weight, (0.2, 5.0))(x, sigma)
    assert torch.allclose(out, expected * x, atol=1e-6)
    assert (first.calls, second.calls) == calls


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_each_picture_by_its_own_level(x: Tensor, weight: float) -> None:
    denoise = GuidedDenoiser(Shrink(0.9), Shrink(0.3), weight, (0.2, 5.0))
    sigmas = torch.tensor([0.1, 1.0, 9.0])
    alone = [denoise(x[i : i + 1], float(sigma)) for i, sigma in enumerate(sigmas)]
    assert torch.equal(denoise(x, sigmas), torch.cat(alone))
    for dtype in (torch.float64, torch.bfloat16):
        assert denoise(x.to(dtype), sigmas).dtype == dtype


def test_the_class_is_chosen(x: Tensor) -> None:
    model = Classes(0.0)
    assert torch.allclose(guide(model, Guidance(2), [0])(x, 1.0), 0.3 * x)
    both = guide(model, Guidance(0, null_label=3, weight=2.0), [0])
    assert torch.allclose(both(x, 1.0), (0.4 - 2 * 0.3) * x, atol=1e-6)
    assert facts_of(both).sigma_range == Shrink.sigma_range


def test_models_without_classes_stay_as_they_are() -> None:
    model = Shrink(0.5)
    assert guide(model, Guidance(), [0]) is model
    with pytest.raises(UsageError, match="no classes; leave out --class-label"):
        guide(model, Guidance(0), [0])
    with pytest.raises(UsageError, match="leave out --class-label and --guidance"):
        guide(model, Guidance(weight=2.0), [0])


@pytest.mark.parametrize(
    ("guidance", "message"),
    [
        (Guidance(), "has 4 classes; choose with --class-label"),
        (Guidance(4), "no class 4; choose --class-label 0 to 3"),
        (Guidance(-1), "no class -1; choose --class-label 0 to 3"),
        (Guidance(0.5), "no class 0.5; choose --class-label 0 to 3"),  # type: ignore[arg-type]
        (Guidance(0, 4, 2.0), "no class 4; choose --null-label 0 to 3"),
        (Guidance(0, weight=2.0), "name it with --null-label"),
        (Guidance("leaves"), "no class leaves; choose --class-label 0 to 3"),
    ],
)
def test_classes_that_there_are_not(guidance: Guidance, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        guide(Classes(0.0), guidance, [0])


class OfImages(Classes):
    """Answers with the label of each image."""

    def of_class(self, label: int | Tensor) -> Any:
        return lambda x, _: (
            torch.as_tensor(label).float().reshape(-1, 1, 1, 1).expand_as(x)
        )


class Numbered(OfImages):
    """Knows four classes by numbers, sorted as names are."""

    class_names = ("1", "10", "2", "3")


@pytest.mark.parametrize(("wanted", "label"), [("2", 2), ("10", 1), ("0", 0), (1, 1)])
def test_names_of_digits_are_names_first(
    x: Tensor, wanted: str | int, label: int
) -> None:
    found = guide(Numbered(0.0), parse_guidance(wanted, None, None, None), [0])
    assert found(x, 1.0)[0, 0, 0, 0] == label


def test_text_is_the_number_of_a_class_without_a_name(x: Tensor) -> None:
    found = guide(OfImages(0.0), parse_guidance("2", None, None, None), [0])
    assert found(x, 1.0)[0, 0, 0, 0] == 2


def test_classes_take_turns_but_for_that_of_none(x: Tensor) -> None:
    labels = guide(OfImages(0.0), Guidance(null_label=1), [0, 1, 5])(x, 1.0)
    assert labels[:, 0, 0, 0].tolist() == [0, 2, 3]
    guided = guide(OfImages(0.0), Guidance(null_label=1, weight=2.0), [0, 1, 5])
    assert guided(x, 1.0)[:, 0, 0, 0].tolist() == [-1, 3, 5]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"class_label": 1, "guidance": math.nan}, "finite number, not nan"),
        ({"class_label": 1, "interval": (2.0, 1.0)}, "LOW < HIGH, not 2,1"),
        ({"class_label": 1, "interval": (math.nan, 1.0)}, "LOW < HIGH, not nan,1"),
    ],
)
def test_flags_that_make_no_sense(flags: dict[str, object], message: str) -> None:
    names = ("class_label", "null_label", "guidance", "interval")
    given: dict[str, object] = dict.fromkeys(names) | flags
    with pytest.raises(UsageError, match=message):
        parse_guidance(**given)  # type: ignore[arg-type]


def test_the_bundled_model_has_a_weight_of_its_own() -> None:
    usual = parse_guidance(None, None, None, None, MODEL)
    assert usual == Guidance(weight=BUNDLED_GUIDANCE)
    assert parse_guidance(None, None, 1.0, None, MODEL) == Guidance()


def test_flags_that_are_not_given_change_nothing() -> None:
    given = parse_guidance(
        class_label=None, null_label=None, guidance=None, interval=None
    )
    assert given == Guidance()
    assert parse_guidance(None, None, None, None, "other.safetensors") == given
    interval = parse_guidance(
        class_label=1, null_label=2, guidance=3.0, interval=(0.3, math.inf)
    )
    assert interval == Guidance(1, 2, 3.0, (0.3, math.inf))
