"""What a trained model says of itself, in the header of its safetensors file.

The header's metadata has one entry, a strict JSON document like every other file of
this project. Reading it takes neither torch nor the weights, and executes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.documents.read import Fields, Form
from spectral_sched.documents.rules import (
    each,
    members,
    named,
    numbers,
    positive,
    setting,
    text,
    whole,
)
from spectral_sched.documents.tensor_file import document_digest, read_header
from spectral_sched.documents.write import check_output
from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.png import is_our_png
from spectral_sched.planning.kinds.registry import KINDS
from spectral_sched.planning.training_law import LEARNED, OWN
from spectral_sched.words import number_of

from .data_set import data_set_fields, read_data_set_fields
from .data_set_rules import DATA_SET, MAY_HAVE_MIXTURE, data_set_agrees
from .network_config import NETWORK, NetworkConfig, read_network_config
from .schedule import check_settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.documents.rules import Place
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet

BUNDLED = Path(__file__).parents[1] / "diffusion" / "bundled.safetensors"
"""The model that comes with the package, see docs/reference/bundled-model.md."""

SUFFIX = ".safetensors"
VERSION = 1
REMEDY = "make one with: specsched train FOLDER"

TRAINING = members(
    {
        "steps_done": whole(),
        "num_steps": whole(1),
        "batch": whole(1),
        "loss": each(numbers(2)),
    },
    {"rate": positive, "seed": whole(), "precision": text(), "minutes": positive},
)

RULE = members(
    {
        **DATA_SET,
        "network": NETWORK,
        "sigma_range": numbers(2, above=0, order="rising"),
        "law": members({"name": text(*KINDS, OWN, LEARNED), "set": named(setting)}),
        "training": TRAINING,
    },
    {**MAY_HAVE_MIXTURE, "tensors": text()},
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a header says two things that do not agree."""
    data_set_agrees(document, place)
    channels, height, width = document["shape"]
    network, inner = document["network"], place.at("network")
    if network["image_channels"] != channels:
        raise inner.at("image_channels").wrong(f"is not {channels}, as in 'shape'")
    law = document["law"]
    if law["name"] in KINDS:
        check_settings_of(law["name"], law["set"], place.at("law.set"))
    stride = network["patch"] << (len(network["widths"]) - 1)
    if height % stride or width % stride:
        raise inner.at("widths").wrong(f"cannot halve {width}x{height} so often")


FORM = Form(
    *("model", VERSION, REMEDY, RULE, _agrees, document_digest), digest_optional=True
)


@dataclass(frozen=True, eq=False)
class ModelHeader:
    """A model without its weights.

    Attributes
    ----------
    config
        What the network is built from.
    data_set
        The data set that it was trained on: tables can be planned from it.
    sigma_range
        Lowest and highest noise level that it was trained on.
    law
        What its noise levels were drawn from: ``name`` and, if any, ``set``.
    training
        How it was trained, with its loss curve.
    """

    config: NetworkConfig
    data_set: DataSet
    sigma_range: tuple[float, float]
    law: Mapping[str, object]
    training: Mapping[str, object]


def model_document(header: ModelHeader, provenance: Document) -> Document:
    """Return what a model's file says of it, but for the digests."""
    return {
        "format": f"specsched.{FORM.kind}",
        "version": VERSION,
        **provenance,
        "network": _without_none(asdict(header.config)),
        "sigma_range": header.sigma_range,
        "law": dict(header.law),
        "training": dict(header.training),
        **data_set_fields(header.data_set),
    }


def _without_none(values: Document) -> Document:
    return {key: value for key, value in values.items() if value is not None}


def read_model_header(path: Path) -> ModelHeader:
    """Read what a model's file says of it.

    Raises
    ------
    InputError
        If the file is missing, damaged or not one of ours.
    """
    fields = Fields(read_model_document(path), path, REMEDY)
    low, high = fields.array("sigma_range", (2,)).tolist()
    return ModelHeader(
        config=read_network_config(fields.object("network")),
        data_set=read_data_set_fields(fields),
        sigma_range=(low, high),
        law=fields.get("law", dict),
        training=fields.get("training", dict),
    )


def read_model_document(path: Path) -> Document:
    """Read the JSON document in the header of a model's file.

    Raises
    ------
    InputError
        If the file is missing, no safetensors file, or not one of ours.
    """
    document = read_header(path, REMEDY)
    if not FORM.names(document):
        message = f"{path} is a safetensors file but not a specsched model; {REMEDY}"
        raise InputError(message)
    return FORM.check(document, path)


def check_model_output(path: Path, *, force: bool, resume: bool = False) -> None:
    """Raise `UsageError` where a model may not be written, before it is trained.

    Nothing of ours is replaced either unless `force` says so, or `resume` goes on.
    """
    if path.suffix != SUFFIX:
        named = path.with_name(f"{path.stem}{SUFFIX}")
        message = f"a model's file ends in {SUFFIX}; write to {named}"
        raise UsageError(message)
    try:
        check_output(path, force=force)
    except UsageError:
        if not _is_model(path):
            raise
    if not (force or resume):
        _refuse_to_replace(path)


def resume_path(output: Path) -> Path:
    """Return where the state of a run towards a model is kept."""
    return output.with_name(f"{output.stem}.resume{SUFFIX}")


def sheet_path(output: Path) -> Path:
    """Return where the samples of a model in training are shown."""
    return output.with_suffix(".png")


def _refuse_to_replace(path: Path) -> None:
    """Raise `UsageError` where a run would replace the work of another."""
    state, sheet = resume_path(path), sheet_path(path)
    if state.exists():
        message = (
            f"{state} holds a run towards {path}{_told_steps(path)}; continue with "
            "--resume, start again with --force, or name another file with -o"
        )
        raise UsageError(message)
    if path.exists():
        message = (
            f"{path} holds a model{_told_steps(path)}, and --resume cannot continue "
            f"it without its {state.name}; fine-tune it with --init, replace it with "
            "--force, or name another file with -o"
        )
        raise UsageError(message)
    if sheet.exists() and not is_our_png(sheet):
        message = (
            f"{sheet}, where samples of the model are shown, was not written by "
            "specsched; name another file with -o, or replace it with --force"
        )
        raise UsageError(message)


def _told_steps(path: Path) -> str:
    """Return how many steps a model was trained for, as far as its file says."""
    if not _is_model(path):
        return ""
    steps = read_model_document(path).get("training", {}).get("steps_done")
    return f" of {number_of(steps, 'step')}" if steps else ""


def _is_model(path: Path) -> bool:
    try:
        return path.is_file() and bool(read_model_document(path))
    except InputError:
        return False
