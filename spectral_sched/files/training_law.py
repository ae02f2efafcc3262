"""training.json: a law of noise levels to train with, and its nearest simple laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.read import Form, read_fields
from spectral_sched.documents.rules import (
    agree,
    fixed,
    members,
    named,
    number,
    numbers,
    positive,
    text,
)
from spectral_sched.images.preprocessing import PREPROCESSING, preprocessing_members
from spectral_sched.planning.kinds.registry import KINDS
from spectral_sched.planning.law_fits import (
    K_DIFFUSION,
    edm_arguments,
    fits,
    k_diffusion_keys,
)
from spectral_sched.planning.training_law import (
    NUM_QUANTILES,
    law_quantiles,
    law_sample,
)
from spectral_sched.schedules import Schedule, TableLaw
from spectral_sched.spectra.field_rules import FIELD

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.rules import Place
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.law_fits import Fit


VERSION = 1
REMEDY = "make one with: specsched export --for training"


ROUNDING = 1e-9
"""Of a share: a law of two levels has all the deviation that there can be."""

LARGEST_LOG = 90.0
"""Of ln sigma; sigma and its square are finite."""

JUDGED = members({"kolmogorov": number(0, 1), "divergence": number()})


def fit(value: object, place: Place) -> None:
    """Hold a value to the parameters of a law, and how near it is."""
    named(number())(value, place)
    JUDGED(value, place)


RULE = members(
    {
        "kind": text(*KINDS),
        "coordinate": fixed("ln sigma"),
        "quantiles": numbers("Q", least=-LARGEST_LOG, most=LARGEST_LOG, order="rising"),
        "probability": numbers("Q", least=0, most=1, order="rising"),
        "sigma_min": positive,
        "sigma_max": positive,
        **{key: FIELD[key] for key in ("shape", "sigma_data", "data_range")},
        "preprocessing": PREPROCESSING,
        "edm": members({"P_mean": number(), "P_std": positive, "sigma_data": positive}),
        "k_diffusion": members(
            {
                "sigma_data": positive,
                "sigma_min": positive,
                "sigma_max": positive,
                "sigma_sample_density": members({"type": text(*K_DIFFUSION)}),
            }
        ),
        "fits": named(fit),
        "source_key": text(),
    }
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a law says two things that do not agree."""
    quantiles = document["quantiles"]
    if len(quantiles) < 2:
        raise place.at("quantiles").wrong("are fewer than two")
    evenly = np.linspace(0, 1, len(quantiles))
    agree(document["probability"], evenly, place.at("probability"), slack=1e-12)
    for name, quantile in (("sigma_min", quantiles[0]), ("sigma_max", quantiles[-1])):
        agree(document[name], np.exp(quantile), place.at(name))
        known = document["k_diffusion"][name]
        agree(known, document[name], place.at(f"k_diffusion.{name}"))
    _check_normal(document, place)
    for part in ("edm", "k_diffusion"):
        beside = place.at(f"{part}.sigma_data")
        agree(document[part]["sigma_data"], document["sigma_data"], beside)


def _check_normal(document: Document, place: Place) -> None:
    """Raise `InputError` if a normal law is not that of draws between the quantiles."""
    lowest, *_, highest = document["quantiles"]
    mean, std = document["edm"]["P_mean"], document["edm"]["P_std"]
    if not lowest <= mean <= highest:
        raise place.at("edm.P_mean").wrong("is outside the range of the law")
    # Popoviciu: no draws have more, not those of either end alone.
    if std > (1 + ROUNDING) * (highest - lowest) / 2:
        raise place.at("edm.P_std").wrong("is more than half the range of the law")
    told = document["fits"].get("lognormal")
    if told:
        agree(told.get("mean"), mean, place.at("fits.lognormal.mean"))
        agree(told.get("std"), std, place.at("fits.lognormal.std"))


FORM = Form("training", VERSION, REMEDY, RULE, _agrees)


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
        "preprocessing": preprocessing_members(data_set.preprocessing),
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


def read_training_schedule(path: Path, document: Document | None = None) -> Schedule:
    """Read the law of a training file, log-linear between its quantiles.

    Parameters
    ----------
    document
        What is in the file, if it was read, as by `read_any`.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    quantiles = read_fields(path, FORM, document).array("quantiles", (None,))
    levels = tuple(np.exp(quantiles[::-1]).tolist())
    return Schedule(TableLaw(levels=levels), levels[-1], levels[0])
