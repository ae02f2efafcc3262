"""Networks in ONNX files: written here with onnx, and run by onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.errors import InputError
from tests.diffusion.sampling.test_sampler import CPU
from tests.diffusion.test_batches import PLAN

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

if TYPE_CHECKING:
    from pathlib import Path

POWER = 0.3
"""Of white images: their denoiser is x * POWER / (POWER + sigma^2)."""


def write_network(
    path: Path,
    nodes: list[Any],
    constants: dict[str, Any],
    told: int,
    told_shape: list[int | str],
    **said: str,
) -> Path:
    """Write a network of nodes from inputs x and t to an output y."""
    helper, sides = onnx.helper, ["batch", 3, 8, 8]
    initial = [
        onnx.numpy_helper.from_array(np.asarray(value), name)
        for name, value in constants.items()
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [
            helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sides),
            helper.make_tensor_value_info("t", told, told_shape),
        ],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, sides)],
        initial,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    helper.set_model_props(model, said)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def node(kind: str, *names: str) -> Any:
    return onnx.helper.make_node(kind, list(names[:-1]), [names[-1]])


def denoiser(path: Path, told_shape: list[int | str]) -> Path:
    """Write the denoiser of white images itself."""
    nodes = [
        node("Mul", "t", "t", "square"),
        node("Add", "square", "power", "total"),
        node("Div", "power", "total", "kept"),
        node("Reshape", "kept", "column", "factor"),
        node("Mul", "x", "factor", "y"),
    ]
    constants = {"power": np.float32(POWER), "column": np.array([-1, 1, 1, 1])}
    kind = onnx.TensorProto.FLOAT
    return write_network(path, nodes, constants, kind, told_shape)


def timesteps(path: Path, **said: str) -> Path:
    """Write a network that knows noise alone, and looks up its level by timestep."""
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    scale = (1 / np.sqrt(1 - abar)).astype(np.float32)
    nodes = [
        node("Gather", "scale", "t", "rows"),
        node("Reshape", "rows", "column", "factor"),
        node("Mul", "x", "factor", "y"),
    ]
    constants = {"scale": scale, "column": np.array([-1, 1, 1, 1])}
    kind = onnx.TensorProto.INT64
    return write_network(path, nodes, constants, kind, ["batch"], **said)


def loaded(path: Path) -> Any:
    return load_denoiser(str(path), PLAN, CPU, torch.float32)


@pytest.mark.parametrize("told_shape", [["batch"], []])
def test_a_denoiser_is_told_sigma(tmp_path: Path, told_shape: list[int | str]) -> None:
    denoise = loaded(denoiser(tmp_path / "white.onnx", told_shape))
    assert denoise.shape == (3, 8, 8)
    x = torch.rand(3, 3, 8, 8)
    sigmas = torch.tensor([0.1, 2.0, 30.0])
    for level in (0.7, sigmas):
        square = torch.as_tensor(level).reshape(-1, 1, 1, 1) ** 2
        expected = x * POWER / (POWER + square)
        assert (denoise(x, level) - expected).abs().max() < 1e-6


def test_metadata_say_the_convention(tmp_path: Path) -> None:
    said = {"predicts": "epsilon", "time": "timestep-linear", "sigma_range": "0.02,150"}
    denoise = loaded(timesteps(tmp_path / "grey.onnx", **said))
    assert denoise.sigma_range == (0.02, 150.0)
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    sigma = float(np.sqrt(1 / abar[700] - 1))
    # All is noise to it, so that the image is grey.
    assert denoise(torch.rand(2, 3, 8, 8) * sigma, sigma).abs().max() < 1e-5 * sigma


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"predicts": "noise"}, "there is no prediction 'noise'"),
        ({"noise_scale": "two"}, "could not convert"),
        ({"sigma_range": "3"}, "not enough values"),
    ],
)
def test_metadata_that_cannot_be(
    tmp_path: Path, said: dict[str, str], told: str
) -> None:
    path = timesteps(tmp_path / "grey.onnx", **said)
    with pytest.raises(InputError, match=f"metadata what cannot be: .*{told}"):
        loaded(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        loaded(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InputError, match=r"cannot read .*text.onnx as an ONNX file"):
        loaded(tmp_path / "text.onnx")
