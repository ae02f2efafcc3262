from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spectral_sched.planning.law_fits import cosine_fit
from spectral_sched.planning.training_law import law_sample
from spectral_sched.schedules import SCHEDULES, Schedule
from tests.support.handed import delivered_law, law
from tests.support.pink import pink_basis


@drawn(shift=st.floats(-2, 2))
@settings(max_examples=20)
def test_a_shifted_cosine_law_comes_back(shift: float) -> None:
    noise_d = 32 * np.exp(shift)
    settings = {"image_d": 32.0, "noise_d": noise_d}
    wide = Schedule(SCHEDULES["cosine"].of(pink_basis(), settings), 1e-4, 1e4)
    fit = cosine_fit(law_sample(wide))
    assert fit.parameters["scale"] == pytest.approx(32 / noise_d, rel=1e-3)
    assert fit.kolmogorov < 1e-3
    assert abs(fit.divergence) < 1e-3


def test_the_constructor_gets_the_nearest_noise_d() -> None:
    fields = json.loads(delivered_law("simple-diffusion").content)
    assert fields["image_size"] == 32
    time, log_snr = np.array(fields["time"]), np.array(fields["log_snr"])
    assert (time[0], time[-1], len(time)) == (0, 1, 257)
    assert np.all(np.diff(log_snr) != 0)
    # denoising-diffusion-pytorch: the cosine's log_snr at t, raised by a constant.
    places = np.linspace(0.01, 0.99, 99)
    cosine = -2 * np.log(np.tan(np.pi / 2 * places))
    cosine += 2 * np.log(fields["noise_d"] / fields["image_size"])
    wanted = np.sort(-2 * np.log(law()(np.linspace(0, 1, 10_001))))
    found = np.searchsorted(wanted, cosine) / len(wanted)
    distance = np.max(np.abs(found - (1 - places)))
    assert distance == pytest.approx(fields["kolmogorov"], abs=0.02)


def test_the_text_is_an_argument_list() -> None:
    text = delivered_law("simple-diffusion", form="text").content.decode()
    fields = json.loads(delivered_law("simple-diffusion").content)
    assert text == f"image_size=32, noise_d={fields['noise_d']!r}\n"
    assert_allclose(eval(f"dict({text})")["noise_d"], fields["noise_d"])
