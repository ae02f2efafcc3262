"""Strict JSON: canonical text, digests of it, and a layout that people can read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray


FORMAT_PREFIX = "specsched."

Document = dict[str, Any]


def canonical(value: object) -> str:
    """Return the one JSON text of a value, for digests and single-line output."""
    return json.dumps(
        value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_list
    )


def _list(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical text."""
    return text_digest(canonical(value))


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def layout(document: Mapping[str, object]) -> str:
    """Return a document as text with one top-level key per line."""
    lines = [f"  {canonical(key)}: {canonical(item)}" for key, item in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def as_numbers(value: ArrayLike) -> NDArray[np.float64]:
    """Return an array of floats, or raise `TypeError` if there are others in it."""
    array = np.asarray(value)
    if array.size and array.dtype.kind not in "iuf":
        message = "not numbers"
        raise TypeError(message)
    return array.astype(np.float64)


def round_to_float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers rounded to the precision of float32, for `shortest`."""
    return values.astype(np.float32).astype(np.float64)


def shortest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float32 numbers as those with the fewest digits that round to them.

    Tables of many spectra take half the room this way.
    """
    shortest = [float(str(value)) for value in values.astype(np.float32).ravel()]
    return np.array(shortest).reshape(values.shape)
