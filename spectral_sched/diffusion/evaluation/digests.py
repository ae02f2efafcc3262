"""Digests of models and pictures: what figures depend on, in a few letters."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.strict_json import digest, file_digest
from spectral_sched.files.model import BUNDLED, SUFFIX
from spectral_sched.images.preprocessing import preprocessing_members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.planning.plan import Plan


def array_digest(array: NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's shape and values."""
    head = f"{array.dtype.str}{array.shape}".encode()
    content = np.ascontiguousarray(array).data
    return "sha256:" + hashlib.sha256(head + bytes(content)).hexdigest()


def model_digest(model: str, plan: Plan) -> str:
    """Return the digest of all that a model's answers depend on."""
    if model == "bundled":
        return file_digest(BUNDLED)
    if model.endswith(SUFFIX):
        return file_digest(Path(model))
    kind, _, folder = model.partition(":")
    if kind == "wiener":
        field = plan.power.field
        return digest([kind, field.shape, field.mean_color, field.cross_power])
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    settings = preprocessing_members(plan.preprocessing)
    return digest([kind, settings, *map(file_digest, files)])
