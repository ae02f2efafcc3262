"""The part of a file that tables can be planned from: a data set's model and range."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .documents.strict_json import Document, rounded, short
from .images.preprocessing import read_preprocessing
from .mixture_fields import mixture_member, read_mixture
from .planning.data_set import PlanSource
from .spectra.power_distribution import Planning
from .spectrum_files import read_bounds, read_field

if TYPE_CHECKING:
    from .documents.read import Fields


def source_fields(source: PlanSource) -> Document:
    """Return what tables can be planned from, as a part of a file."""
    field = source.planning.field
    return {
        "shape": field.shape,
        "mean_color": field.mean_color,
        "sigma_data": field.sigma_data,
        "data_range": [-1.0, 1.0],
        "preprocessing": asdict(source.preprocessing),
        "spectrum": {
            "frequency": field.frequency,
            "num_modes": field.num_modes,
            "power": field.power,
            "cross_power": field.cross_power,
        },
        "planning": {"log_power_quantiles": short(source.planning.log_power)},
        "bounds": asdict(source.bounds),
        "source_key": source.source_key,
        **mixture_member(source.mixture),
    }


def read_source_fields(fields: Fields) -> PlanSource:
    """Read the part of a file that tables can be planned from."""
    field = read_field(fields, fields.object("spectrum"))
    quantiles = fields.object("planning").array(
        "log_power_quantiles", (len(field.num_modes), None)
    )
    return PlanSource(
        planning=Planning(field, rounded(quantiles)),
        bounds=read_bounds(fields.object("bounds")),
        preprocessing=read_preprocessing(fields.object("preprocessing")),
        source_key=fields.get("source_key", str),
        mixture=read_mixture(fields, len(field.num_modes)),
    )
