"""Tensors from files: only those that are expected, and only as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safetensors import SafetensorError, safe_open

from spectral_sched.documents.tensor_file import check_tensors, read_header
from spectral_sched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor


class Expected(NamedTuple):
    """What a tensor has to be."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def read_tensors(
    path: Path, expected: Mapping[str, Expected], remedy: str
) -> dict[str, Tensor]:
    """Read the tensors of a file, whose names, shapes and types are known beforehand.

    Parameters
    ----------
    remedy
        What to do when the file is unusable, for messages.

    Raises
    ------
    InputError
        If a tensor is missing, too many, of another shape or type or not finite, or
        the file was changed after it was written.
    """
    try:
        with safe_open(path, "pt") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            _check_names(path, set(found), set(expected), remedy)
            for name, want in expected.items():
                _check_shape(path, name, tuple(found[name].get_shape()), want, remedy)
            tensors = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError) as error:
        message = f"{path} is damaged ({error}); {remedy}"
        raise InputError(message) from error
    for name, tensor in tensors.items():
        _check_values(path, name, tensor, expected[name], remedy)
    check_tensors(path, read_header(path, remedy) or {}, remedy)
    return tensors


def _check_names(path: Path, found: set[str], wanted: set[str], remedy: str) -> None:
    if found == wanted:
        return
    lacks, has = sorted(wanted - found)[:1], sorted(found - wanted)[:1]
    what = " and ".join(
        [*(f"lacks {name}" for name in lacks), *(f"has {name!r:.60}" for name in has)]
    )
    message = f"{path} does not hold the network that it describes: it {what}; {remedy}"
    raise InputError(message)


def _check_shape(
    path: Path, name: str, shape: tuple[int, ...], want: Expected, remedy: str
) -> None:
    if shape != want.shape:
        message = (
            f"{path} does not hold the network that it describes: {name} is of the "
            f"shape {shape}, not {want.shape}; {remedy}"
        )
        raise InputError(message)


def _check_values(
    path: Path, name: str, tensor: Tensor, want: Expected, remedy: str
) -> None:
    if tensor.dtype != want.dtype:
        kinds = (
            str(kind).removeprefix("torch.") for kind in (tensor.dtype, want.dtype)
        )
        message = (
            f"{path} is damaged: {name} is of {' in place of '.join(kinds)}; {remedy}"
        )
        raise InputError(message)
    if not bool(tensor.isfinite().all()):
        message = f"{path} has weights that are not finite, in {name}; {remedy}"
        raise InputError(message)
