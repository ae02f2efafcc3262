"""Reading JSON documents: strictly, up to a size, by rules, and field by field.

Each format is one `Form`: a table of rules that every document passes before anything
is made of it. `msgspec` is no substitute: of 125 look-ups in our formats 30 are arrays
of finite numbers whose shape follows from other fields, which its types cannot say, and
digests need the document as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spectral_sched.errors import InputError, why

from .parse import parse
from .rules import Place, anything, damaged, members, named, text
from .strict_json import FORMAT_PREFIX, as_numbers, text_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from .rules import Rule
    from .strict_json import Document


MAX_DOCUMENT_BYTES = 1 << 30

PROVENANCE = members(
    {}, {"tool": text(), "created": text(), "arguments": named(anything)}
)
"""What a document may say of its making."""


@dataclass(frozen=True)
class Form:
    """A format: what its documents hold, and what to do when one is unusable.

    Attributes
    ----------
    kind
        The format without its prefix, ``spectrum`` or ``schedule``.
    version
        The version that is written.
    earlier
        Others that are read, for they differ in nothing that is looked at.
    remedy
        What to do when a file is missing or unusable, for messages.
    rule
        What the document obeys beside `format` and `version`.
    agrees
        Raises `InputError` where what is said twice is not the same; called when all
        else is right.
    digest
        How the digest under the key `digest` is computed, for formats that have one.
    digest_optional
        Whether files of earlier builds may have none.
    """

    kind: str
    version: int
    remedy: str
    rule: Rule
    agrees: Callable[[Document, Place], None] | None = None
    digest: Callable[[Document], str] | None = None
    digest_optional: bool = False
    earlier: tuple[int, ...] = ()

    def check(self, document: object, path: Path) -> Document:
        """Return a document that obeys the format.

        Raises
        ------
        InputError
            If it does not; the message names the file and the field.
        """
        if not self.names(document):
            message = f"{path} is not a specsched {self.kind} file{_held(document)}"
            raise InputError(f"{message}; {self.remedy}")
        found = cast("Document", document)
        told = found.get("version")
        if isinstance(told, bool | float) or told not in self.earlier:
            check_version(found, path, version=self.version, remedy=self.remedy)
        place = Place(path, self.remedy)
        PROVENANCE(found, place)
        self.rule(found, place)
        self._check_digest(found, place)
        if self.agrees is not None:
            self.agrees(found, place)
        return found

    def parse(self, text: str, path: Path) -> Document:
        """Return the document of a text, checked; `path` names it in messages."""
        return self.check(parse_text(text, path, self.remedy), path)

    def names(self, document: object) -> bool:
        """Return whether a value is an object that says that it is of this format."""
        expected = FORMAT_PREFIX + self.kind
        return isinstance(document, dict) and document.get("format") == expected

    def _check_digest(self, document: Document, place: Place) -> None:
        if self.digest is None or (self.digest_optional and "digest" not in document):
            return
        text()(document.get("digest"), place.at("digest"))
        if document["digest"] != self.digest(document):
            message = f"{place.path} was changed after it was written; {self.remedy}"
            raise InputError(message)


def _held(document: object) -> str:
    """Return what a file of ours holds in place of what was expected."""
    kind = document.get("format") if isinstance(document, dict) else None
    if not (isinstance(kind, str) and kind.startswith(FORMAT_PREFIX)):
        return ""
    name = kind.removeprefix(FORMAT_PREFIX)
    return f" but holds a {name if name.isalpha() else repr(name)[:60]}"


def read_document(path: Path, form: Form, document: Document | None = None) -> Document:
    """Read a document of one format.

    Parameters
    ----------
    document
        What is in the file, if it was read: a pipe can be read only once.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON, of another format or version,
        damaged, or was changed.
    """
    if document is not None:
        return form.check(document, path)
    return form.parse(_text(path, form.remedy), path)


def read_digested(path: Path, form: Form) -> tuple[Document, str]:
    """Read a document as `read_document` does, and the digest of the file's bytes."""
    text = _text(path, form.remedy)
    return form.parse(text, path), text_digest(text)


def read_fields(path: Path, form: Form, document: Document | None = None) -> Fields:
    """Read a document of one format for typed look-ups, as `read_document` does."""
    return Fields(read_document(path, form, document), path, form.remedy)


def check_version(document: Document, path: Path, *, version: int, remedy: str) -> None:
    """Raise `InputError` if a document has another version than is read here."""
    found = document.get("version")
    if found != version or isinstance(found, bool | float):
        message = (
            f"{path} has version {found!r:.60} of its format, and this "
            f"specsched reads version {version}; {remedy}"
        )
        raise InputError(message)


def read_any(path: Path, remedy: str = "name a file that specsched wrote") -> Document:
    """Read a document of any format of this project.

    Parameters
    ----------
    remedy
        What to do when the file is missing or unusable, for messages.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON or not ours.
    """
    document = parse_text(_text(path, remedy), path, remedy)
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
    try:
        values = json.loads(_text(path, remedy))
    except (ValueError, RecursionError) as error:
        message = f"{path} is damaged or not JSON ({error}); {remedy}"
        raise InputError(message) from error
    if not isinstance(values, dict):
        message = f"{path} holds no JSON object; {remedy}"
        raise InputError(message)
    return Fields(values, path, remedy)


def _text(path: Path, remedy: str) -> str:
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            message = f"{path} is over 1 GiB, too large for its kind; {remedy}"
            raise InputError(message)
        # Its line ends stay, so that the digest of the text is that of the file.
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError as error:
        message = f"{path} does not exist; {remedy}"
        raise InputError(message) from error
    except OSError as error:
        message = f"cannot read {path}: {why(error)}; {remedy}"
        raise InputError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not a JSON text; {remedy}"
        raise InputError(message) from error


def parse_text(text: str, path: Path, remedy: str) -> object:
    """Return the value of the text of a file.

    Raises
    ------
    InputError
        If it is no JSON, or leaves open what it means.
    """
    if not text.strip():
        message = f"{path} is empty; {remedy}"
        raise InputError(message)
    try:
        return parse(text)
    except ValueError as error:
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
        return damaged(self._path, key, wrong, self._remedy)

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
        value = self.get(key, (int, float))
        try:
            return float(value)
        except OverflowError as error:
            raise self.damaged(key, "is too large a number") from error

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
