from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.documents.read import Fields, Form, read_document
from spectral_sched.documents.rules import members
from spectral_sched.documents.strict_json import (
    canonical,
    layout,
    round_to_float32,
    shortest,
)
from spectral_sched.documents.write import check_output, write_document
from spectral_sched.errors import InputError, UsageError

REMEDY = "make one"
FORM = Form("spectrum", 1, REMEDY, members({}))


def read(path: Path) -> dict[str, object]:
    return read_document(path, FORM)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_with_the_same_bits(numbers: list[float]) -> None:
    assert json.loads(layout({"numbers": np.array(numbers)})) == {"numbers": numbers}


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_short_numbers_round_to_the_same_float32(numbers: list[float]) -> None:
    values = round_to_float32(np.array(numbers))
    np.testing.assert_array_equal(round_to_float32(shortest(values)), values)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_never_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": value})
    with pytest.raises(TypeError, match="set has no JSON form"):
        canonical({"a": {1}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "specsched.spectrum", "ver', "damaged or not JSON"),
        ("", "file.json is empty; make one"),
        ("[1, 2]", "is not a specsched spectrum file"),
        ('{"a": 1}', "is not a specsched spectrum file"),
        (
            '{"format": "specsched.schedule"}',
            "spectrum file but holds a schedule; make",
        ),
        ('{"format": "specsched.spectrum", "version": 2}', "has version 2"),
        ('{"format": "specsched.spectrum", "x": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "lists within lists beyond 32"),
        ("[" * 40 + "]" * 40, "lists within lists beyond 32"),
        ('{"x": 1, "x": 2}', "the key 'x' is there twice"),
        ('{"x": 1e999}', "1e999 is too large a number"),
        ('{"x": -1E999}', "-1E999 is too large a number"),
        ('{"x": ' + "9" * 5000 + "}", "an integer of 5000 digits is too large"),
        (r'{"x": "\ud800"}', "half a character"),
        (r'{"\uDfFf": 1}', "half a character"),
        ('{"format": "specsched.spectrum", "version": true}', "has version True"),
        ('{"format": "specsched.spectrum", "version": 1.0}', "has version 1.0"),
        ('{"format": ["specsched.spectrum"], "version": 1}', "is not a specsched"),
    ],
)
def test_unusable_files_are_named_with_the_cure(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert REMEDY in str(caught.value)


def test_whole_characters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(
        r'{"format": "specsched.spectrum", "version": 1, "x": "\ud83d\ude00"}'
    )
    assert read(path)["x"] == "\N{GRINNING FACE}"


def test_missing_folders_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; make one"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot read"):
        read(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a JSON text"):
        read(tmp_path / "binary")


def test_our_files_are_replaced_and_others_are_not(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours.json", tmp_path / "foreign.json"
    write_document({"format": "specsched.spectrum", "version": 1}, ours)
    check_output(ours)
    foreign.write_text('{"format": "other"}')
    with pytest.raises(UsageError, match=r"not written by specsched; .*--force"):
        check_output(foreign)
    check_output(foreign, force=True)
    check_output(tmp_path / "new.json")


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a folder"):
        check_output(tmp_path)
    with pytest.raises(UsageError, match="its folder does not exist"):
        check_output(tmp_path / "none" / "file.json")
    with pytest.raises(UsageError, match="no such file or directory"):
        write_document({}, tmp_path / "none" / "file.json")


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_document({"format": "specsched.spectrum"}, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_document({"format": "specsched.spectrum", "x": float("nan")}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'a' is missing"),
        ({"a": "text"}, "'a' cannot be 'text'"),
        ({"a": True}, "'a' cannot be True"),
        ({"a": [1, "x"]}, "'a' is not an array of numbers"),
        ({"a": [[1], [2, 3]]}, "'a' is not an array of numbers"),
        ({"a": [1, 2, 3]}, "'a' has the wrong shape"),
        ({"a": [1, 1e999]}, "'a' has the wrong shape"),
    ],
)
def test_damaged_values_are_named(values: dict[str, object], message: str) -> None:
    fields = Fields(values, Path("file.json"), REMEDY)
    with pytest.raises(InputError, match=rf"file.json is damaged: {message}"):
        fields.array("a", (2,))
