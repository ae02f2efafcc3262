"""One thread a process, before numpy and torch are loaded, and how Hypothesis works."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

# Workers of pytest-xdist have the cores already, and arrays of tests are so small that
# threads only get in each other's way. Processes that tests start inherit it.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spectral_sched.planning.request import TableRequest
    from spectral_sched.spectra.power_distribution import PowerDistribution

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True, scope="session")
def _enough_steps_counted_once() -> Iterator[None]:
    """Remember how many steps are enough for the data that many tests plan for.

    Every schedule file says it, and it takes longer than all else of most plans.
    """
    from spectral_sched.planning.prediction import enough_steps

    known: dict[bytes, int] = {}

    def remembered(
        data: PowerDistribution, ends: tuple[float, float], request: TableRequest
    ) -> int:
        part = (request.sampler, request.start, request.limits.partial)
        key = pickle.dumps((data, ends, part))
        if key not in known:
            known[key] = enough_steps(data, ends, request)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spectral_sched.planning.plan.enough_steps", remembered)
        yield
