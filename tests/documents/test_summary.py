"""What is printed of a measurement and a plan: a few facts, in text and in HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import spectral_sched as ss
from spectral_sched.documents.summary import Summed, listed
from tests.support.handed import planned


@pytest.fixture(scope="module")
def measured() -> ss.Measurement:
    return ss.analyze(Path(__file__).parents[2] / "sample_images" / "shapes")


def shown(thing: Summed) -> tuple[str, str]:
    return repr(thing), thing._repr_html_()


def test_a_measurement_is_told_in_a_few_lines(measured: ss.Measurement) -> None:
    for text in shown(measured):
        assert "48, 3x64x64" in text
        assert f"{measured.bounds.sigma_max:.4g}" in text
        assert len(text.splitlines()) < 20
    many = replace(measured, warnings=("<too dark>",) * 50)
    assert len(repr(many).splitlines()) < 20
    assert "&lt;too dark&gt;" in many._repr_html_()


def test_a_plan_is_told_in_a_few_lines() -> None:
    plan = planned()
    for text in shown(plan):
        assert listed(plan.table.sigmas) in text
        assert "dpmpp-2m" in text
        assert len(text.splitlines()) < 20


def test_long_tables_show_their_ends() -> None:
    numbers = tuple(float(100 - n) for n in range(100))
    assert listed(numbers) == "100, 99, 98, 97, ..., 4, 3, 2, 1"
