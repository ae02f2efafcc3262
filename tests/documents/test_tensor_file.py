"""Files of tensors: every byte that changes is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from spectral_sched.documents.read import Form
from spectral_sched.documents.rules import members
from spectral_sched.documents.tensor_file import (
    check_tensors,
    document_digest,
    read_header,
    sealed,
)
from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

REMEDY = "make one"
FORM = Form("x", 1, REMEDY, members({}), digest=document_digest, digest_optional=True)
ABOUT = {"format": "specsched.x", "version": 1, "told": "a letter \N{SNOWMAN}"}
TENSORS: dict[str, NDArray[Any]] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.ones(3, np.float16),
    "none": np.zeros((0, 2), np.int64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "file.safetensors"
    write_atomically(place, *sealed(save(TENSORS), ABOUT))
    return place


def check(path: Path) -> dict[str, object]:
    document = FORM.check(read_header(path, REMEDY), path)
    check_tensors(path, document, REMEDY)
    return document


def test_tensors_and_document_come_back(path: Path) -> None:
    document = check(path)
    assert {key: document[key] for key in ABOUT} == ABOUT
    for name, tensor in load_file(path).items():
        assert tensor.dtype == TENSORS[name].dtype
        np.testing.assert_array_equal(tensor, TENSORS[name])


def test_every_byte_that_changes_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    harmless = {content.index(b"digest") + place for place in range(6)}
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        if place in harmless:
            # The name of the digest itself: all that it speaks of is as it was.
            continue
        with pytest.raises(InputError, match=r"file\.safetensors.*; make one$"):
            check(path)


def test_files_that_are_cut_or_longer_are_refused(path: Path) -> None:
    content = path.read_bytes()
    for size in (0, 1, 8, 9, 100, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match="is not a whole safetensors file"):
            check(path)
    path.write_bytes(content + b"x")
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        check(path)


def test_files_without_digests_are_read(path: Path) -> None:
    path.write_bytes(
        save(TENSORS, {"specsched": '{"format":"specsched.x","version":1}'})
    )
    assert check(path) == {"format": "specsched.x", "version": 1}
    path.write_bytes(save(TENSORS))
    assert read_header(path, REMEDY) is None
