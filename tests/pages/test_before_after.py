"""The figure of the README: what it says of its two tables holds on other seeds too."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spectral_sched
from tests.support.helpers import ROOT

pytest.importorskip("matplotlib", reason="the extra plot is not installed")


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "before_after.py"))


pytestmark = pytest.mark.filterwarnings("ignore:warning. the table runs from sigma")


@pytest.fixture(scope="module")
def images(script: dict[str, Any]) -> dict[str, Any]:
    measured = spectral_sched.analyze(ROOT / "sample_images")
    plans = script["plans"](measured, "heun")
    copied, ours, fine = plans.values()
    assert len(copied.table.sigmas) == len(ours.table.sigmas) == 9
    assert copied.table.sigmas[0] == pytest.approx(80)
    assert len(fine.table.sigmas) == 65
    return {
        caption: spectral_sched.sample(plan, [100, 101], as_is=True)
        for caption, plan in plans.items()
    }


def test_our_table_ends_nearer_to_the_fine_solution(
    script: dict[str, Any], images: dict[str, Any]
) -> None:
    copied, ours = script["distances"](images).values()
    assert np.all(ours < 0.9 * copied)
    assert np.all(ours > 0.01)


def test_rows_are_drawn_one_above_the_other(
    script: dict[str, Any], images: dict[str, Any], tmp_path: Path
) -> None:
    script["draw"](images, tmp_path / "rows.png")
    drawn = np.asarray(Image.open(tmp_path / "rows.png").convert("RGBA"))
    opaque = drawn[..., 3] == 255
    rows = np.flatnonzero(np.diff((opaque.mean(axis=1) > 0.2).astype(int)) == 1)
    assert len(rows) == 3
