"""What was measured already, one file each, so that a run that was cut short goes on.

A file is named by the digest of everything that its content depends on, and written
whole or not at all: what is there is right, and what is not is measured.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.read import Fields, read_fields
from spectral_sched.documents.strict_json import digest
from spectral_sched.documents.write import write_atomically, write_document
from spectral_sched.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document

VERSION = 1
"""To be raised whenever what is measured changes for the same key."""

REMEDY = "remove it, and it is measured again"


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
            message = f"cannot write to {folder}: {error.strerror}; choose another -o"
            raise UsageError(message) from error

    def _place(self, kind: str, key: object, suffix: str) -> Path:
        name = digest([VERSION, kind, key]).removeprefix("sha256:")[:24]
        return self.folder / f"{kind}-{name}{suffix}"

    def fields(
        self, kind: str, key: object, measured: Callable[[], Document]
    ) -> Fields:
        """Return a document's fields, measured if they are not there.

        Parameters
        ----------
        kind
            Word for what is measured, the start of the file's name.
        key
            Everything it depends on, as JSON.
        measured
            Makes the document.

        Raises
        ------
        InputError
            If what is there is damaged.
        """
        path = self._place(kind, key, ".json")
        if not path.exists():
            head = {"format": f"specsched.{kind}", "version": VERSION}
            write_document({**head, **measured()}, path)
        return read_fields(path, kind, version=VERSION, remedy=REMEDY)

    def array(
        self, kind: str, key: object, measured: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return an array, measured if it is not there; as for `fields`."""
        path = self._place(kind, key, ".npy")
        if not path.exists():
            content = io.BytesIO()
            np.save(content, measured(), allow_pickle=False)
            write_atomically(path, content.getvalue())
        try:
            array: NDArray[np.float32] = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            message = f"{path} is damaged ({error}); {REMEDY}"
            raise InputError(message) from error
        return array
