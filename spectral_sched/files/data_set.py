"""The part of a file that describes a data set: its field, bounds and distribution."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from spectral_sched.documents.strict_json import Document, round_to_float32, shortest
from spectral_sched.images.preprocessing import (
    preprocessing_members,
    read_preprocessing,
)
from spectral_sched.planning.data_set import DataSet
from spectral_sched.spectra.bounds import SigmaBounds
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.mixture import SpectralMixture
from spectral_sched.spectra.power_distribution import PowerDistribution
from spectral_sched.spectra.rings import rings

if TYPE_CHECKING:
    from spectral_sched.documents.read import Fields


def data_set_fields(data_set: DataSet) -> Document:
    """Return what tables can be planned from, as a part of a file."""
    field = data_set.power.field
    return {
        "shape": field.shape,
        "mean_color": field.mean_color,
        "sigma_data": field.sigma_data,
        "data_range": [-1.0, 1.0],
        "preprocessing": preprocessing_members(data_set.preprocessing),
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


def read_data_set_fields(fields: Fields) -> DataSet:
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


def read_bounds(fields: Fields) -> SigmaBounds:
    """Read a noise range."""
    names = SigmaBounds.__dataclass_fields__
    return SigmaBounds(**{name: fields.number(name) for name in names})


def read_field(fields: Fields, ring_fields: Fields) -> GaussianField:
    """Read the data set's model from a document and its object of rings."""
    channels, height, width = (int(size) for size in fields.array("shape", (3,)))
    if min(channels, height, width) < 1:
        raise fields.damaged("shape", "has a size below 1")
    shape = (len(rings(height, width)), channels, channels)
    return GaussianField(
        shape=(channels, height, width),
        mean_color=fields.array("mean_color", (channels,)),
        cross_power=ring_fields.array("cross_power", shape),
    )


KEY = "mixture"


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
    weights = inner.array("weights", (None,))
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
        class_weights={name: classes.array(name, (count,)) for name in classes},
    )
