"""What was measured already, one file each, so that a run that was cut short goes on.

A file is named by the digest of everything that its content depends on, and written
whole or not at all: what is there is right, and what is not is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.documents.read import Fields, Form, read_fields
from spectral_sched.documents.rules import anything, members, text
from spectral_sched.documents.strict_json import digest
from spectral_sched.documents.tensor_file import (
    check_tensors,
    document_digest,
    read_header,
    sealed,
)
from spectral_sched.documents.write import write_atomically, write_document
from spectral_sched.errors import InputError, UsageError, why

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place, Rule
    from spectral_sched.documents.strict_json import Document

VERSION = 2
"""To be raised whenever what is measured changes for the same key."""

REMEDY = "remove it, and it is measured again"


HEAD = {"format": text(), "version": anything}
SEALS = {"digest": text()}
ARRAY_FORM = Form(
    "samples-cache",
    VERSION,
    REMEDY,
    members({**HEAD, "tensors": text()}, SEALS, closed=True),
    digest=document_digest,
)


class Kept(NamedTuple):
    """A kind of document that is kept.

    Attributes
    ----------
    kind
        Word for what is measured, the start of the file's name.
    rules
        What it holds.
    agrees
        As of `Form`.
    """

    kind: str
    rules: Mapping[str, Rule]
    agrees: Callable[[Document, Place], None]
    may_have: Mapping[str, Rule] = {}

    @property
    def form(self) -> Form:
        """The format of its files."""
        rule = members({**HEAD, **self.rules}, {**SEALS, **self.may_have}, closed=True)
        return Form(
            *(self.kind, VERSION, REMEDY, rule, self.agrees, document_digest),
            digest_optional=True,
        )


class Cache:
    """A folder of files named by what they depend on.

    Parameters
    ----------
    folder
        Where they are; it is made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot write to {folder}: {why(error)}; choose another -o"
            raise UsageError(message) from error

    def _place(self, kind: str, key: object, suffix: str) -> Path:
        name = digest([VERSION, kind, key]).removeprefix("sha256:")[:24]
        return self.folder / f"{kind}-{name}{suffix}"

    def fields(
        self, kept: Kept, key: object, measured: Callable[[], Document]
    ) -> Fields:
        """Return a document's fields, measured if they are not there.

        Parameters
        ----------
        kept
            What is measured.
        key
            Everything it depends on, as JSON.
        measured
            Makes the document.

        Raises
        ------
        InputError
            If what is there is damaged.
        """
        path = self._place(kept.kind, key, ".json")
        if not path.exists():
            head = {"format": f"specsched.{kept.kind}", "version": VERSION}
            document = {**head, **measured()}
            write_document(document | {"digest": document_digest(document)}, path)
        return read_fields(path, kept.form)

    def array(
        self,
        kind: str,
        key: object,
        shape: tuple[int, ...],
        measured: Callable[[], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return an array, measured if it is not there; as for `fields`.

        Parameters
        ----------
        kind
            Word for what is measured, the start of the file's name.
        shape
            Of the array.
        """
        path = self._place(kind, key, SUFFIX)
        before = path.with_suffix(".npy")
        if before.exists() and not path.exists():
            array = _load(before)
        else:
            if not path.exists():
                write_atomically(path, *_packed(measured()))
            array = _unpacked(path, shape)
        if array.shape != shape or array.dtype != np.float32:
            raise _damaged(path, "it holds other samples")
        if not np.isfinite(array).all():
            raise _damaged(path, "it holds samples that are no numbers")
        return array


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is damaged: {reason}; {REMEDY}")


SUFFIX = ".safetensors"
ARRAY = "array"


def _packed(array: NDArray[np.float32]) -> tuple[bytes, memoryview]:
    from safetensors.numpy import save

    head = {"format": f"specsched.{ARRAY_FORM.kind}", "version": VERSION}
    return sealed(save({ARRAY: np.ascontiguousarray(array)}), head)


def _unpacked(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    from safetensors import safe_open

    document = ARRAY_FORM.check(read_header(path, REMEDY), path)
    check_tensors(path, document, REMEDY)
    with safe_open(path, "numpy") as file:
        if list(file.keys()) != [ARRAY]:
            raise _damaged(path, "it holds no samples")
        part = file.get_slice(ARRAY)
        if (part.get_dtype(), tuple(part.get_shape())) != ("F32", shape):
            raise _damaged(path, "it holds other samples")
        found: NDArray[np.float32] = file.get_tensor(ARRAY)
    return found


def _load(path: Path) -> NDArray[np.float32]:
    """Return an array that an earlier build kept."""
    try:
        array: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        message = f"{path} is damaged ({error}); {REMEDY}"
        raise InputError(message) from error
    return array
