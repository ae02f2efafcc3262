from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spectral_sched.planning.search import minimal_table
from spectral_sched.planning.transfer import transfer, transfer_kl

POWER = np.geomspace(1e-4, 1e3, 9)


@pytest.mark.parametrize("num_steps", [2, 3, 8, 20])
def test_one_power_level_gives_the_tangent_grid(num_steps: int) -> None:
    # Align Your Steps (arXiv 2404.14507), Thm 3.1: arctan(sigma / c) equally spaced.
    level, first = 0.7, 80.0
    power = np.array([level**2])
    table = minimal_table(
        lambda sigmas: transfer_kl("euler", sigmas, power)[..., 0][None],
        num_steps,
        (1e-6, first),
        first=first,
    )
    angles = np.linspace(np.arctan(first / level), 0, num_steps + 1)
    np.testing.assert_allclose(table.sigmas, level * np.tan(angles), rtol=1e-6)


def test_euler_transfer_is_the_product_of_its_factors() -> None:
    sigmas = np.array([50.0, 4.0, 0.3, 0.0])
    product = 50.0 * np.prod(
        [(s * t + POWER) / (s**2 + POWER) for s, t in pairwise(sigmas)],
        axis=0,
    )
    np.testing.assert_allclose(transfer("euler", sigmas, POWER), product, rtol=1e-13)


@pytest.mark.parametrize(
    ("sampler", "order"),
    # Multistep methods of order 3 start with steps of order 1 and 2, so their sum has
    # order 2; the correctors of UniPC repair that.
    [
        ("euler", 1),
        ("heun", 2),
        ("dpmpp-2m", 2),
        ("dpmpp-3m", 2),
        ("ipndm", 2),
        ("deis", 2),
        ("unipc", 3),
        ("unipc-3", 3),
    ],
)
def test_orders_of_convergence(sampler: str, order: int) -> None:
    # Measured away from the ends, where the start and the last step have their own
    # errors: the state at sigma 0.5 that came from sqrt(P + 400) at 20.
    power, errors, steps = np.geomspace(0.01, 100, 9), [], 2 ** np.arange(7, 11)
    exact = 20 * np.sqrt((power + 0.25) / (power + 400))
    for count in steps:
        sigmas = np.append(np.geomspace(20, 0.5, count + 1), 0.0)
        # The last step is to the denoised value, P / (P + 0.25) of the state.
        state = transfer(sampler, sigmas, power) * (power + 0.25) / power
        errors.append(np.linalg.norm(state - exact))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)
