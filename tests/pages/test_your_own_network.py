"""The page about your own network: every line of it is one that works."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from spectral_sched.diffusion import models
from spectral_sched.diffusion.models import WrappedDenoiser
from spectral_sched.diffusion.models.predictions import PREDICTIONS
from spectral_sched.diffusion.models.times import TIMES
from tests.support.documentation import pages

PAGE = pages()["docs/how-to/your-own-network.md"]
CASES = re.findall(r"^\| .* \| `(wrap\(net.*\))` \|$", PAGE, re.MULTILINE)


def net(*images_and_times: Any) -> Any:
    return images_and_times[0]


@pytest.mark.parametrize("case", CASES)
def test_every_line_is_one_that_works(case: str) -> None:
    names = {name: getattr(models, name) for name in models.__all__}
    names |= {"net": net, "betas": np.linspace(1e-3, 0.05, 100)}
    made = eval(case, names)
    assert isinstance(made, WrappedDenoiser)


def test_every_prediction_and_pixel_range_has_a_line() -> None:
    assert len(CASES) >= 30
    text = " ".join(CASES)
    for name in set(PREDICTIONS) - {"epsilon"}:
        assert f'predicts="{name}"' in text, name
    for word in ("clamp=", "threshold=", "noise_scale=", "pixels=", "standardised("):
        assert word in text


def test_names_of_times_on_the_page_are_there() -> None:
    named = set(re.findall(r'time="([\w-]+)"', PAGE))
    assert named <= set(TIMES)
    assert len(named) >= 9
