"""EDM's lines and flags.

NVlabs' code cannot be installed as a package; its loop is restated from the paper
(arXiv 2206.00364, Alg. 1 without the second order), with the names that the lines use.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spectral_sched.schedules.table import SigmaTable
from spectral_sched.targets.programs.edm import fitted_karras, karras
from tests.support.handed import LEVELS, delivered, given, given_law
from tests.support.networks import network, ours, unit_noise


def sampled(code: str, latents: torch.Tensor) -> tuple[torch.Tensor, list[float]]:
    """Return the image of an Euler loop with `code` in it, and its levels."""
    names: dict[str, Any] = {"torch": torch, "latents": latents, "noise": latents}
    names["dtype"] = torch.float32
    exec(code, names)  # the lines that a user pastes
    steps, seen = names["t_steps"], []
    assert names["num_steps"] == len(steps) - 1
    x = latents * steps[0]
    for now, following in pairwise(steps):
        seen.append(float(now))
        slope = (x - network()(x, now.double())) / now
        x = x + (following - now) * slope
    return x, [*seen, float(steps[-1])]


@pytest.mark.parametrize(("name", "tolerance"), [("edm", 1e-12), ("edm2", 1e-6)])
def test_the_lines_play_our_table(name: str, tolerance: float) -> None:
    code = delivered(name, form="python").content.decode()
    picture, seen = sampled(code, unit_noise())
    assert_allclose(seen, [*LEVELS, 0], rtol=tolerance)
    expected = ours("euler", SigmaTable.of(LEVELS), LEVELS[0] * unit_noise())
    assert expected.std() > 0.1
    torch.testing.assert_close(picture, expected, atol=1e-4, rtol=0)


@drawn(
    low=st.floats(1e-3, 0.1),
    ratio=st.floats(10, 1e5),
    rho=st.floats(0.5, 50),
    steps=st.integers(3, 40),
)
@settings(max_examples=30)
def test_a_karras_table_is_fitted_exactly(
    low: float, ratio: float, rho: float, steps: int
) -> None:
    levels = karras(low, low * ratio, rho, steps)
    found = fitted_karras(levels)
    assert_allclose(karras(*found, steps), levels, rtol=1e-5)


def test_two_levels_are_the_ends() -> None:
    assert fitted_karras(np.array([9.0, 2.0])) == (2, 9, 7)


def test_flags_are_the_best_and_say_how_far_off_they_are() -> None:
    delivery = delivered("edm", form="text")
    flags = dict(re.findall(r"--(\w+)=(\S+)", delivery.content.decode()))
    assert flags.keys() == {"steps", "sigma_min", "sigma_max", "rho"}
    numbers = [float(flags[key]) for key in ("sigma_min", "sigma_max", "rho")]

    def levels(low: float, high: float, rho: float) -> np.ndarray[Any, Any]:
        return karras(low, high, rho, int(flags["steps"]))

    played = levels(*numbers)
    off = float(np.max(np.abs(played / np.array(LEVELS) - 1)))
    assert delivery.document["deviation"] == pytest.approx(off, rel=1e-12)
    assert f"up to {off:.2g} (relative) off the table" in delivery.messages[-1]
    best = np.sum(np.log(played / LEVELS) ** 2)
    for index in range(3):
        for factor in (0.99, 1.01):
            moved = list(numbers)
            moved[index] *= factor
            worse = levels(*moved)
            assert np.sum(np.log(worse / LEVELS) ** 2) > best


def test_the_arguments_of_the_loss_are_those_of_the_law() -> None:
    artifact = given_law("edm", "lognormal")
    assert artifact.fields is not None
    assert artifact.fields["P_mean"] == pytest.approx(-1.2, rel=0.01)
    assert artifact.fields["P_std"] == pytest.approx(1.2, rel=0.01)
    assert "Kolmogorov distance" in artifact.remarks[0]
    assert "P_mean=-1." in str(artifact.text)
    assert given("edm").values.dtype == np.float64
