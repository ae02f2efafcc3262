"""What a sampling run says of the plan it is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.sampling.run import (
    INSIDE,
    SamplingOptions,
    SamplingRun,
)
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from tests.support.handed import planned


def begun_at(data_set: DataSet, strength: float | None) -> Plan:
    limits = NoiseLimits(strength=strength)
    request = TableRequest.of("dpmpp-2m", 8, "zero", limits=limits)
    return make_plan(data_set, "optimal", request)


def contrast(run: SamplingRun) -> float:
    found = [image.std() for image in run(run.samples(range(16)))]
    return float(np.mean(found))


@pytest.mark.parametrize("strength", [None, 1.0, 0.6])
def test_samples_of_a_schedule_for_images_lack_contrast_and_say_so(
    strength: float | None,
) -> None:
    data_set = planned().data_set
    run, whole = (
        SamplingRun(
            begun_at(data_set, which), SamplingOptions("wiener"), torch.device("cpu")
        )
        for which in (strength, None)
    )
    lacking = contrast(run) < 0.9 * contrast(whole)
    assert (INSIDE in run.messages) is lacking is (strength == 0.6)
