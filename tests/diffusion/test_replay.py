"""Recorded work: what is recorded, what is copied, and what happens where it fails.

CUDA's graphs are stood in for by a recorder that keeps the work and does it again on
the same fixed tensors: what is copied in and out is the same.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.denoiser import recordable
from spectral_sched.diffusion.models.diffusers_unet import UNetDenoiser
from spectral_sched.diffusion.models.guidance import Guidance
from spectral_sched.diffusion.models.preconditioning import flow
from spectral_sched.diffusion.replay import (
    CudaRecorder,
    NetworkReplay,
    Replayed,
    answering,
)
from spectral_sched.diffusion.sampling import player
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import TableRequest

CPU = torch.device("cpu")


class Kept:
    """Records work by keeping it, and counts."""

    def __init__(self, error: RuntimeError | None = None) -> None:
        self.recorded, self.played, self.error = 0, 0, error

    def __call__(self, work: Any) -> Any:
        if self.error is not None:
            raise self.error
        self.recorded += 1

        def play() -> Any:
            self.played += 1
            return work()

        return play


def scaled(x: torch.Tensor, factor: float | torch.Tensor, *, sign: int = 1) -> Any:
    return sign * factor * x, x.sum()


def unheard(message: str) -> None:
    pytest.fail(message)


def test_a_form_is_rehearsed_recorded_and_played() -> None:
    kept, calls = Kept(), list[object]()

    def function(*inputs: Any, **options: Any) -> Any:
        calls.append(inputs[0])
        return scaled(*inputs, **options)

    replayed = Replayed(function, kept, unheard)
    for number in range(5):
        x = torch.randn(2, 3, generator=torch.Generator().manual_seed(number))
        found, total = replayed(x, 0.5 + number)
        assert torch.equal(found, (0.5 + number) * x)
        assert torch.equal(total, x.sum())
    assert (kept.recorded, kept.played, replayed.num_recorded) == (1, 4, 1)
    # The first call had the tensor itself, the others one and the same in its place.
    assert len({id(each) for each in calls}) == 2


def test_forms_differ_by_shape_type_and_plain_values() -> None:
    kept = Kept()
    replayed = Replayed(scaled, kept, unheard)
    x = torch.ones(2, 3)
    forms: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((x, 2.0), {}),
        ((x[:1], 2.0), {}),
        ((x.double(), 2.0), {}),
        ((x, torch.tensor(2.0)), {}),
        ((x, 2.0), {"sign": -1}),
    ]
    for _ in range(3):
        for inputs, options in forms:
            expected = scaled(*inputs, **options)
            found = replayed(*inputs, **options)
            assert all(map(torch.equal, found, expected))
            assert found[0].dtype == expected[0].dtype
    assert replayed.num_recorded == kept.recorded == len(forms)


def test_answers_stay_when_the_next_is_played() -> None:
    answer = torch.zeros(3)
    replayed = Replayed(lambda x: answer.copy_(x), Kept(), unheard)
    answers = [replayed(torch.full((3,), float(n))) for n in range(4)]
    assert [float(each[0]) for each in answers[1:]] == [1.0, 2.0, 3.0]


def test_what_cannot_be_recorded_is_called_and_told_of_once() -> None:
    told = list[str]()
    error = RuntimeError("operation not permitted\nwhen stream is capturing")
    replayed = Replayed(scaled, Kept(error), told.append)
    x = torch.ones(2)
    for size in (2, 2, 2, 1, 1, 1):
        assert torch.equal(replayed(x[:size], 3.0)[0], 3 * x[:size])
    assert len(told) == 1
    assert "operation not permitted when stream is capturing" in told[0]
    assert "layer by layer" in told[0]
    assert replayed.num_recorded == 0


@pytest.mark.parametrize("early", [True, False])
def test_memory_that_runs_out_frees_the_recordings(early: bool) -> None:
    kept, full = Kept(), False

    def function(x: torch.Tensor) -> torch.Tensor:
        if full:
            raise torch.OutOfMemoryError
        return x + 1

    replayed = Replayed(function, kept, unheard)
    for _ in range(2):
        replayed(torch.ones(2))
    assert replayed.num_recorded == 1
    full = True
    with pytest.raises(torch.OutOfMemoryError):
        replayed(torch.ones(3 if early else 2))
    assert replayed.num_recorded == 0
    full = False
    assert torch.equal(replayed(torch.ones(2)), torch.full((2,), 2.0))


def test_networks_answer_otherwise_for_a_while() -> None:
    network = torch.nn.Linear(2, 2)
    x = torch.ones(1, 2)
    usual = network(x)
    with answering(network, lambda each: each * 7):
        assert torch.equal(network(x), 7 * x)
        with answering(network, lambda each: each * 2):
            assert torch.equal(network(x), 2 * x)
        assert torch.equal(network(x), 7 * x)
    with suppress(ZeroDivisionError), answering(network, lambda each: each * 1 / 0):
        network(x)
    assert torch.equal(network(x), usual)
    assert "forward" not in network.__dict__


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_graphs_answer_what_the_function_does() -> None:
    replayed = Replayed(scaled, CudaRecorder(), unheard)
    for number in range(4):
        x = torch.randn(64, 64, device="cuda")
        found, _ = replayed(x, float(number))
        assert torch.equal(found, number * x)
    assert replayed.num_recorded == 1


def guided_run() -> SamplingRun:
    """The bundled network, guided inside an interval, so that both are called."""
    guidance = Guidance(weight=2.0, interval=(0.2, 5.0))
    return SamplingRun(
        plan("karras"), SamplingOptions("bundled", guidance=guidance), CPU
    )


def plan(kind: str, sampler: str = "dpmpp-2m") -> Plan:
    data_set = read_model_header(BUNDLED).data_set
    return make_plan(data_set, kind, TableRequest(sampler=sampler, num_steps=3))


def test_recorded_networks_paint_the_same_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One recording per shape serves all tables, solvers, seeds and classes."""
    monkeypatch.setattr(player, "PLAN_BATCH", 2)
    run, kept = guided_run(), Kept()
    network = recordable(run.denoise)
    assert network is not None
    replay, samples = NetworkReplay(network, kept, unheard), run.samples(range(5))
    for played in (plan("karras"), plan("exponential"), plan("karras", "heun")):
        run.plan, run.replay = played, None
        expected = np.stack(list(run(samples)))
        run.replay = replay
        found = np.stack(list(run(samples)))
        np.testing.assert_array_equal(found, expected)
    # Batches of two images and of the one that is left.
    assert kept.recorded == 2
    assert "forward" not in network.__dict__


def test_recorded_networks_of_diffusers_paint_the_same_pictures() -> None:
    pytest.importorskip("diffusers")
    from diffusers import UNet2DModel

    unet = UNet2DModel(
        sample_size=8,
        block_out_channels=(32, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        num_class_embeds=3,
    ).eval()
    denoise = UNetDenoiser(unet, flow(1000), (3, 8, 8)).of_class(1)
    kept = Kept()
    replay = NetworkReplay(unet, kept, unheard)
    assert recordable(denoise) is unet
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for sigma in (0.5, 1.0, 2.0, 4.0):
            expected = denoise(x, sigma)
            with replay.playing():
                assert torch.equal(denoise(x, sigma), expected)
    assert (kept.recorded, kept.played) == (1, 3)


def test_other_models_are_not_recorded() -> None:
    assert recordable(lambda x, _sigma: x) is None
    assert recordable(torch.nn.Identity()) is None
    assert guided_run().replay is None  # on the host
