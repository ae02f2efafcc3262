from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.errors import UsageError
from spectral_sched.schedules import FLOW_MODELS, UNIT_FLOW, FlowModel, flow_model
from spectral_sched.schedules.coordinates import convert

SCALES = st.floats(1e-2, 1e2)


@given(sigma=st.floats(1e-3, 1e3), scale=SCALES)
def test_times_lead_back_to_sigma(sigma: float, scale: float) -> None:
    model = FlowModel(scale)
    time = convert(sigma, "sigma", "flow_time", model)
    assert time == pytest.approx(sigma / (sigma + scale), rel=1e-12)
    assert convert(time, "flow_time", "sigma", model) == pytest.approx(sigma, rel=1e-9)


@given(sigma=st.floats(1e-3, 1e3), scale=SCALES)
def test_stronger_noise_is_unit_noise_of_a_smaller_level(
    sigma: float, scale: float
) -> None:
    ours = FlowModel(scale).time(sigma)
    assert ours == pytest.approx(UNIT_FLOW.time(sigma / scale), rel=1e-14)


def test_ends_are_exact_whatever_the_noise() -> None:
    ends = convert([0, np.inf], "sigma", "flow_time", FlowModel(8.0))
    assert ends.tolist() == [0, 1]
    assert convert(ends, "flow_time", "sigma", FlowModel(8.0)).tolist() == [0, np.inf]


@pytest.mark.parametrize(
    ("name", "lowest"),
    [("jit-256", 1 / 19), ("jit-512", 2 / 19), ("hidream-o1", 8 / 999), ("deco", 0)],
)
def test_the_lowest_level_of_models_in_use(name: str, lowest: float) -> None:
    model = FLOW_MODELS[name]
    assert model.lowest_sigma == pytest.approx(lowest, rel=1e-12)
    assert model.residue((9.0, lowest or 0.1, 0.0)) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "noise_scale", "t_eps"),
    [
        # Velocity networks: the trainers add torch.randn_like, samplers divide nothing.
        *(("pixnerd", 1, 0), ("deco", 1, 0), ("pixeldit", 1, 0)),
        # noise_scale and t_eps of diffusion_trainer, which samplers have as 5e-2.
        *(
            ("pixelgen", 1, 0.05),
            ("pixeldit2-256", 1, 0.05),
            ("pixeldit2-512", 2, 0.05),
        ),
    ],
)
def test_presets_are_what_the_configurations_say(
    name: str, noise_scale: float, t_eps: float
) -> None:
    assert FLOW_MODELS[name] == FlowModel(noise_scale, t_eps)


def test_what_28_and_50_even_steps_leave_of_noise_of_two() -> None:
    """2.5 and 3.7 grey levels, as the pipeline of PRXPixel was seen to leave."""
    model = FLOW_MODELS["prx-pixel"]
    for steps, left in ((28, 2.6), (50, 3.7)):
        times = np.linspace(1, 0, steps + 1)[1:-1]
        sigmas = [1e9, *model.sigma(times), 0.0]
        assert 127.5 * model.residue(sigmas) == pytest.approx(left, abs=0.05)


def test_names_and_what_is_said_beside_them() -> None:
    assert flow_model(None, {}) == UNIT_FLOW
    assert flow_model("jit-512", {"t_eps": None}) == FlowModel(2.0, 0.05)
    assert flow_model("jit-512", {"t_eps": 0.0}) == FlowModel(2.0, 0.0)
    with pytest.raises(UsageError, match="did you mean model=jit-512"):
        flow_model("jit512", {})
    with pytest.raises(UsageError, match=r"t_eps must be from 0 to 0.5, not 0.7"):
        FlowModel(1.0, 0.7)
    with pytest.raises(UsageError, match=r"noise_scale must be from 0.001 to 1000"):
        FlowModel(0.0)
