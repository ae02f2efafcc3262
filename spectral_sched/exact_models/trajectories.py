"""What a sampler makes of an exact denoiser, and what the exact flow makes of it.

States are arrays of any shape, noise levels are floats; the flow is the
probability-flow equation ``dx/dsigma = (x - denoise(x, sigma)) / sigma``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import solver_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spectral_sched.schedules.table import SigmaTable

FloatArray = NDArray[np.float64]

Denoise = Callable[[FloatArray, float], FloatArray]
"""Maps a state and its noise level to the posterior mean, of the same shape."""

RELATIVE = 1e-10
ABSOLUTE = 1e-12


def solver_states(
    denoise: Denoise, x: FloatArray, sampler: str, table: SigmaTable
) -> Iterator[FloatArray]:
    """Yield the state after each step of a sampler; the last one is the image."""
    play = Play(x, _no_noise)
    for call in solver_calls(sampler, table.sigmas):
        play.take(call, denoise(play.point, call.sigma))
        if call.state is not None:
            yield play.state


def _no_noise() -> FloatArray:
    message = "exact models are compared along the flow, not with stochastic samplers"
    raise ValueError(message)


def sampled(
    denoise: Denoise, x: FloatArray, sampler: str, table: SigmaTable
) -> FloatArray:
    """Return what a sampler makes of a state at the first level of a table."""
    *_, last = solver_states(denoise, x, sampler, table)
    return last


def exact_flow(
    denoise: Denoise, x: FloatArray, sigma: float, sigma_next: float
) -> FloatArray:
    """Return the state that the probability flow carries from one level to another.

    Integrated by scipy (DOP853) in ln sigma, which knows none of our coefficients.

    Parameters
    ----------
    sigma_next
        Level to stop at, above 0: ``denoise`` there takes the last step to the data.
    """
    from scipy.integrate import solve_ivp

    if min(sigma, sigma_next) <= 0:
        message = f"the flow runs between positive levels, not {sigma} and {sigma_next}"
        raise ValueError(message)

    def slope(log_sigma: float, flat: FloatArray) -> FloatArray:
        state = flat.reshape(x.shape)
        return (state - denoise(state, float(np.exp(log_sigma)))).ravel()

    span = (np.log(sigma), np.log(sigma_next))
    solved = solve_ivp(
        slope, span, x.ravel(), method="DOP853", rtol=RELATIVE, atol=ABSOLUTE
    )
    end: FloatArray = solved.y[:, -1].reshape(x.shape)
    return end
