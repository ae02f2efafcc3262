"""The released k-diffusion on our tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.schedule import plan_document
from spectral_sched.k_diffusion import get_sigmas_spectral
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from tests.support.handed import (
    LEVELS,
    delivered,
    delivered_law,
    given_law,
    plan_of_levels,
)
from tests.support.networks import SHAPE, network, ours, unit_noise
from tests.support.pink import pink_source
from tests.support.released import released

SAMPLERS = {
    "euler": "sample_euler",
    "heun": "sample_heun",
    "dpmpp-2m": "sample_dpmpp_2m",
}


def lines(content: bytes) -> str:
    """Return the lines that a user pastes, less the last: it names a sampler."""
    return "\n".join(content.decode().splitlines()[:-1])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_its_samplers_step_through_our_table(sampler: str) -> None:
    kdiff = released("k_diffusion")
    names: dict[str, Any] = {"torch": torch, "shape": SHAPE}
    torch.manual_seed(3)
    exec(lines(delivered("k-diffusion").content), names)
    torch.manual_seed(3)
    noise = torch.randn(SHAPE)
    torch.testing.assert_close(names["x"], LEVELS[0] * noise)
    seen: list[float] = []
    picture = getattr(kdiff.sampling, SAMPLERS[sampler])(
        network(),
        names["x"].double(),
        names["sigmas"].double(),
        callback=lambda info: seen.append(float(info["sigma"])),
        disable=True,
    )
    assert_allclose(seen, LEVELS, rtol=1e-6)
    expected = ours(sampler, plan_of_levels(LEVELS).table, LEVELS[0] * noise.double())
    assert expected.std() > 0.1
    torch.testing.assert_close(picture, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["mixed", "lognormal", "exponential"])
def test_its_training_draws_from_the_density_that_was_fitted(kind: str) -> None:
    kdiff = released("k_diffusion")
    config = json.loads(delivered_law("k-diffusion-config", kind).content)
    assert config.keys() == {"model"}
    draw = kdiff.config.make_sample_density(config["model"])
    torch.manual_seed(0)
    drawn = draw([200_000]).log().double().numpy()
    artifact = given_law("k-diffusion-config", kind)
    remark = artifact.remarks[0]
    from tests.support.handed import law

    wanted = np.sort(np.log(law(kind)(np.linspace(0, 1, len(drawn)))))
    cdf = np.searchsorted(wanted, np.sort(drawn)) / len(wanted)
    distance = np.max(np.abs(cdf - np.linspace(0, 1, len(drawn))))
    told = float(remark.split("distance of ")[1].split()[0])
    # 200,000 draws scatter by 0.002.
    assert distance == pytest.approx(told, abs=0.004 + 0.05 * told)


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    plan = make_plan(pink_source(), "optimal", TableRequest.of("dpmpp-2m", 6, "zero"))
    path = tmp_path / "tight.json"
    write_document(plan_document(plan, provenance({})), path)
    return path


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun"])
def test_get_sigmas_spectral_plans_from_a_file(schedule: Path, sampler: str) -> None:
    for steps in (1, 6, 11):
        plan = make_plan(
            pink_source(), "optimal", TableRequest.of(sampler, steps, "zero")
        )
        sigmas = get_sigmas_spectral(steps, schedule, sampler)
        assert sigmas.shape == (steps + 1,)
        assert sigmas.dtype == torch.float32
        assert_allclose(sigmas, plan.table.sigmas, rtol=1e-6)
    karras = released("k_diffusion").sampling.get_sigmas_karras(6, 0.01, 80)
    ours_too = get_sigmas_spectral(6, schedule)
    assert (karras.dtype, karras.shape) == (ours_too.dtype, ours_too.shape)
    assert karras[-1] == ours_too[-1] == 0


def test_get_sigmas_spectral_names_what_is_wrong(schedule: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        get_sigmas_spectral(6, schedule.with_name("none.json"))
    with pytest.raises(UsageError, match=r'did you mean sampler="heun"'):
        get_sigmas_spectral(6, schedule, "huen")
    with pytest.raises(UsageError, match="from 1 to 1000"):
        get_sigmas_spectral(0, schedule)
    with pytest.raises(UsageError, match="n must be a whole number"):
        get_sigmas_spectral(5.5, schedule)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [6, 8])
def test_get_sigmas_spectral_refuses_starts_that_its_samplers_do_not_make(
    tmp_path: Path, steps: int
) -> None:
    plan = make_plan(pink_source(), "optimal", TableRequest.of("dpmpp-2m", 6, "mean"))
    write_document(plan_document(plan, provenance({})), tmp_path / "mean.json")
    with pytest.raises(UsageError, match="k-diffusion starts from noise about zero"):
        get_sigmas_spectral(steps, tmp_path / "mean.json")


def test_unit_noise_is_that() -> None:
    assert unit_noise().std() == pytest.approx(1, abs=0.15)
