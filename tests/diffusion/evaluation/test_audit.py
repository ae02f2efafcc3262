"""Audits of denoisers whose faults are known, on data whose best denoiser is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spectral_sched.diffusion.evaluation.audit import Auditor, closed_form, ring_sums
from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.models.times import flow_time
from spectral_sched.diffusion.models.wrap import Classes, wrap
from spectral_sched.diffusion.sampling.noise import SeededNoise, starting_point
from spectral_sched.errors import InputError
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from spectral_sched.files.audit import Audit
    from spectral_sched.planning.data_set import DataSet

CPU = torch.device("cpu")
COUNT = 24


@cache
def source() -> DataSet:
    from spectral_sched.planning.data_set import resize_data_set

    return resize_data_set(pink_source(), 8)


@cache
def images() -> np.ndarray:
    """Return samples of the field: the filter is the best denoiser of them."""
    field = source().power.field
    noise = SeededNoise(range(90, 90 + COUNT), field.shape, CPU, torch.float64)
    return starting_point(noise(), 0.0, "spectral", field).float().numpy()


def best() -> WienerDenoiser:
    return WienerDenoiser(source().power.field, CPU, torch.float32)


def audited(denoise: Any, num_levels: int = 10, **options: Any) -> Audit:
    """Return the audit of a denoiser; images count as real ones here."""
    return Auditor(denoise, source(), images(), True, CPU, **options)(num_levels)


def kinds(audit: Audit) -> list[str]:
    return [finding.kind for finding in audit.findings]


def test_the_best_denoiser_has_nothing_wrong() -> None:
    audit = audited(best())
    assert audit.findings == ()
    assert audit.errors.ratio == pytest.approx(np.ones(10))
    bounds = source().bounds
    expected = (bounds.sigma_min, bounds.sigma_max)
    assert audit.trusted_range == pytest.approx(expected)
    # 10 levels, and 9 images to see whether answers are steady.
    assert audit.num_calls == 10 * COUNT + 9


def test_the_filter_has_the_error_of_its_closed_form() -> None:
    audit = audited(best())
    modes = source().power.field.num_modes
    measured, expected = (
        rings @ modes / modes.sum()
        for rings in (audit.errors.wiener_rings, audit.errors.closed_rings)
    )
    assert measured == pytest.approx(expected, rel=0.25)
    assert audit.errors.wiener.mean(axis=1) == pytest.approx(measured)


def test_rings_add_up_to_the_square() -> None:
    difference = torch.randn(3, 2, 6, 9)
    sums = ring_sums(difference).sum(axis=1)
    assert sums == pytest.approx(difference.square().sum(dim=(1, 2, 3)).numpy() / 2)


def test_closed_form_at_both_ends() -> None:
    field = source().power.field
    low, high = 1e-5, 1e5
    errors = closed_form(field, np.array([high, low]))
    assert errors[0] == pytest.approx(field.power, rel=1e-4)
    assert errors[1] == pytest.approx(np.full(len(field.power), low**2), rel=1e-4)


def failing_above(level: float, part: float) -> Callable[[Tensor, float], Tensor]:
    """Return the filter with an error in the noise above a level."""
    offset = torch.linspace(-1, 1, 3 * 64).reshape(3, 8, 8)
    return lambda x, sigma: best()(x, sigma) + part * sigma * offset * (sigma > level)


@pytest.mark.parametrize("level", [2.0, 10.0])
def test_a_network_that_fails_above_a_level_is_trusted_below_it(level: float) -> None:
    """Epsilon networks fail so: their error of the image grows with sigma."""
    audit = audited(failing_above(level, 1.0), 16)
    assert "worse" in kinds(audit)
    assert audit.trusted_range is not None
    low, high = audit.trusted_range
    assert low == pytest.approx(source().bounds.sigma_min)
    ratio = (source().bounds.sigma_max / low) ** (1 / 15)
    assert level / ratio <= high <= level * ratio


def test_failures_that_hardly_reach_the_image_are_told_and_let_pass() -> None:
    audit = audited(failing_above(2.0, 0.02), 16)
    assert "worse" in kinds(audit)
    assert audit.trusted_range is not None
    assert audit.trusted_range[1] == pytest.approx(source().bounds.sigma_max)


def test_damaged_answers_are_found_though_better_than_the_filter() -> None:
    """The finite set knows its images, and is far better than the filter, even so."""

    def denoise(x: Tensor, sigma: float) -> Tensor:
        clean = torch.from_numpy(images())[: len(x)]
        return 0.9 * clean + 0.01 * best()(x, sigma)

    audit = audited(denoise)
    assert "faulty" in kinds(audit)
    assert audit.errors.ratio[3] < 1


PIXELS = {
    "given pixels in [0, 1] in place of [-1, 1]": (
        lambda x, s: (best()(2 * x - 1, 2 * s) + 1) / 2
    ),
    "given pixels in [-1, 1] in place of [0, 1]": (
        lambda x, s: 2 * best()((x + 1) / 2, s / 2) - 1
    ),
    "with the sign of what it predicts turned": lambda x, s: 2 * x - best()(x, s),
    "told half of sigma": lambda x, s: best()(x, 2 * s),
    "told twice sigma": lambda x, s: best()(x, s / 2),
}


@pytest.mark.parametrize("what", PIXELS)
def test_wrong_pixels_signs_and_levels_are_named(what: str) -> None:
    audit = audited(PIXELS[what])
    (named,) = [each.text for each in audit.findings if each.kind == "suspect"]
    assert named.startswith(what)


def velocity(z: Tensor, time: Tensor) -> Tensor:
    share = time.reshape(-1, 1, 1, 1)
    clean = best()(z / (1 - share), (time / (1 - time)))
    return (z - clean) / share


CONVENTIONS: dict[str, Callable[[], Any]] = {
    "with time that runs the other way": lambda: wrap(
        velocity, predicts="velocity", time="flow-reversed"
    ),
    "as a network that predicts velocity": lambda: wrap(
        velocity, predicts="x0", time="flow"
    ),
    "given pixels in [-1, 1] in place of [0, 1]": lambda: wrap(
        velocity, predicts="velocity", time="flow", pixels="0,1"
    ),
}


@pytest.mark.parametrize("what", CONVENTIONS)
def test_wrong_conventions_are_named(what: str) -> None:
    audit = audited(CONVENTIONS[what]())
    (named,) = [each.text for each in audit.findings if each.kind == "suspect"]
    assert named.startswith(what)
    right = wrap(velocity, predicts="velocity", time=flow_time())
    assert audited(right).findings == ()


class Norm(nn.Module):
    """The filter with a batch-norm that leaves it as it is, in evaluation alone."""

    def __init__(self, loaded: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, affine=False)
        self.scale = 2.0 if loaded else 1.0
        assert isinstance(self.norm.running_var, Tensor)
        self.norm.running_var.fill_(self.scale**2)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        normed: Tensor = self.norm(best()(x, sigma))
        return normed * self.scale


def test_batch_norm_in_training_and_without_statistics() -> None:
    def denoiser(network: nn.Module) -> Any:
        return wrap(network, predicts="x0", time="sigma")

    assert audited(denoiser(Norm(loaded=True).eval())).findings == ()
    assert "batch" in kinds(audited(denoiser(Norm(loaded=True).train())))
    assert kinds(audited(denoiser(Norm(loaded=False).eval()))) == ["statistics"]


def test_dropout_is_found() -> None:
    dropped = nn.Dropout(0.1).train()
    audit = audited(lambda x, sigma: dropped(best()(x, sigma)))
    assert kinds(audit)[0] == "random"


def test_classes_that_are_not_told_are_named() -> None:
    clean = torch.from_numpy(images())

    def network(_x: Tensor, _: Tensor, *, y: Tensor) -> Tensor:
        # Class k knows image k of the first eight, the last none of them.
        return torch.cat([clean, torch.zeros(1, 3, 8, 8)])[y.clamp(max=COUNT)]

    classes = Classes(9, 8, argument="y")
    # The label of no class, 8, is as far off as can be.
    denoise = wrap(network, predicts="x0", time="sigma", classes=classes)
    audit = audited(denoise)
    (named,) = [each.text for each in audit.findings if each.kind == "suspect"]
    assert named.startswith("told the class that suits each image best")


def test_answers_that_are_no_numbers() -> None:
    def denoise(x: Tensor, sigma: float) -> Tensor:
        return best()(x, sigma) * (float("nan") if sigma > 5 else 1.0)

    audit = audited(denoise)
    assert audit.findings[0].text.endswith("its answers are no finite numbers")
    assert audit.trusted_range is not None
    assert audit.trusted_range[1] <= 5


def test_only_levels_that_the_model_knows_are_looked_at() -> None:
    denoise: Any = best()
    denoise.sigma_range = (0.05, 3.0)
    audit = audited(denoise)
    assert audit.errors.sigmas[[0, -1]] == pytest.approx([3.0, 0.05])
    denoise.sigma_range = (1e4, 1e5)
    with pytest.raises(InputError, match="knows sigma from 1e\\+04 on"):
        audited(denoise)


def test_the_same_seed_gives_the_same_audit() -> None:
    first, again, other = (audited(best(), 3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.errors.network, again.errors.network)
    assert not np.array_equal(first.errors.network, other.errors.network)


def test_one_image_is_not_enough() -> None:
    with pytest.raises(InputError, match="two images or more"):
        replace(Auditor(best(), source(), images(), True, CPU), images=images()[:1])
