"""How exactly networks compute: what is switched, for how long, and what it changes."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from spectral_sched.diffusion import precision
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.precision import FLOAT32, PRECISIONS, precision_of
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.errors import UsageError
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def set_now() -> list[object]:
    return [switch.get() for switch in precision._switches()]


@pytest.mark.parametrize("name", PRECISIONS)
def test_switches_are_set_and_put_back(name: str) -> None:
    before, wanted = set_now(), PRECISIONS[name]
    convolutions, products = precision._switches()
    for value in (convolutions.on, convolutions.off):
        convolutions.set(value)
        seen = list[object]()
        with suppress(ZeroDivisionError), wanted.applied(CPU):
            seen = [*set_now(), torch.is_autocast_enabled("cpu"), 1 / 0]
        with wanted.applied(CPU):
            seen = [*set_now(), torch.is_autocast_enabled("cpu")]
        inside = convolutions.on if wanted.tf32 else convolutions.off
        assert seen == [inside, products.off, wanted.half]
        assert convolutions.get() == value
    convolutions.set(str(before[0]))
    assert set_now() == before
    assert not torch.is_autocast_enabled("cpu")


def test_torch_of_before_has_other_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    old = [SimpleNamespace(allow_tf32=True), SimpleNamespace(allow_tf32=True)]
    monkeypatch.setattr(torch.backends, "cudnn", old[0])
    monkeypatch.setattr(torch.backends.cuda, "matmul", old[1])
    with PRECISIONS["tf32"].convolutions():
        assert [each.allow_tf32 for each in old] == [True, False]
    with FLOAT32.convolutions():
        assert [each.allow_tf32 for each in old] == [False, False]
    assert [each.allow_tf32 for each in old] == [True, True]


def test_auto_is_exact_on_the_host_and_fast_on_cuda() -> None:
    assert precision_of("auto", CPU) is FLOAT32
    assert precision_of("auto", torch.device("mps")) is FLOAT32
    assert precision_of("auto", CUDA) is PRECISIONS["tf32"]
    assert precision_of("float32", CUDA) is FLOAT32
    with pytest.raises(UsageError, match="there is no precision 'half'"):
        precision_of("half", CPU)


def pictures(name: str, model: object = None) -> np.ndarray:
    data_set = read_model_header(BUNDLED).data_set
    plan = make_plan(data_set, "karras", TableRequest(num_steps=3))
    network = read_model(BUNDLED)[0] if model is None else model
    run = SamplingRun(plan, SamplingOptions(network, name), CPU)  # type: ignore[arg-type]
    assert run.precision.name == name
    return np.stack(list(run(run.samples([0, 1]))))


def test_bf16_computes_in_bfloat16_and_stays_near() -> None:
    """Eight bits of fraction give a few grey levels, where float32 gives none."""
    exact, half = pictures("float32"), pictures("bf16")
    apart = np.abs(half - exact).max()
    assert 1e-4 < apart < 0.2
    np.testing.assert_array_equal(pictures("tf32"), exact)  # a CPU has none


def test_weights_are_cast_at_each_call() -> None:
    """A recording of kept casts would read memory that is free by then."""
    layer, x = torch.nn.Linear(3, 3, bias=False), torch.ones(1, 3)
    with PRECISIONS["bf16"].applied(CPU):
        before = layer(x)
        with torch.no_grad():
            layer.weight.mul_(2)
        assert torch.equal(layer(x), 2 * before)


def test_bf16_is_for_networks() -> None:
    with pytest.raises(UsageError, match="bf16 is for networks"):
        pictures("bf16", lambda x, _sigma: x)
