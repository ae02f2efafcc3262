from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.errors import UsageError
from spectral_sched.schedules.coordinates import (
    COORDINATES,
    convert,
    timestep_coordinate,
    trained_abar,
)

CONTINUOUS = [name for name in COORDINATES if not name.startswith("timestep")]


@pytest.mark.parametrize(
    ("name", "at_two"),
    [
        ("sigma", 2.0),
        ("log_snr", -1.3862943611198906),
        ("half_log_snr", -0.6931471805599453),
        ("abar", 0.2),
        ("vp_sigma", 0.8944271909999159),
        ("flow_time", 2 / 3),
        ("v_time", 0.704832764699133),
        ("c_noise", 0.17328679513998632),
    ],
)
def test_sigma_two_by_hand(name: str, at_two: float) -> None:
    assert convert(2.0, "sigma", name) == pytest.approx(at_two, rel=1e-15)
    assert convert(at_two, name, "sigma") == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "clean", "noise"),
    [
        ("sigma", 0, np.inf),
        ("log_snr", np.inf, -np.inf),
        ("half_log_snr", np.inf, -np.inf),
        ("abar", 1, 0),
        ("vp_sigma", 0, 1),
        ("flow_time", 0, 1),
        ("v_time", 0, 1),
        ("c_noise", -np.inf, np.inf),
    ],
)
def test_ends_are_exact(name: str, clean: float, noise: float) -> None:
    assert convert([0, np.inf], "sigma", name).tolist() == [clean, noise]
    assert convert([clean, noise], name, "sigma").tolist() == [0, np.inf]


@given(
    sigma=st.floats(1e-3, 1e3),
    source=st.sampled_from(CONTINUOUS),
    target=st.sampled_from(CONTINUOUS),
)
def test_all_ways_lead_back(sigma: float, source: str, target: str) -> None:
    there = convert(convert(sigma, "sigma", source), source, target)
    # 1 - abar has lost six digits at sigma 0.001 already.
    assert convert(there, target, "sigma") == pytest.approx(sigma, rel=1e-9)


@pytest.mark.parametrize(
    ("schedule", "lowest", "highest"),
    [
        # Published ranges of Stable Diffusion; the others by their first and last beta.
        ("scaled-linear", 0.02917, 14.6146),
        ("linear", np.sqrt(1e-4 / (1 - 1e-4)), 157.407),
        ("cosine", np.sqrt(1 / 0.99995873 - 1), None),
    ],
)
def test_trained_levels(schedule: str, lowest: float, highest: float | None) -> None:
    name = f"timestep-{schedule}"
    low, high = convert([0, 999], name, "sigma")
    assert low == pytest.approx(lowest, rel=1e-3)
    if highest:
        assert high == pytest.approx(highest, rel=1e-4)
    steps = np.array([0.0, 0.25, 499.5, 998.75, 999.0])
    sigmas = convert(steps, name, "sigma")
    np.testing.assert_allclose(convert(sigmas, "sigma", name), steps, atol=1e-7)
    # Between timesteps, ln sigma is linear.
    below, above = convert([499, 500], name, "sigma")
    assert sigmas[2] == pytest.approx(np.sqrt(below * above), rel=1e-12)


def test_timesteps_are_clipped_to_the_trained_levels() -> None:
    clipped = convert([0, 1e-9, np.inf], "sigma", "timestep-linear")
    assert clipped.tolist() == [0, 0, 999]


def test_what_is_no_coordinate() -> None:
    with pytest.raises(UsageError, match="did you mean --coordinate flow_time"):
        convert(1.0, "sigma", "flowtime")
    with pytest.raises(ValueError, match="no abar can have"):
        convert([0.5, 1.5], "abar", "sigma")
    with pytest.raises(ValueError, match="no sigma can have"):
        convert(-1.0, "sigma", "log_snr")
    with pytest.raises(ValueError, match="fall at every timestep"):
        timestep_coordinate(trained_abar("linear")[::-1], "")
