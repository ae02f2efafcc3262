from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.exact_models.interpolants import (
    Interpolant,
    VarianceExploding,
    VariancePreserving,
    dilated_levels,
    sigma_levels,
    uniform_levels,
)

PATHS: list[Interpolant] = [VariancePreserving(), VarianceExploding(400)]


@pytest.mark.parametrize("path", PATHS)
def test_slopes_are_derivatives(path: Interpolant) -> None:
    near = 1e-6
    for level in (0.0, 0.3, 0.9):
        rise = path.noise_variance(level + near) - path.noise_variance(level - near)
        assert path.noise_slope(level) == pytest.approx(rise / (4 * near), abs=1e-6)


def test_dilated_levels_are_the_formulas_of_the_paper() -> None:
    share, half = 3 / 20, np.linspace(0, 0.5, 6)
    preserving = np.append(2 * share * half, share + (1 - share) * 2 * half[1:])
    exploding = np.append((1 - share) * 2 * half, (1 - share) + share * 2 * half[1:])
    for path, expected in zip(PATHS, (preserving, exploding), strict=True):
        np.testing.assert_allclose(dilated_levels(path, 10, 400), expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("num_steps", [2, 7, 20])
def test_sigma_levels_are_the_ratio_of_the_coefficients(
    path: Interpolant, num_steps: int
) -> None:
    levels = dilated_levels(path, num_steps, 400)
    table = sigma_levels(path, levels)
    assert table.num_steps == num_steps - 1
    for level, sigma in zip(levels[1:-1], table.levels, strict=True):
        assert (sigma * level) ** 2 == pytest.approx(path.noise_variance(level))


@pytest.mark.parametrize("path", PATHS)
def test_a_dilation_of_half_the_root_is_no_dilation(path: Interpolant) -> None:
    np.testing.assert_allclose(dilated_levels(path, 9, 400, 10.0), uniform_levels(9))


@pytest.mark.parametrize("dilation", [0.0, -1.0, 20.0, np.nan])
def test_dilations_are_checked(dilation: float) -> None:
    for path in PATHS:
        with pytest.raises(ValueError, match="between 0 and the root"):
            dilated_levels(path, 4, 400, dilation)
