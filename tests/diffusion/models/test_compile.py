"""Compiled networks: what is compiled, what comes out, and what is said without.

Torch's compiler takes a minute for the smallest network, so it is stood in for here.
``benchmarks/sampler.py --compile`` runs the real one and says how far the images are
apart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from spectral_sched.diffusion.models.compile import MODE, compile_network
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.diffusion.training.trainer import fresh_network
from spectral_sched.errors import UnavailableError, UsageError
from spectral_sched.files.network_config import NetworkConfig
from tests.diffusion.sampling.test_sampler import CPU
from tests.diffusion.test_batches import PLAN


@pytest.fixture
def network() -> NetworkDenoiser:
    made = fresh_network(NetworkConfig(3, (16,), 1, 0.5, ends=(0.1, 9.0)), 0).eval()
    # Fresh ones answer nothing and listen to nothing.
    generator = torch.Generator().manual_seed(1)
    for weights in made.requires_grad_(requires_grad=False).parameters():
        weights.add_(torch.randn(weights.shape, generator=generator), alpha=0.1)
    return made


def pictures(model: Any, *, compiled: bool) -> torch.Tensor:
    options = SamplingOptions(model, compiled=compiled)
    run = SamplingRun(PLAN, options, CPU)
    return torch.tensor([picture.tolist() for picture in run(run.samples([3, 4]))])


def test_pictures_are_those_of_the_network_as_it_is(
    network: NetworkDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[torch.Size] = []

    def recorded(function: Callable[..., Any], *, mode: str) -> Callable[..., Any]:
        assert mode == MODE

        def call(x: torch.Tensor, *told: torch.Tensor) -> Any:
            shapes.append(x.shape)
            return function(x, *told)

        return call

    expected = pictures(copy.deepcopy(network), compiled=False)
    monkeypatch.setattr(torch, "compile", recorded)
    found = pictures(network, compiled=True)
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    assert shapes == [(2, 3, 12, 9)] * PLAN.table.num_steps
    # Told another range, it is still the compiled network that answers.
    x = torch.ones(1, 3, 8, 8)
    told, usual = network.between(1.0, 2.0)(x, 1.3), network(x, 1.3)
    assert (told - usual).abs().max() > 1e-3
    assert len(shapes) == PLAN.table.num_steps + 2


def failing(error: Exception, *_inputs: Any, **_options: Any) -> Any:
    raise error


@pytest.mark.parametrize("late", [False, True])
def test_no_compiler_is_one_sentence(
    network: NetworkDenoiser, monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    fails = partial(failing, RuntimeError("No working C++\ncompiler found"))
    monkeypatch.setattr(torch, "compile", (lambda *_, **__: fails) if late else fails)
    with pytest.raises(
        UnavailableError, match=r"\(No working C\+\+ compiler found\); leave out --comp"
    ):
        pictures(network, compiled=True)


def test_a_compiled_network_without_memory_is_not_blamed_on_the_compiler(
    network: NetworkDenoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = partial(failing, torch.OutOfMemoryError("CUDA out of memory."))
    monkeypatch.setattr(torch, "compile", lambda *_, **__: fails)
    compile_network(network)
    with pytest.raises(torch.OutOfMemoryError):
        network(torch.zeros(1, 3, 8, 8), 1.0)


def test_a_model_that_is_no_network_is_refused() -> None:
    with pytest.raises(UsageError, match="--compile is for networks"):
        pictures("wiener", compiled=True)
