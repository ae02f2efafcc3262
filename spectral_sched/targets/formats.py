"""Formats of what a program is given: how they are written, and read back.

Texts hold positional decimals, never exponents, as some programs read none. All
numbers are the shortest that round to the value in its own type, so what is read is the
value to the last bit.
"""

from __future__ import annotations

import ast
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from spectral_sched.documents.parse import parse_document
from spectral_sched.documents.strict_json import canonical, layout
from spectral_sched.errors import InputError

from .document import FORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import DTypeLike, NDArray

    from spectral_sched.documents.strict_json import Document

    from .artifact import Artifact, Values

MARK = "# specsched"
"""First words of a Python file of ours."""

DAMAGES = (
    *(ValueError, LookupError, TypeError, OSError, EOFError, SyntaxError, BadZipFile),
)
"""What parsers raise on bytes of another kind."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    suffix
        End of the names of its files.
    write
        Bytes of an artefact; the second argument is the document that describes it.
    read
        Numbers of such bytes.
    binary
        Whether a terminal can show it.
    """

    suffix: str
    write: Callable[[Artifact, Document], bytes]
    read: Callable[[bytes], NDArray[Any]]
    binary: bool = False


def decimal(value: np.generic) -> str:
    """Return the shortest positional decimal that rounds to a number in its type.

    Examples
    --------
    >>> decimal(np.float32(14.614642)), decimal(np.float64(2e-7)), decimal(np.int64(7))
    ('14.614642', '0.0000002', '7')
    """
    if isinstance(value, np.integer):
        return str(int(value))
    return np.format_float_positional(value, unique=True, trim="-")  # type: ignore[arg-type]


def plain_numbers(values: Values) -> list[float | int]:
    """Return numbers of Python whose shortest decimals round to the values."""
    if values.dtype.kind == "i":
        return [int(value) for value in values]
    return [float(decimal(value)) for value in values]


def joined(artifact: Artifact) -> str:
    """Return the values as one line of text."""
    line = artifact.separator.join(decimal(value) for value in artifact.values)
    return f"[{line}]" if artifact.brackets else line


def _write_text(artifact: Artifact, _about: Document) -> bytes:
    text = joined(artifact) if artifact.text is None else artifact.text
    return f"{text}\n".encode()


def _read_text(content: bytes) -> NDArray[Any]:
    words = content.decode().strip().strip("[]").replace(",", " ").split()
    return np.array([float(word) for word in words])


def _write_json(artifact: Artifact, about: Document) -> bytes:
    if artifact.fields is not None:
        return (json.dumps(artifact.fields, allow_nan=False, indent=2) + "\n").encode()
    return layout(about).encode()


def _read_json(content: bytes) -> NDArray[Any]:
    found = parse_document(content.decode())
    if not FORM.names(found):
        message = "no document of specsched"
        raise ValueError(message)
    document = FORM.check(found, Path("the document"))
    if "values" not in document:
        message = "a document without a list of numbers"
        raise ValueError(message)
    return np.array(document["values"], dtype=document["dtype"])


def _write_csv(artifact: Artifact, _about: Document) -> bytes:
    rows = [f"step,{artifact.coordinate}"]
    rows += [f"{step},{decimal(value)}" for step, value in enumerate(artifact.values)]
    return ("\n".join(rows) + "\n").encode()


def _read_csv(content: bytes) -> NDArray[Any]:
    _, *rows = content.decode().splitlines()
    return np.array([float(row.split(",")[1]) for row in rows])


def _write_npy(artifact: Artifact, _about: Document) -> bytes:
    file = io.BytesIO()
    np.save(file, artifact.values, allow_pickle=False)
    return file.getvalue()


def _read_npy(content: bytes) -> NDArray[Any]:
    values: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return values


def _write_npz(artifact: Artifact, _about: Document) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{artifact.variable: artifact.values})
    return file.getvalue()


def _read_npz(content: bytes) -> NDArray[Any]:
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    values: NDArray[Any] = arrays[arrays.files[0]]
    return values


def _write_safetensors(artifact: Artifact, about: Document) -> bytes:
    from safetensors.numpy import save

    described = {key: item for key, item in about.items() if key != "values"}
    arrays = {artifact.variable: np.ascontiguousarray(artifact.values)}
    return save(arrays, metadata={"specsched": canonical(described)})


def _read_safetensors(content: bytes) -> NDArray[Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        (values,) = load(content).values()
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return values


def _write_python(artifact: Artifact, about: Document) -> bytes:
    head = [f"{MARK} {about['target']}: {about['title']}"]
    head += [f"# warning: {warning}" for warning in artifact.warnings]
    numbers = plain_numbers(artifact.values)
    lines = artifact.snippet or "{variable} = {values}"
    text = lines.replace("{variable}", artifact.variable)
    return ("\n".join([*head, text.replace("{values}", str(numbers))]) + "\n").encode()


def _read_python(content: bytes) -> NDArray[Any]:
    """Return the first list of numbers that a name is given; nothing is executed."""
    for node in ast.parse(content.decode()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            return np.array(ast.literal_eval(node.value), dtype=np.float64)
    message = "no list of numbers"
    raise ValueError(message)


FORMATS: Mapping[str, Format] = {
    "text": Format(".txt", _write_text, _read_text),
    "json": Format(".json", _write_json, _read_json),
    "csv": Format(".csv", _write_csv, _read_csv),
    "npy": Format(".npy", _write_npy, _read_npy, binary=True),
    "npz": Format(".npz", _write_npz, _read_npz, binary=True),
    "safetensors": Format(
        ".safetensors", _write_safetensors, _read_safetensors, binary=True
    ),
    "python": Format(".py", _write_python, _read_python),
}
"""Formats by the names used in commands."""


def format_of(path: Path) -> str | None:
    """Return the name of the format whose files end as a path does, if any."""
    ends = {item.suffix: name for name, item in FORMATS.items()}
    return ends.get(path.suffix)


def _some(values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim != 1 or not values.size:
        message = f"an array of shape {values.shape}"
        raise ValueError(message)
    return values


def read(content: bytes, form: str, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return the values in bytes that were written in a format.

    Parameters
    ----------
    dtype
        Type of the values, for formats that do not tell: texts, tables and snippets.

    Raises
    ------
    InputError
        If there are no numbers of that format in it.
    """
    try:
        values = _some(FORMATS[form].read(content))
    except DAMAGES as error:
        message = f"there are no numbers to read as {form} ({error}); export them again"
        raise InputError(message) from error
    return values if dtype is None else values.astype(dtype)
