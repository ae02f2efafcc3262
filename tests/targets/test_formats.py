from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from spectral_sched.errors import InputError
from spectral_sched.targets import FORMATS, TARGETS, Artifact, read
from spectral_sched.targets.artifact import FORMS
from spectral_sched.targets.formats import decimal, plain_numbers
from tests.support.handed import delivered, delivered_law, given, given_law

ABOUT: dict[str, Any] = {
    "format": "specsched.target",
    "version": 1,
    "target": "x",
    "title": "y",
    "usage": "z",
    "warnings": [],
    "announcements": [],
    "deviation": None,
    "start_scale": None,
    "coordinate": "sigma",
}

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)


def arrays() -> st.SearchStrategy[np.ndarray[Any, Any]]:
    return st.one_of(
        [
            st.builds(np.array, st.lists(element, min_size=1), st.just(dtype))
            for element, dtype in (
                (FLOATS, np.float64),
                (SINGLES, np.float32),
                (st.integers(0, 10**6), np.int64),
            )
        ]
    )


@pytest.mark.parametrize("form", FORMATS)
@drawn(values=arrays(), brackets=st.booleans(), separator=st.sampled_from([", ", ","]))
def test_every_format_is_read_back_to_the_last_bit(
    form: str, values: np.ndarray[Any, Any], brackets: bool, separator: str
) -> None:
    about = ABOUT | {"dtype": values.dtype.name, "values": plain_numbers(values)}
    artifact = Artifact(values, brackets=brackets, separator=separator)
    content = FORMATS[form].write(artifact, about)
    again = read(content, form, values.dtype)
    assert again.dtype == values.dtype
    assert_array_equal(again.view(np.uint8), values.view(np.uint8))


def array_targets() -> list[tuple[str, str]]:
    return [
        (name, form)
        for name, target in TARGETS.items()
        if target.table and target.formats != ("json",)
        for form in target.formats
        if (name, form) not in {("edm", "text"), ("edm2", "text")}
    ]


@pytest.mark.parametrize(("name", "form"), array_targets())
def test_every_target_is_read_back_in_every_format(name: str, form: str) -> None:
    values = given(name).values
    content = delivered(name, form=form).content
    again = read(content, form, None if FORMATS[form].binary else values.dtype)
    assert again.dtype == values.dtype
    assert_array_equal(again, values)


@drawn(value=st.floats(1e-30, 1e30))
def test_decimals_have_no_exponent(value: float) -> None:
    text = decimal(np.float64(value))
    assert re.fullmatch(r"\d+(\.\d+)?", text)
    assert float(text) == value


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_no_export_is_refused(form: str) -> None:
    for content in (b"", b"no numbers", b"\x89PNG\r\n\x1a\n\x00\x00", b"{}"):
        with pytest.raises(InputError, match=f"no numbers to read as {form}"):
            read(content, form)


def test_python_is_read_without_being_run() -> None:
    with pytest.raises(InputError):
        read(b"sigmas = __import__('os').listdir()", "python")


def test_the_json_document_tells_what_will_be_played() -> None:
    document = json.loads(delivered("diffusers-dpm-timesteps", form="json").content)
    assert document["format"] == "specsched.target"
    assert document["dtype"] == "int64"
    assert document["values"] == given("diffusers-dpm-timesteps").values.tolist()
    assert len(document["played"]) == len(document["values"]) + 1
    assert 1e-6 < document["deviation"] < 0.1
    assert f"{document['deviation']:.2g}" in document["announcements"][0]
    assert json.loads(delivered("plain", form="json").content)["deviation"] == 0


def test_laws_are_had_in_the_forms_that_they_have() -> None:
    assert TARGETS["edm"].form(None, given_law("edm")) == "text"
    assert set(FORMS) == set(FORMATS)
    assert json.loads(delivered_law("edm", form="json").content).keys() == {
        *("P_mean", "P_std", "sigma_data")
    }
    training = given_law("smalldiffusion").values
    for form in TARGETS["smalldiffusion"].formats:
        content = delivered_law("smalldiffusion", form=form).content
        assert_array_equal(read(content, form, np.float32), training)
