"""What files must say of a data set: rules of its field, bounds and distribution."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.rules import (
    agree,
    members,
    named,
    number,
    numbers,
    positive,
    text,
)
from spectral_sched.errors import NoAnswerError
from spectral_sched.images.preprocessing import PREPROCESSING
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.field_rules import (
    FIELD,
    RINGS,
    ROUNDING,
    field_agrees,
    log_powers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.documents.rules import Place, Rule
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.spectra.gaussian_field import GaussianField

divergence = number(least=-1e-6)
"""The rule for nats; where there are none, rounding may leave some of either sign."""

BOUNDS: Mapping[str, Rule] = {
    "sigma_min": positive,
    "sigma_min_ring": number(least=0),
    "sigma_max": positive,
    "sigma_max_centred": positive,
    "epsilon": number(above=0, most=300),
    "tolerance": positive,
    "kl_bound": divergence,
    "kl_bound_centred": divergence,
    "kl_gaussian": divergence,
    "kl_gaussian_centred": divergence,
}
"""Rules of a noise range."""

SUM_TOLERANCE = 1e-9


def probabilities(value: Any, place: Place) -> None:
    """Hold a value to the probabilities of the components of a mixture."""
    numbers("J", least=0, most=1)(value, place)
    if abs(np.sum(value) - 1) > SUM_TOLERANCE:
        raise place.wrong("holds no probabilities")


def covariances(value: Any, place: Place) -> None:
    """Hold a value to the covariances of the scores in each component."""
    numbers("J", "R", "R")(value, place)
    each = np.array(value, np.float64)
    allowed = ROUNDING * np.abs(each).max(axis=(1, 2))
    if np.any(np.abs(each - each.swapaxes(1, 2)) > allowed[:, None, None]):
        raise place.wrong("is not symmetric")
    if np.any(np.linalg.eigvalsh(each) < -allowed[:, None]):
        raise place.wrong("holds a variance below 0")


MIXTURE = members(
    {
        "weights": probabilities,
        "means": numbers("J", "R"),
        "covariances": covariances,
        "center": log_powers,
        "basis": numbers("R", "K"),
        "residual": numbers("K", least=0, most=1e3),
        "class_weights": named(probabilities),
    }
)
"""The rule of a distribution of log spectra."""

MAY_HAVE_MIXTURE: Mapping[str, Rule] = {"mixture": MIXTURE}
"""What may be in a file beside `DATA_SET`."""

DATA_SET: Mapping[str, Rule] = {
    **FIELD,
    "preprocessing": PREPROCESSING,
    "spectrum": members(RINGS),
    "planning": members(
        {
            "log_power_quantiles": numbers(
                "K", None, least=-1e3, most=100, order="not falling"
            )
        }
    ),
    "bounds": members(BOUNDS),
    "source_key": text(),
}
"""Rules of the part of a file that tables can be planned from."""


def data_set_agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where that part says two things that do not agree."""
    field = field_agrees(document, "spectrum", place)
    bounds_agree(document["bounds"], field, place.at("bounds"))


def bounds_agree(bounds: Document, field: GaussianField, place: Place) -> None:
    """Raise `InputError` unless a noise range is that of a field."""
    settings = {name: bounds[name] for name in ("epsilon", "tolerance")}
    try:
        expected = asdict(sigma_bounds(field, **settings))
    except NoAnswerError as error:
        raise place.wrong(f"cannot be: {error}") from error
    for name, value in expected.items():
        agree(bounds[name], value, place.at(name), slack=ROUNDING)
