"""Exact integrals of interpolated denoised images, which multistep solvers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .recurrence import Combination

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .recurrence import Weight


def exponential_step(
    sigma: Weight, following: Weight, nodes: Sequence[Weight]
) -> Combination:
    """Return the step that is exact where denoised is a polynomial in ln sigma.

    Parameters
    ----------
    nodes
        Levels of the denoised images that are interpolated, the newest first.
    """
    span = np.log(sigma / following)
    offsets = [np.log(sigma / node) for node in nodes]
    # Moments of exp(tau - span) over [0, span], by parts.
    moments = [-np.expm1(-span)]
    for power in range(1, len(nodes)):
        moments.append(span**power - power * moments[-1])
    weights = interpolation_weights(offsets, moments)
    return Combination(following / sigma, weights)


def interpolation_weights(
    offsets: Sequence[Weight], moments: Sequence[Weight]
) -> tuple[Weight, ...]:
    """Return the integral of each node's Lagrange polynomial, from moments."""
    weights = []
    for index, own in enumerate(offsets):
        others = [*offsets[:index], *offsets[index + 1 :]]
        polynomial = [1.0]  # coefficients of the product of (tau - other), low to high
        for other in others:
            raised = [0.0, *polynomial]
            lowered = [*(-other * value for value in polynomial), 0.0]
            polynomial = [a + b for a, b in zip(raised, lowered, strict=True)]
        scale = np.prod([own - other for other in others], axis=0)
        integral = sum(a * b for a, b in zip(polynomial, moments, strict=True))
        weights.append(integral / scale)
    return tuple(weights)
