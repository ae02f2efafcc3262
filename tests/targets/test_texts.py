"""Texts against parsers that are restated here from what their programs accept.

The programs themselves (ComfyUI, KJNodes, SD.Next, stable-diffusion.cpp, Forge) cannot
be installed as packages.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.support.handed import LEVELS, delivered, given

FLOATS = np.ndarray[Any, np.dtype[np.float32]]


def text(name: str, *settings: str, levels: tuple[float, ...] = LEVELS) -> str:
    return delivered(name, levels, *settings, form="text").content.decode().rstrip("\n")


def found_numbers(content: str) -> FLOATS:
    """ManualSigmas: numbers wherever they stand; exponents are not part of them."""
    found = re.findall(r"[-+]?(?:\d*\.*\d+)", content)
    return np.array([float(number) for number in found], np.float32)


def split_at_comma_blank(content: str, steps: int) -> FLOATS:
    """KJNodes' CustomSigmas: the last becomes 0; no interpolation at its own size."""
    values = [float(part) for part in content.split(", ")]
    assert len(values) == steps + 1
    return np.array([*values[:-1], 0.0], np.float32)


def digit_tokens(content: str) -> list[int]:
    """SD.Next: tokens of digits, others vanish; blanks would count as steps."""
    tokens = content.replace(" ", ",").split(",")
    assert all(tokens)
    return [int(token) for token in tokens if token.isdigit()]


def stof_list(content: str) -> FLOATS:
    """stable-diffusion.cpp: brackets go, each part between commas is a float."""
    parts = content.strip("[]").split(",")
    return np.array([float(part) for part in parts], np.float32)


def resampled_list(content: str, steps: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """ExtraSchedulers: a list in brackets, log-linear to the steps, then a 0."""
    values = np.array(json.loads(content))
    if (values[0], values[-1]) == (1, 0):
        pytest.fail("a list from 1 to 0 would be stretched to the model's range")
    places = np.linspace(0, len(values) - 1, steps)
    logs = np.interp(places, np.arange(len(values)), np.log(values))
    return np.append(np.exp(logs), 0)


@pytest.mark.parametrize("name", ["comfy", "comfy-flow"])
@drawn(
    levels=st.lists(st.floats(1e-7, 1e4), min_size=1, max_size=12, unique=True).filter(
        lambda levels: np.all(
            np.diff(np.sort(np.array(levels) / (1 + np.array(levels)))) > 1e-6
        )
    )
)
def test_manual_sigmas_finds_our_numbers(name: str, levels: list[float]) -> None:
    falling = tuple(sorted(levels, reverse=True))
    values = given(name, falling).values
    found = found_numbers(text(name, levels=falling))
    assert_array_equal(found, values)
    assert found[-1] == 0
    table = np.array([*falling, 0.0])
    wanted = table / (1 + table) if name == "comfy-flow" else table
    assert_allclose(found, wanted, rtol=1e-7)


def test_exponents_would_break_manual_sigmas() -> None:
    assert len(found_numbers("8e1, 2e-3")) == 4
    tiny = text("comfy", levels=(80.0, 2e-3, 1e-7))
    assert tiny == "80, 0.002, 0.0000001, 0"


def test_the_workflow_node_has_the_same_text() -> None:
    document = json.loads(delivered("comfy-api", LEVELS, "id=7").content)
    (number, node), *others = document.items()
    assert (number, node["class_type"], others) == ("7", "ManualSigmas", [])
    assert_array_equal(found_numbers(node["inputs"]["sigmas"]), given("comfy").values)
    flow = json.loads(delivered("comfy-api", LEVELS, "model=flow").content)["100"]
    values = given("comfy-flow").values
    assert_array_equal(found_numbers(flow["inputs"]["sigmas"]), values)


@pytest.mark.parametrize("model", ["sigma", "flow"])
def test_kjnodes_splits_our_text(model: str) -> None:
    artifact = given("kjnodes", LEVELS, f"model={model}")
    content = text("kjnodes", f"model={model}")
    assert_array_equal(split_at_comma_blank(content, len(LEVELS)), artifact.values)
    assert f"interpolate_to_steps to {len(LEVELS)}" in artifact.usage


def test_sdnext_keeps_all_tokens() -> None:
    artifact = given("sdnext")
    assert digit_tokens(text("sdnext")) == artifact.values.tolist()
    assert len(artifact.values) == len(LEVELS)
    assert 1e-6 < artifact.deviation < 0.1
    flow = given("sdnext", LEVELS, "model=flow", "shift=3")
    assert digit_tokens(text("sdnext", "model=flow", "shift=3")) == flow.values.tolist()
    plain = flow.values / 1000
    shifted = 3 * plain / (1 + 2 * plain)
    assert_allclose(shifted, flow.played[:-1], rtol=1e-12)
    levels = np.array(LEVELS)
    # Thousandths: half of one, tripled by the shift where there is little noise.
    assert_allclose(shifted, levels / (1 + levels), atol=1.51e-3)


@pytest.mark.parametrize("model", ["sigma", "flow"])
def test_stable_diffusion_cpp_reads_our_list(model: str) -> None:
    content = text("sdcpp", f"model={model}")
    assert_array_equal(
        stof_list(content), given("sdcpp", LEVELS, f"model={model}").values
    )
    assert " " not in content
    assert stof_list(content)[-1] == 0


def test_forge_resamples_our_list_to_itself() -> None:
    sigmas = resampled_list(text("forge-extra"), len(LEVELS))
    assert_allclose(sigmas, given("forge-extra").played, rtol=1e-6)
    assert math.isclose(sigmas[0], LEVELS[0], rel_tol=1e-6)
