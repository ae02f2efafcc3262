from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_sched.documents.provenance import provenance
from spectral_sched.errors import InputError
from spectral_sched.files.training_law import read_training_schedule, training_document
from spectral_sched.planning.law_fits import (
    fits,
    laplace_fit,
    lognormal_fit,
    split_lognormal_fit,
)
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import (
    LawSample,
    law_quantiles,
    law_sample,
    training_schedule,
)
from spectral_sched.schedules import (
    ExponentialLaw,
    LaplaceLaw,
    LognormalLaw,
    Schedule,
)
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from pathlib import Path


@given(mean=st.floats(-3, 2), std=st.floats(0.3, 2))
@settings(max_examples=20)
def test_a_lognormal_law_comes_back(mean: float, std: float) -> None:
    # A range of five standard deviations cuts off what no training would meet.
    ends = np.exp(mean + 5 * std * np.array([-1, 1]))
    fit = lognormal_fit(law_sample(Schedule(LognormalLaw(mean=mean, std=std), *ends)))
    assert fit.parameters["mean"] == pytest.approx(mean, abs=0.01 * std)
    assert fit.parameters["std"] == pytest.approx(std, rel=0.01)
    assert fit.kolmogorov < 1e-3
    assert abs(fit.divergence) < 1e-3


def test_the_law_of_edm_comes_back_from_its_own_range() -> None:
    fit = lognormal_fit(law_sample(Schedule(LognormalLaw(), 0.002, 80.0)))
    assert fit.parameters["mean"] == pytest.approx(-1.2, rel=0.01)
    assert fit.parameters["std"] == pytest.approx(1.2, rel=0.01)


@given(mu=st.floats(-3, 3), b=st.floats(0.2, 1))
@settings(max_examples=20)
def test_a_laplace_law_comes_back(mu: float, b: float) -> None:
    fit = laplace_fit(law_sample(Schedule(LaplaceLaw(mu=mu, b=b), 1e-5, 1e5)))
    assert fit.parameters["mu"] == pytest.approx(mu, abs=0.01 * b)
    assert fit.parameters["b"] == pytest.approx(b, rel=0.01)
    assert fit.kolmogorov < 1e-3
    assert abs(fit.divergence) < 1e-3


@given(st.floats(-2, 2), st.floats(0.3, 2), st.floats(0.3, 2))
@settings(max_examples=20)
def test_a_split_lognormal_law_comes_back(
    peak: float, left: float, right: float
) -> None:
    from scipy.special import ndtri

    # As k-diffusion draws it: a side with probability in proportion to its width.
    probability = (np.arange(8192) + 0.5) / 8192
    share = left / (left + right)
    below = peak + left * ndtri(np.minimum(probability / share, 1) / 2)
    above = peak - right * ndtri(np.minimum((1 - probability) / (1 - share), 1) / 2)
    points = np.where(probability < share, below, above)
    width = np.where(probability < share, left, right)
    height = np.log(np.sqrt(np.pi / 2) * (left + right))
    density = -(((points - peak) / width) ** 2) / 2 - height
    ends = (float(points[0]), float(points[-1]))
    fit = split_lognormal_fit(LawSample(points, density, ends))
    widest = max(left, right)
    assert fit.parameters["mean"] == pytest.approx(peak, abs=0.02 * widest)
    assert fit.parameters["std_1"] == pytest.approx(left, rel=0.02, abs=0.01 * widest)
    assert fit.parameters["std_2"] == pytest.approx(right, rel=0.02, abs=0.01 * widest)
    assert fit.kolmogorov < 5e-3
    assert abs(fit.divergence) < 1e-3


def test_a_loguniform_law_comes_back() -> None:
    found = fits(law_sample(Schedule(ExponentialLaw(), 0.01, 100.0)))
    uniform = next(fit for fit in found if fit.name == "loguniform")
    assert uniform.parameters == pytest.approx({"min_value": 0.01, "max_value": 100})
    assert uniform.kolmogorov < 1e-12
    assert uniform.divergence == pytest.approx(0, abs=1e-12)
    assert min(found, key=lambda fit: fit.divergence) is uniform


def test_goodness_is_that_of_quadrature() -> None:
    # Uniform from -1 to 1 against its best normal law, of variance 1/3.
    sample = law_sample(Schedule(ExponentialLaw(), float(np.exp(-1)), float(np.exp(1))))
    fit = lognormal_fit(sample)
    exact = -np.log(2) + np.log(2 * np.pi / 3) / 2 + 0.5
    assert fit.divergence == pytest.approx(exact, abs=1e-6)
    from scipy.special import ndtr

    x = np.linspace(-1, 1, 20001)
    distance = np.abs(ndtr(x * np.sqrt(3)) - (x + 1) / 2).max()
    assert fit.kolmogorov == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("kind", ["mixed", "information", "lognormal", "polynomial"])
def test_a_family_trains_with_its_own_law(kind: str) -> None:
    request = TableRequest.of("dpmpp-2m", 8, "zero")
    schedule = training_schedule(pink_source(), kind, request)
    quantiles = law_quantiles(schedule)
    assert np.all(np.diff(quantiles) > 0)
    assert quantiles[64] == pytest.approx(np.log(schedule(np.array([0.25]))[0]))


def test_a_law_that_piles_up_at_its_end_has_finite_fits() -> None:
    schedule = training_schedule(pink_source(), "polynomial", TableRequest())
    found = {fit.name: fit for fit in fits(law_sample(schedule))}
    assert all(np.isfinite(fit.divergence) for fit in found.values())
    split = found["split-lognormal"]
    assert 0 < split.parameters["std_1"] < split.parameters["std_2"]
    assert split.divergence < found["lognormal"].divergence


def test_the_optimal_kind_trains_where_its_steps_are() -> None:
    request = TableRequest.of("dpmpp-2m", 32, "zero")
    levels = make_plan(pink_source(), "optimal", request).table.levels
    schedule = training_schedule(pink_source(), "optimal", request)
    assert (schedule.sigma_min, schedule.sigma_max) == (levels[-1], levels[0])
    log_snr = -2 * np.log(levels)
    np.testing.assert_allclose(schedule.cdf(log_snr), np.linspace(0, 1, 32), atol=1e-12)


def written(folder: Path, **changes: object) -> Path:
    request = TableRequest.of("dpmpp-2m", 8, "zero")
    schedule = training_schedule(pink_source(), "lognormal", request)
    document = training_document(pink_source(), "lognormal", schedule, provenance({}))
    for key in ("quantiles", "probability"):
        document[key] = document[key].tolist()
    path = folder / "training.json"
    path.write_text(json.dumps(document | changes))
    return path


def test_the_law_of_a_file_is_the_law(tmp_path: Path) -> None:
    request = TableRequest.of("dpmpp-2m", 8, "zero")
    schedule = training_schedule(pink_source(), "lognormal", request)
    read = read_training_schedule(written(tmp_path))
    t = np.linspace(0, 1, 257)
    np.testing.assert_allclose(read(t), schedule(t), rtol=1e-12)
    draws = read.draws(1000, np.random.default_rng(0))
    assert np.log(draws).mean() == pytest.approx(-1.2, abs=0.01)


def test_a_damaged_training_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'quantiles' is not rising"):
        read_training_schedule(written(tmp_path, quantiles=[1.0, 0.0]))
    with pytest.raises(InputError, match="not a specsched training file but holds"):
        read_training_schedule(written(tmp_path, format="specsched.spectrum"))
