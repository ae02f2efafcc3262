"""Reading JSON documents: strictly, up to a size, and field by field with types.

`msgspec` is no substitute: of 125 look-ups in our formats 30 are arrays of finite
numbers whose shape follows from other fields, which its types cannot say, and digests
need the document as it is; `Fields` does the other look-ups in 60 lines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spectral_sched.errors import InputError, why

from .strict_json import FORMAT_PREFIX, as_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from .strict_json import Document


MAX_DOCUMENT_BYTES = 1 << 30


def read_document(path: Path, kind: str, *, version: int, remedy: str) -> Document:
    """Read a document of one format.

    Parameters
    ----------
    kind
        The expected format without its prefix, ``spectrum`` or ``schedule``.
    remedy
        What to do when the file is missing or unusable, for the message.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON, or another format or version.
    """
    document = _parse(_text(path, remedy), path, remedy)
    expected = FORMAT_PREFIX + kind
    if not isinstance(document, dict) or document.get("format") != expected:
        message = f"{path} is not a specsched {kind} file; {remedy}"
        raise InputError(message)
    check_version(document, path, version=version, remedy=remedy)
    return document


def check_version(document: Document, path: Path, *, version: int, remedy: str) -> None:
    """Raise `InputError` if a document has another version than is read here."""
    if document.get("version") != version:
        message = (
            f"{path} has version {document.get('version')!r} of its format, and this "
            f"specsched reads version {version}; {remedy}"
        )
        raise InputError(message)


def read_any(path: Path) -> Document:
    """Read a document of any format of this project.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON or not ours.
    """
    remedy = "name a file that specsched wrote"
    document = _parse(_text(path, remedy), path, remedy)
    kind = document.get("format") if isinstance(document, dict) else None
    if not (isinstance(kind, str) and kind.startswith(FORMAT_PREFIX)):
        message = f"{path} is not a specsched file; {remedy}"
        raise InputError(message)
    return cast("Document", document)


def read_foreign(path: Path, remedy: str) -> Fields:
    """Read one JSON object that another program wrote, infinities and NaN included.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON or no object.
    """
    values = _parse(_text(path, remedy), path, remedy, constant=float)
    if not isinstance(values, dict):
        message = f"{path} holds no JSON object; {remedy}"
        raise InputError(message)
    return Fields(values, path, remedy)


def _text(path: Path, remedy: str) -> str:
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            message = f"{path} is over 1 GiB, too large for its kind; {remedy}"
            raise InputError(message)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"{path} does not exist; {remedy}"
        raise InputError(message) from error
    except OSError as error:
        message = f"cannot read {path}: {why(error)}; {remedy}"
        raise InputError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not a JSON text; {remedy}"
        raise InputError(message) from error


def _refuse_constant(name: str) -> object:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _parse(
    text: str,
    path: Path,
    remedy: str,
    constant: Callable[[str], object] = _refuse_constant,
) -> object:
    try:
        return json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        message = f"{path} is damaged or not JSON ({error}); {remedy}"
        raise InputError(message) from error


class Fields:
    """Typed look-ups in one object of a document.

    Every look-up that fails raises `InputError` and names the file and the key.
    """

    def __init__(self, values: Mapping[str, Any], path: Path, remedy: str) -> None:
        self._values = values
        self._path = path
        self._remedy = remedy

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def damaged(self, key: str, wrong: str) -> InputError:
        """Return the error that says what is wrong with a key."""
        return InputError(f"{self._path} is damaged: {key!r} {wrong}; {self._remedy}")

    def get(self, key: str, kind: type | tuple[type, ...]) -> Any:
        """Return a value of one of the given types."""
        if key not in self._values:
            raise self.damaged(key, "is missing")
        value = self._values[key]
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise self.damaged(key, f"cannot be {value!r:.60}")
        return value

    def number(self, key: str) -> float:
        """Return a number."""
        return float(self.get(key, (int, float)))

    def array(self, key: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
        """Return numbers of a given shape, None standing for any length."""
        value = self.get(key, list)
        try:
            numbers = as_numbers(value)
        except (TypeError, ValueError) as error:
            raise self.damaged(key, "is not an array of numbers") from error
        fits = numbers.ndim == len(shape) and all(
            want is None or want == have
            for want, have in zip(shape, numbers.shape, strict=True)
        )
        if not fits or not np.all(np.isfinite(numbers)):
            raise self.damaged(key, f"has the wrong shape {numbers.shape}")
        return numbers

    def object(self, key: str) -> Fields:
        """Return a nested object."""
        return Fields(self.get(key, dict), self._path, self._remedy)

    def objects(self, key: str) -> list[Fields]:
        """Return a list of nested objects."""
        values = self.get(key, list)
        if not all(isinstance(value, dict) for value in values):
            raise self.damaged(key, "is not a list of objects")
        return [Fields(value, self._path, self._remedy) for value in values]


def read_fields(
    path: Path,
    kind: str,
    *,
    version: int,
    remedy: str,
    payload_digest: Callable[[Document], str] | None = None,
) -> Fields:
    """Read a document of one format for typed look-ups.

    Parameters
    ----------
    kind, version, remedy
        As for `read_document`.
    payload_digest
        For formats that hold a digest of what they say: how it is computed.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign, of another version, or was changed.
    """
    document = read_document(path, kind, version=version, remedy=remedy)
    fields = Fields(document, path, remedy)
    if payload_digest and fields.get("digest", str) != payload_digest(document):
        message = f"{path} was changed after it was written; {remedy}"
        raise InputError(message)
    return fields
