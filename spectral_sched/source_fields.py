"""The part of a file that tables can be planned from: a data set's model and range."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .documents.strict_json import Document, round_to_float32, shortest
from .images.preprocessing import read_preprocessing
from .mixture_fields import mixture_member, read_mixture
from .planning.data_set import DataSet
from .spectra.power_distribution import PowerDistribution
from .spectrum_files import read_bounds, read_field

if TYPE_CHECKING:
    from .documents.read import Fields


def source_fields(data_set: DataSet) -> Document:
    """Return what tables can be planned from, as a part of a file."""
    field = data_set.power.field
    return {
        "shape": field.shape,
        "mean_color": field.mean_color,
        "sigma_data": field.sigma_data,
        "data_range": [-1.0, 1.0],
        "preprocessing": asdict(data_set.preprocessing),
        "spectrum": {
            "frequency": field.frequency,
            "num_modes": field.num_modes,
            "power": field.power,
            "cross_power": field.cross_power,
        },
        "planning": {"log_power_quantiles": shortest(data_set.power.log_power)},
        "bounds": asdict(data_set.bounds),
        "source_key": data_set.data_key,
        **mixture_member(data_set.mixture),
    }


def read_source_fields(fields: Fields) -> DataSet:
    """Read the part of a file that tables can be planned from."""
    field = read_field(fields, fields.object("spectrum"))
    quantiles = fields.object("planning").array(
        "log_power_quantiles", (len(field.num_modes), None)
    )
    return DataSet(
        power=PowerDistribution(field, round_to_float32(quantiles)),
        bounds=read_bounds(fields.object("bounds")),
        preprocessing=read_preprocessing(fields.object("preprocessing")),
        data_key=fields.get("source_key", str),
        mixture=read_mixture(fields, len(field.num_modes)),
    )
