"""Files of tensors that say what they are, and whether they are as they were written.

They are safetensors files with one entry of metadata, a strict JSON document. Beside
what it says it holds two digests: `digest` of the document itself, and `tensors` of the
table of tensors and of all their bytes. Files of earlier builds have neither.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import InputError

from .parse import parse_document
from .strict_json import Document, canonical, digest

if TYPE_CHECKING:
    from pathlib import Path

METADATA_KEY = "specsched"
TABLE_KEY = "__metadata__"
ALIGNMENT = 8
CHUNK = 1 << 22


def document_digest(document: Document) -> str:
    """Return the digest that a document holds of all else in it."""
    return digest({key: document[key] for key in document if key != "digest"})


def sealed(content: bytes, document: Document) -> tuple[bytes, memoryview]:
    """Return the two parts of a file of tensors with a document and both digests.

    Parameters
    ----------
    content
        A safetensors file without metadata.
    """
    table, begin = _table(content)
    payload = memoryview(content)[begin:]
    held = _digest_of(table)
    held.update(payload)
    document = document | {"tensors": f"sha256:{held.hexdigest()}"}
    document |= {"digest": document_digest(document)}
    header = canonical({TABLE_KEY: {METADATA_KEY: canonical(document)}, **table})
    text = header.encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text, payload


def _table(content: bytes) -> tuple[dict[str, Any], int]:
    """Return the table of tensors, and where their bytes begin."""
    (size,) = struct.unpack("<Q", content[:8])
    table = json.loads(content[8 : 8 + size])
    table.pop(TABLE_KEY, None)
    return table, 8 + size


def _digest_of(table: dict[str, Any]) -> Any:
    return hashlib.sha256(canonical(dict(sorted(table.items()))).encode())


def read_header(path: Path, remedy: str) -> Document | None:
    """Return the document in a file of tensors, None if it is not one of ours.

    Parameters
    ----------
    remedy
        What to do when the file is missing or unusable, for messages.

    Raises
    ------
    InputError
        If the file is missing, no whole safetensors file, or its document is no JSON.
    """
    text = _metadata(path, remedy).get(METADATA_KEY)
    try:
        return None if text is None else parse_document(text)
    except ValueError as error:
        message = f"the header of {path} is damaged ({error}); {remedy}"
        raise InputError(message) from error


def _metadata(path: Path, remedy: str) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        message = f"{path} does not exist; {remedy}"
        raise InputError(message)
    try:
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        told = str(error).rstrip(".")
        message = f"{path} is not a whole safetensors file ({told}); {remedy}"
        raise InputError(message) from error


def check_tensors(path: Path, document: Document, remedy: str) -> None:
    """Raise `InputError` unless the tensors of a file are those that were written.

    Parameters
    ----------
    document
        What `read_header` returned; without `tensors` in it nothing is known of them.
    """
    if "tensors" not in document:
        return
    with path.open("rb") as file:
        size = file.read(8)
        table, _ = _table(size + file.read(*struct.unpack("<Q", size)))
        held = _digest_of(table)
        while chunk := file.read(CHUNK):
            held.update(chunk)
    if document["tensors"] != f"sha256:{held.hexdigest()}":
        message = f"{path} was changed after it was written; {remedy}"
        raise InputError(message)
