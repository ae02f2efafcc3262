"""Networks of every convention, wrapped: all are the denoiser that they came from.

Each network is made from an exact denoiser by the published definition of what it sees,
is told and predicts, from its time on; the wrapper goes the other way.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.models.guidance import Guidance, guide
from spectral_sched.diffusion.models.pixel_range import standardised
from spectral_sched.diffusion.models.times import (
    TIMES,
    NetworkTime,
    flow_time,
    time_named,
    timesteps,
    ve_time,
    vp_time,
)
from spectral_sched.diffusion.models.wrap import Classes, wrap
from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHAPE = (3, 4, 4)
SIGMA_DATA = 0.6

_generator = torch.Generator().manual_seed(1)
IMAGES = torch.rand(5, *SHAPE, generator=_generator, dtype=torch.float64) * 2 - 1
exact = FiniteSetDenoiser(IMAGES)

LINEAR = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
SCALED = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)


def cosine_abar(count: int) -> np.ndarray:
    at = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.asarray(np.cumprod(1 - np.minimum(1 - at[1:] / at[:-1], 0.999)))


def of_abar(abar: float) -> tuple[float, float]:
    return math.sqrt(abar), math.sqrt(1 - abar)


def of_list(abar: np.ndarray) -> Callable[[float], tuple[float, float]]:
    """Return the mixture of timesteps, fractions log-linear in sigma."""
    logs = np.log(1 / abar - 1) / 2

    def mixture(step: float) -> tuple[float, float]:
        sigma = math.exp(np.interp(step, np.arange(len(abar)), logs))
        return of_abar(1 / (1 + sigma**2))

    return mixture


def linear_vp(time: float) -> tuple[float, float]:
    return of_abar(math.exp(-(0.1 * time + 19.9 * time**2 / 2)))


def cosine_vp(time: float) -> tuple[float, float]:
    at = [math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 for t in (time, 0)]
    return of_abar(at[0] / at[1])


MIXTURES: dict[str, Callable[[float], tuple[float, float]]] = {
    "sigma": lambda sigma: (1.0, sigma),
    "c_noise": lambda told: (1.0, math.exp(4 * told)),
    "log_snr": lambda told: of_abar(1 / (1 + math.exp(-told))),
    "timestep-linear": of_list(LINEAR),
    "timestep-scaled-linear": of_list(SCALED),
    "timestep-cosine": of_list(cosine_abar(1000)),
    "flow": lambda time: (1 - time, time),
    "flow-1000": lambda time: (1 - time / 1000, time / 1000),
    "flow-reversed": lambda time: (time, 1 - time),
    "vp-linear": linear_vp,
    "vp-cosine": cosine_vp,
    "vp-tangent": lambda time: (
        math.cos(math.pi / 2 * time),
        math.sin(math.pi / 2 * time),
    ),
    "ve": lambda time: (1.0, 0.01 * 5000**time),
}
"""Shares of image and noise in what a network sees, by what it is told."""

OTHERS: dict[str, tuple[NetworkTime, Callable[[float], tuple[float, float]]]] = {
    "300 cosine": (timesteps("cosine", 300), of_list(cosine_abar(300))),
    "given betas": (
        timesteps(np.linspace(0.001, 0.06, 200)),
        of_list(np.cumprod(1 - np.linspace(0.001, 0.06, 200))),
    ),
    "vp 999": (vp_time(scale=999), lambda told: linear_vp(told / 999)),
    "vp steep": (
        vp_time(beta_min=0.2, beta_max=12),
        lambda t: of_abar(math.exp(-(0.2 * t + 5.9 * t**2))),
    ),
    "falling ve": (
        ve_time(0.02, 90.0, 231, to_noise=False),
        lambda told: (1.0, 0.02 * 4500 ** (1 - told / 231)),
    ),
    "reversed 1000": (
        flow_time(1000, to_noise=False),
        lambda told: (told / 1000, 1 - told / 1000),
    ),
}

CASES = {
    **{name: (time_named(name), mixture) for name, mixture in MIXTURES.items()},
    **OTHERS,
}

PIXELS: dict[str, tuple[Any, float, Tensor]] = {
    "-1,1": ("-1,1", 1.0, torch.zeros(3, 1, 1)),
    "0,1": ("0,1", 0.5, torch.full((3, 1, 1), 0.5)),
    "halves": ((-0.5, 0.5), 0.5, torch.zeros(3, 1, 1)),
    "bytes": ((0, 255), 127.5, torch.full((3, 1, 1), 127.5)),
    "standardised": (
        standardised((0.4, 0.5, 0.6), 0.25),
        2.0,
        (0.5 - torch.tensor([0.4, 0.5, 0.6])).reshape(3, 1, 1) / 0.25,
    ),
}
"""Ranges of pixels: as given, what an image of ours is multiplied by, and added."""


def column(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


def network_of(
    predicts: str,
    mixture: Callable[[float], tuple[float, float]],
    scale: float = 1.0,
    offset: Tensor | float = 0.0,
    noise_scale: float = 1.0,
    to_noise: bool = True,
) -> Callable[..., Tensor]:
    """Return a network by the definition of what it predicts.

    It sees ``clean * image + noisy * noise``, image in its own pixels and noise of
    `noise_scale`.
    """

    def network(z: Tensor, told: Tensor) -> Tensor:
        assert told.shape == (len(z),)
        shares = [mixture(float(each)) for each in told]
        clean, noisy = (
            column(torch.tensor(s, dtype=z.dtype)) for s in zip(*shares, strict=True)
        )
        level = (noisy / clean * noise_scale / scale).flatten()
        image = exact((z / clean - offset) / scale, level) * scale + offset
        noise = (z - clean * image) / noisy
        turn = (clean**2 + noisy**2).sqrt()
        return {
            "epsilon": noise,
            "x0": image,
            "v": (clean * noise - noisy * image) / turn,
            "score": (clean * image - z) / (noisy * noise_scale) ** 2,
            "velocity": (noise - image) if to_noise else (image - noise),
        }[predicts]

    return network


def check(denoise: Any, sigma: float, count: int = 3, offset: int = 0) -> None:
    generator = torch.Generator().manual_seed(offset)
    noise = torch.randn(count, *SHAPE, generator=generator, dtype=torch.float64)
    x = IMAGES[:count] + sigma * noise
    expected = exact(x, sigma)
    assert (expected - x).square().mean().sqrt() > 0.3 * sigma  # something to do
    assert (denoise(x, sigma) - expected).abs().max() < 1e-6
    each = denoise(x, torch.full((count,), sigma, dtype=torch.float64))
    assert (each - expected).abs().max() < 1e-6


def test_every_time_has_a_definition() -> None:
    assert set(MIXTURES) == set(TIMES)


SEEN = {"velocity": "flow", "v": "vp"}
"""What networks see by definition, where what they predict is one of its time."""


def pairs(names: Iterable[str], *predictions: str) -> list[tuple[str, str]]:
    """Return predictions with the times that they are defined for."""
    return [
        (predicts, name)
        for predicts in predictions
        for name in names
        if CASES[name][0].input_type == SEEN.get(predicts, CASES[name][0].input_type)
    ]


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize(
    ("predicts", "name"), pairs(CASES, "epsilon", "x0", "score", "v", "velocity")
)
def test_prediction_by_time_by_pixels(predicts: str, name: str, pixels: str) -> None:
    time, mixture = CASES[name]
    given, scale, offset = PIXELS[pixels]
    network = network_of(predicts, mixture, scale, offset, to_noise=time.to_noise)
    denoise = wrap(network, predicts=predicts, time=time, pixels=given)
    low, high = denoise.sigma_range or (0.02, 40.0)
    for sigma in (0.05, 0.7, 12.0):
        if low < sigma < high:
            check(denoise, sigma)


@pytest.mark.parametrize("pixels", PIXELS)
def test_inner_networks_of_edm(pixels: str) -> None:
    given, scale, offset = PIXELS[pixels]
    data = SIGMA_DATA * scale

    def network(z: Tensor, told: Tensor) -> Tensor:
        sigma = column((4 * told).exp())
        total = (sigma**2 + data**2).sqrt()
        y = z * total
        image = exact((y - offset) / scale, sigma.flatten() / scale) * scale + offset
        return (image - data**2 / total**2 * y) / (sigma * data / total)

    wrapped = wrap(network, predicts="F", time="c_noise", pixels=given, sigma_data=data)
    for sigma in (0.01, 0.5, 30.0):
        check(wrapped, sigma)


@pytest.mark.parametrize("noise_scale", [1.0, 2.0, 7.5])
@pytest.mark.parametrize(
    ("predicts", "name"),
    pairs(
        ("flow", "flow-1000", "flow-reversed", "vp-linear"),
        *("x0", "epsilon", "score", "velocity"),
    ),
)
def test_noise_of_another_scale(predicts: str, name: str, noise_scale: float) -> None:
    time, mixture = CASES[name]
    network = network_of(
        predicts, mixture, noise_scale=noise_scale, to_noise=time.to_noise
    )
    denoise = wrap(network, predicts=predicts, time=time, noise_scale=noise_scale)
    for sigma in (0.1, 0.7, 25.0):
        check(denoise, sigma)
    alone = wrap(network, predicts=predicts, time=time)
    assert denoise.sigma_range is not None
    assert alone.sigma_range is not None
    assert denoise.sigma_range == pytest.approx(
        [noise_scale * end for end in alone.sigma_range]
    )


@pytest.mark.parametrize("mean", ["end", "length"])
def test_mean_velocities_are_asked_where_both_times_meet(mean: str) -> None:
    velocity = network_of("velocity", MIXTURES["flow"])

    def network(z: Tensor, time: Tensor, second: Tensor) -> Tensor:
        other = second if mean == "end" else time - second
        # Of any other span the answer is of another kind.
        return velocity(z, time) + (time - other).abs().max()

    denoise = wrap(network, predicts="mean-velocity", time="flow", mean=mean)
    for sigma in (0.05, 3.0):
        check(denoise, sigma)
    wrong = wrap(
        network,
        predicts="mean-velocity",
        time="flow",
        mean="length" if mean == "end" else "end",
    )
    with pytest.raises(AssertionError):
        check(wrong, 3.0)


def whole_only(network: Callable[..., Tensor], asked: list[Tensor]) -> Any:
    def whole(z: Tensor, told: Tensor) -> Tensor:
        assert told.dtype == torch.int64
        asked.append(told)
        return network(z, told.double())

    return whole


@pytest.mark.parametrize("step", [3, 250, 998])
@pytest.mark.parametrize("whole", ["nearest", "between"])
@pytest.mark.parametrize("predicts", ["epsilon", "v", "x0"])
def test_whole_timesteps_at_trained_levels(
    predicts: str, whole: Any, step: int
) -> None:
    asked: list[Tensor] = []
    network = whole_only(network_of(predicts, of_list(LINEAR)), asked)
    denoise = wrap(network, predicts=predicts, time=timesteps(LINEARS, whole=whole))
    sigma = math.sqrt(1 / LINEAR[step] - 1)
    x = IMAGES[:2] + sigma
    assert (denoise(x, sigma) - exact(x, sigma)).abs().max() < 1e-6
    assert asked[0].tolist() == [step, step]


LINEARS = np.linspace(1e-4, 0.02, 1000)


def test_between_whole_timesteps_answers_are_weighed() -> None:
    levels = np.sqrt(1 / LINEAR - 1)
    asked: list[Tensor] = []
    network = whole_only(network_of("epsilon", of_list(LINEAR)), asked)
    way = timesteps(LINEARS, whole="between")
    sigma = float(levels[400] ** 0.75 * levels[401] ** 0.25)
    x = IMAGES[:2] + sigma
    found = wrap(network, time=way)(x, sigma)
    assert [told[0].item() for told in asked] == [400, 401]
    z = x / math.sqrt(1 + sigma**2)
    low, high = (network(z, torch.full((2,), step)) for step in (400, 401))
    assert (found - (x - sigma * (0.75 * low + 0.25 * high))).abs().max() < 1e-9
    # The nearest alone errs by more.
    nearest = wrap(network, time=replace(way, whole="nearest"))(x, sigma)
    expected = exact(x, sigma)
    assert (found - expected).abs().max() < (nearest - expected).abs().max()


@given(st.floats(0.03, 100.0))
def test_times_of_levels_of_each_image_are_those_of_numbers(sigma: float) -> None:
    for time, _ in CASES.values():
        low, high = time.ratios or (0.03, 100.0)
        level = min(max(sigma, low), high)
        both = time.told(torch.tensor([level, level], dtype=torch.float64))
        assert isinstance(both, Tensor)
        assert both.tolist() == pytest.approx(
            [time.told(level)] * 2, rel=1e-9, abs=1e-9
        )


def test_ranges_are_finite_and_end_where_the_image_does() -> None:
    for name, (time, _) in CASES.items():
        if time.ratios is not None:
            assert 0 < time.ratios[0] < time.ratios[1] < 1e4, name
    abar = cosine_abar(1000)
    # The last beta is clipped, and leads to sigma 20291; the level before is useful.
    low, high = wrap(print, time="timestep-cosine").sigma_range or (0, 0)
    assert high == pytest.approx(math.sqrt(1 / abar[998] - 1), rel=1e-6)
    assert high == pytest.approx(642, rel=1e-2)
    assert low == pytest.approx(math.sqrt(1 / abar[0] - 1), rel=1e-6)
    assert wrap(print, time="flow").sigma_range == pytest.approx((1 / 999, 999))
    # In pixels that are half as far apart, noise is twice as strong.
    halves = wrap(print, time="flow", pixels="0,1").sigma_range
    assert halves == pytest.approx((2 / 999, 2 * 999))
    assert wrap(print, time="sigma").sigma_range is None
    assert wrap(print, time="flow", sigma_range=(0.1, 9)).sigma_range == (0.1, 9)


@pytest.mark.parametrize("one_hot", [False, True])
def test_classes_are_told_by_name_of_the_argument(one_hot: bool) -> None:
    told: list[Tensor] = []

    def network(z: Tensor, _: Tensor, *, y: Tensor) -> Tensor:
        told.append(y)
        return z

    kinds = Classes(4, None if one_hot else 3, ("a", "b", "c"), "y", one_hot)
    denoise = wrap(network, time="sigma", classes=kinds)
    assert facts_of(denoise).num_classes == 4
    x = torch.zeros(2, *SHAPE)
    denoise(x, 1.0)
    guide(denoise, Guidance("b"), [0, 1])(x, 1.0)
    guide(denoise, Guidance(), [0, 1, 2, 3, 4][1:3])(x, 1.0)
    if one_hot:
        assert [each.tolist() for each in told] == [
            [[0] * 4] * 2,
            [[0, 1, 0, 0]] * 2,
            [[0, 1, 0, 0], [0, 0, 1, 0]],
        ]
    else:
        assert [each.tolist() for each in told] == [[3, 3], [1, 1], [1, 2]]


def test_classes_that_are_not_told_are_asked_for() -> None:
    denoise = wrap(far, time="sigma", classes=10)
    with pytest.raises(UsageError, match="has 10 classes; choose with --class-label"):
        denoise(torch.zeros(1, *SHAPE), 1.0)


def far(z: Tensor, _: Tensor) -> Tensor:
    return torch.linspace(-4, 4, z[0].numel(), dtype=z.dtype).reshape(z[:1].shape)


def test_clamps_are_off_unless_asked_for() -> None:
    x = torch.zeros(1, *SHAPE, dtype=torch.float64)
    asked: tuple[dict[str, Any], ...] = ({}, {"clamp": 1.0}, {"threshold": 0.75})
    plain, clamped, dynamic = (
        wrap(far, predicts="x0", time="sigma", **how)(x, 1.0) for how in asked
    )
    assert plain.abs().max() == 4
    assert torch.equal(clamped, plain.clamp(-1, 1))
    top = float(np.quantile(plain.abs().numpy(), 0.75))
    assert top > 2
    assert torch.allclose(dynamic, plain.clamp(-top, top) / top)
    # Images inside the range are left as they are.
    small = wrap(lambda z, t: far(z, t) / 5, predicts="x0", time="sigma", threshold=0.9)
    assert torch.allclose(small(x, 1.0), plain / 5)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (lambda z: z, True),
        (lambda z: (z, "more"), True),
        (lambda z: torch.cat([z, z], dim=1), True),
        (lambda z: type("Output", (), {"sample": z})(), True),
        (lambda z: z[:, :2], False),
        (lambda z: z.mean(), False),
        (lambda _: None, False),
    ],
)
def test_answers_of_many_forms(answer: Any, right: bool) -> None:
    denoise = wrap(lambda z, _: answer(z), predicts="x0", time="sigma")
    x = torch.rand(2, *SHAPE)
    if right:
        assert torch.equal(denoise(x, 1.0), x)
    else:
        with pytest.raises(UsageError, match="let it return one tensor"):
            denoise(x, 1.0)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"predicts": "epsilom"}, "did you mean predicts=epsilon"),
        ({"time": "timestep-lineal"}, "did you mean time=timestep-linear"),
        ({"input_type": "vq"}, "there is no input 'vq'"),
        ({"pixels": "0;1"}, "black and white, as in '0,1'"),
        ({"pixels": (1, 1)}, "no range"),
        ({"pixels": "0,nan"}, "no range"),
        ({"noise_scale": 2.0, "time": "sigma"}, "vp or flow, not ve"),
        ({"noise_scale": 0.0}, "above 0"),
        ({"clamp": 1.0, "threshold": 0.9}, "leave one out"),
        ({"clamp": -1.0}, "above 0"),
        ({"threshold": 99.5}, "between 0 and 1"),
        ({"sigma_range": (0.1, math.inf)}, "two rising numbers"),
        ({"mean": "start"}, "there is no second time 'start'"),
    ],
)
def test_what_cannot_be_is_refused_at_once(how: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        wrap(far, **how)


def test_channels_of_different_scales_are_refused_with_a_cure() -> None:
    with pytest.raises(UsageError, match=r"analyze the standardised pixels"):
        standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with pytest.raises(UsageError, match="above 0"):
        standardised(0.5, 0.0)


@pytest.mark.parametrize("betas", [[0.1], [0.1, 0.0], [0.1, 1.1], [[0.1, 0.2]]])
def test_betas_that_are_none(betas: Any) -> None:
    with pytest.raises(UsageError, match="betas are a list"):
        timesteps(betas)
