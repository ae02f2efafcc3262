"""training.json: a law of noise levels to train with, and its nearest simple laws."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.read import read_fields
from spectral_sched.planning.law_fits import edm_arguments, fits, k_diffusion_keys
from spectral_sched.planning.training_law import (
    NUM_QUANTILES,
    law_quantiles,
    law_sample,
)
from spectral_sched.schedules import Schedule, TableLaw

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.law_fits import Fit


VERSION = 1
REMEDY = "make one with: specsched export --for training"


def training_document(
    data_set: DataSet, kind: str, schedule: Schedule, provenance: Document
) -> Document:
    """Return the content of a training file."""
    field = data_set.power.field
    found = fits(law_sample(schedule))
    return {
        "format": "specsched.training",
        "version": VERSION,
        **provenance,
        "kind": kind,
        "coordinate": "ln sigma",
        "quantiles": law_quantiles(schedule),
        "probability": np.linspace(0, 1, NUM_QUANTILES),
        "sigma_min": schedule.sigma_min,
        "sigma_max": schedule.sigma_max,
        "sigma_data": field.sigma_data,
        "shape": field.shape,
        "data_range": [-1.0, 1.0],
        "preprocessing": asdict(data_set.preprocessing),
        "edm": edm_arguments(found, field.sigma_data),
        "k_diffusion": k_diffusion_keys(found, schedule, field.sigma_data),
        "fits": {fit.name: _fit(fit) for fit in found},
        "source_key": data_set.data_key,
    }


def _fit(fit: Fit) -> Document:
    return {
        **fit.parameters,
        "kolmogorov": fit.kolmogorov,
        "divergence": fit.divergence,
    }


def read_training_schedule(path: Path) -> Schedule:
    """Read the law of a training file, log-linear between its quantiles.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    fields = read_fields(path, "training", version=VERSION, remedy=REMEDY)
    quantiles = fields.array("quantiles", (None,))
    if len(quantiles) < 2 or np.any(np.diff(quantiles) <= 0):
        raise fields.damaged("quantiles", "does not rise")
    levels = tuple(np.exp(quantiles[::-1]).tolist())
    return Schedule(TableLaw(levels=levels), levels[-1], levels[0])
