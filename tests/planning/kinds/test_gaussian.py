"""Tables that are best end to end on Gaussian data."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.exact_models.gaussian import OneGaussian, SpectralGaussian
from spectral_sched.planning.kinds.gaussian import (
    OBJECTIVES,
    end_to_end_error,
    field_modes,
    gaussian_table,
)
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.search import minimal_table
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.spectra.bounds import Start
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.power_distribution import PowerDistribution
from tests.support.planned import ends, planning

COLOURS = np.array([[2.0, 0.5], [0.5, 1.0]])


def one_gaussian(std: float) -> PowerDistribution:
    """Return a grey image of one pixel."""
    field = GaussianField((1, 1, 1), np.zeros(1), np.full((1, 1, 1), std**2))
    return PowerDistribution(field, np.full((1, 4), 2 * np.log(std)))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("num_steps", [1, 2, 5, 12])
def test_one_gaussian_and_euler_give_the_tangent_grid(
    objective: str, num_steps: int
) -> None:
    # Align Your Steps (arXiv 2404.14507), Thm 3.1, from images with noise of level
    # 80. Euler always shrinks the variance, so the distance does not matter.
    table = gaussian_table(
        one_gaussian(0.7), "euler", num_steps, (1e-6, 80), objective=objective, first=80
    )
    expected = OneGaussian(0.7).tangent_table(80, num_steps)
    np.testing.assert_allclose(table.levels, expected.levels, rtol=1e-4)


def test_the_error_on_the_tangent_grid_by_hand() -> None:
    modes = field_modes(one_gaussian(0.7).field)
    sigmas = np.array(OneGaussian(0.7).tangent_table(80, 6).sigmas)
    step = np.arctan(80 / 0.7) / 6
    # Sampled over true standard deviation; see OneGaussian.variance_ratio.
    shrunk = np.cos(step) ** 6
    distance, nats = (
        end_to_end_error(modes, "euler", sigmas, "spectral", objective)
        for objective in ("w2", "kl")
    )
    assert distance == pytest.approx(0.7**2 * (1 - shrunk) ** 2, rel=1e-12)
    assert nats == pytest.approx((shrunk**2 - 1) / 2 - np.log(shrunk), rel=1e-12)


def test_one_step_from_noise_has_its_optimum_in_closed_form() -> None:
    # Noise of level s becomes s P / (P + s^2), which is c / 2 at most, at s = c.
    for objective in OBJECTIVES:
        table = gaussian_table(
            one_gaussian(0.7), "heun", 1, (1e-3, 80), objective=objective
        )
        assert table.levels[0] == pytest.approx(0.7, rel=1e-4)


SIGMAS = np.array([30.0, 5.0, 1.0, 0.2, 0.0])


def test_the_modes_of_a_field_are_all_there() -> None:
    field = planning().field
    modes = field_modes(field)
    assert modes.weight.sum() == 3 * 256
    energy = np.einsum("k,kcc->", field.num_modes, field.cross_power)
    assert modes.power @ modes.weight == pytest.approx(energy)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m", "sde-dpmpp-2m"])
def test_the_error_from_noise_is_that_of_the_exact_model(sampler: str) -> None:
    modes = field_modes(planning().field)
    model = SpectralGaussian(modes.power, modes.weight)
    table = SigmaTable(tuple(SIGMAS.tolist()))
    for objective, total in (
        ("w2", model.squared_distance(sampler, table)),
        ("kl", model.divergence(sampler, table)),
    ):
        error = end_to_end_error(modes, sampler, SIGMAS, "mean", objective)
        assert error * 3 * 256 == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m"])
def test_a_spectral_start_has_the_power_of_the_pictures_too(sampler: str) -> None:
    modes = field_modes(planning().field)
    begun = np.sqrt(30**2 + modes.power)
    std = np.abs(transfer(sampler, SIGMAS, modes.power)) / 30 * begun
    ratio = std**2 / modes.power
    for objective, per_mode in (
        ("w2", (std - np.sqrt(modes.power)) ** 2),
        ("kl", (ratio - 1 - np.log(ratio)) / 2),
    ):
        error = end_to_end_error(modes, sampler, SIGMAS, "spectral", objective)
        assert error * 3 * 256 == pytest.approx(per_mode @ modes.weight, rel=1e-10)


def test_a_missed_mean_by_hand() -> None:
    # Two colours of one pixel, one step from noise about zero. In each axis, a mean m
    # that is missed at the start is missed by m P / (P + s^2) at the end.
    field = GaussianField((2, 1, 1), np.array([0.3, -0.8]), COLOURS[None])
    power, axes = np.linalg.eigh(COLOURS)
    wrong = (axes.T @ field.mean_color) * power / (power + 9)
    modes, sigmas = field_modes(field), np.array([3.0, 0.0])
    for objective, expected in (
        ("w2", wrong @ wrong / 2),
        ("kl", wrong**2 / power @ [0.25, 0.25]),
    ):
        zero, mean = (
            end_to_end_error(modes, "euler", sigmas, start, objective)
            for start in ("zero", "mean")
        )
        assert zero - mean == pytest.approx(expected, rel=1e-10)


def test_modes_without_power_are_left_out() -> None:
    grey = GaussianField((3, 1, 1), np.full(3, 0.2), np.full((1, 3, 3), 0.5))
    modes = field_modes(grey)
    np.testing.assert_allclose(modes.power, [1.5])
    np.testing.assert_allclose(modes.squared_mean, [3 * 0.2**2])


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m", "unipc"])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("first", [None, 5.0])
def test_no_other_table_is_better_in_its_own_objective(
    sampler: str, objective: str, first: float | None
) -> None:
    data, num_steps = planning(), 4
    low, high = ends(data)
    modes = field_modes(data.field)
    start: Start = "zero" if first is None else "spectral"

    def error(table: SigmaTable) -> float:
        sigmas = np.array(table.sigmas)
        return float(end_to_end_error(modes, sampler, sigmas, start, objective))

    best = gaussian_table(
        data, sampler, num_steps, (low, high), objective=objective, first=first
    )
    assert low * (1 - 1e-9) <= best.levels[-1]
    assert best.levels[0] <= high * (1 + 1e-9)
    rivals = [optimal_table(data, sampler, num_steps, (low, high), first=first)]
    for rho in (1.0, 2.0, 4.0, 7.0, 15.0):
        for top in np.geomspace(high / 50, high, 9) if first is None else [first]:
            for bottom in np.geomspace(low, top / 3, 9):
                law = Schedule(KarrasLaw(rho=rho), bottom, top)
                rivals.append(sigma_table(law, num_steps))
    assert error(best) <= min(map(error, rivals)) * (1 + 1e-9)
    # The local optimum leaves nine tenths and more of what there is to gain here.
    if objective == "kl":
        assert error(best) < 0.2 * error(rivals[0])


def test_many_searches_from_random_places_find_nothing_better() -> None:
    data, rng = planning(), np.random.default_rng(0)
    modes, low_high = field_modes(data.field), ends(data)
    best = gaussian_table(data, "heun", 4, low_high)
    found = [
        minimal_table(
            lambda sigmas: end_to_end_error(modes, "heun", sigmas, "zero", "w2")[None],
            4,
            low_high,
            gaps=rng.normal(size=4),
        )
        for _ in range(6)
    ]
    errors = [
        end_to_end_error(modes, "heun", np.array(table.sigmas), "zero", "w2")
        for table in (best, *found)
    ]
    assert errors[0] <= min(errors) * (1 + 1e-6)
