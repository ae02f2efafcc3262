"""Strict JSON documents: how every file of this project is written and read.

A document is one object with ``format`` and ``version`` first, one top-level key per
line, numbers in their shortest exact form, never NaN or Infinity. Files appear whole
or not at all, and a file that some other program wrote is not replaced unasked.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

FORMAT_PREFIX = "specsched."
MAX_DOCUMENT_BYTES = 1 << 30

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
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def layout(document: Mapping[str, object]) -> str:
    """Return a document as text with one top-level key per line."""
    lines = [f"  {canonical(key)}: {canonical(item)}" for key, item in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def check_output(
    path: Path,
    *,
    force: bool = False,
    marked: bool = True,
    ours: Callable[[Path], bool] | None = None,
) -> None:
    """Raise `UsageError` where a file may not be written, before it is made.

    Parameters
    ----------
    force
        Replace any file.
    marked
        Whether files of the kind to be written can be told from those of others.
    ours
        Tells whether a file is one of this project's; if not given, `is_ours`.
    """
    if path.is_dir():
        message = f"cannot write {path}: it is a folder; name a file with -o"
        raise UsageError(message)
    if not path.parent.is_dir():
        message = f"cannot write {path}: its folder does not exist; make it first"
        raise UsageError(message)
    if path.exists() and not force and not (ours or is_ours)(path):
        reason = "was not written" if marked else "cannot be known to be written"
        message = (
            f"{path} {reason} by specsched; name another file with -o, "
            "or replace it with --force"
        )
        raise UsageError(message)


def open_folder(folder: Path, record: str, *, force: bool) -> Path:
    """Return a folder to write several files to, made if need be.

    Parameters
    ----------
    record
        Name of the document that says that the files are ours.

    Raises
    ------
    UsageError
        If it cannot be made, or holds files of someone else and `force` is off.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = any(folder.iterdir()) and not is_ours(folder / record)
    except OSError as error:
        reason = _because(error)
        message = f"cannot write to {folder}: {reason}; name another folder with -o"
        raise UsageError(message) from error
    if foreign and not force:
        message = (
            f"{folder} holds files that specsched did not write; "
            "name another folder with -o, or add to it with --force"
        )
        raise UsageError(message)
    return folder


def write_document(document: Document, path: Path) -> None:
    """Write a document atomically.

    Raises
    ------
    UsageError
        If the place cannot be written.
    """
    write_atomically(path, layout(document).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        message = (
            f"cannot write {path}: {_because(error)}; choose another place with -o"
        )
        raise UsageError(message) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_ours(path: Path, kind: str = "") -> bool:
    """Return whether a file is a document of this project, and of a given format."""
    try:
        with path.open(encoding="utf-8") as file:
            head = file.read(200)
    except (OSError, UnicodeDecodeError):
        return False
    return head.startswith("{") and f'"format": "{FORMAT_PREFIX}{kind}' in head


def _because(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


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
        message = f"cannot read {path}: {_because(error)}; {remedy}"
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
            numbers = _numbers(value)
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


def _numbers(value: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(value)
    if array.size and array.dtype.kind not in "iuf":
        message = "not numbers"
        raise TypeError(message)
    return array.astype(np.float64)


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers rounded to the precision of float32, for `short`."""
    return values.astype(np.float32).astype(np.float64)


def short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `rounded` numbers as those with the fewest digits that round to them.

    Tables of many spectra take half the room this way.
    """
    shortest = [float(str(value)) for value in values.astype(np.float32).ravel()]
    return np.array(shortest).reshape(values.shape)
