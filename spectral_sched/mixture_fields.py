"""Mixtures of spectra in documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .documents.strict_json import Document, round_to_float32, shortest
from .spectra.mixture import SpectralMixture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .documents.read import Fields

KEY = "mixture"
SUM_TOLERANCE = 1e-9


def mixture_member(mixture: SpectralMixture | None) -> Document:
    """Return what a document holds of a mixture: one key, or none without one."""
    if mixture is None:
        return {}
    content: Document = {
        "weights": mixture.weights,
        "means": mixture.means,
        "covariances": mixture.covariances,
        "center": shortest(mixture.center),
        "basis": shortest(mixture.basis),
        "residual": shortest(mixture.residual),
        "class_weights": mixture.class_weights,
    }
    return {KEY: content}


def read_mixture(fields: Fields, num_rings: int) -> SpectralMixture | None:
    """Read the mixture of a document, None where there is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if KEY not in fields:
        return None
    inner = fields.object(KEY)
    weights = _weights(inner, "weights", None)
    basis = inner.array("basis", (None, num_rings))
    count, size = len(weights), len(basis)
    classes = inner.object("class_weights")
    return SpectralMixture(
        weights=weights,
        means=inner.array("means", (count, size)),
        covariances=inner.array("covariances", (count, size, size)),
        center=round_to_float32(inner.array("center", (num_rings,))),
        basis=round_to_float32(basis),
        residual=round_to_float32(inner.array("residual", (num_rings,))),
        class_weights={name: _weights(classes, name, count) for name in classes},
    )


def _weights(fields: Fields, key: str, count: int | None) -> NDArray[np.float64]:
    weights = fields.array(key, (count,))
    if np.any(weights < 0) or abs(weights.sum() - 1) > SUM_TOLERANCE:
        raise fields.damaged(key, "holds no probabilities")
    return weights
