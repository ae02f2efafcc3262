"""Random numbers by key and position: against numpy's bits, and the normal law."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spectral_sched.diffusion import philox
from spectral_sched.diffusion.models.guidance import Guidance
from spectral_sched.diffusion.philox import HOST, Draw, Purpose
from spectral_sched.diffusion.sampling import player
from spectral_sched.diffusion.sampling.noise import SeededNoise
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest

SEEDS = st.integers(0, 2**63 - 1)


def draw_of(seeds: list[int], rows: list[int], step: int = 0) -> Draw:
    purpose = Purpose.TRAINING_NOISE
    return Draw(purpose, step, np.array(seeds), np.array(rows))


@given(st.lists(st.tuples(SEEDS, SEEDS), min_size=1, max_size=4), SEEDS)
def test_words_are_those_of_numpy(places: list[tuple[int, int]], step: int) -> None:
    """Both those that numpy makes for the host and those that a device makes."""
    seeds, rows = map(list, zip(*places, strict=True))
    expected = [
        np.random.Philox(counter=[0, step, row, 0], key=[seed, 1]).random_raw(13)
        for seed, row in places
    ]
    words = torch.from_numpy(np.stack(expected).view(np.int64))
    draw = draw_of(seeds, rows, step)
    assert torch.equal(philox.host_words(draw, 13), words)
    assert torch.equal(philox.device_words(draw, 13, HOST), words)


def test_words_are_those_that_were_published() -> None:
    """The known answer of Random123 for counters and keys that are all ones.

    A block is counted before it is made, so the counter one lower gives it.
    """
    ones = torch.full((2, 1, 1), -1)
    words = philox._rounds(ones, ones, ones)
    found = [int(word) & 0xFFFFFFFFFFFFFFFF for word in words]
    assert found == [
        0x87B092C3013FE90B,
        0x438C3C67BE8D0224,
        0x9CC7D7C69CD777B6,
        0xA09CAEBF594F0BA0,
    ]


def test_normal_numbers_are_box_mullers() -> None:
    """Against numpy's logarithm, sine and cosine, in float64."""
    words = philox.host_words(draw_of([3], [0]), 50_000)
    extremes = torch.tensor([[0, -1, 1 << 32, (1 << 32) - 1, 1 << 63 - 1]])
    words = torch.cat([words, extremes], dim=1)
    bits = words.numpy().view(np.uint64)
    uniform = ((bits & np.uint64(0xFFFFFFFF)).astype(np.float64) + 0.5) / 2**32
    upper = (bits >> np.uint64(32)).astype(np.int64)
    angle = ((upper & (2**30 - 1)) + 0.5) / 2**30 * (math.pi / 2)
    length = np.sqrt(-2 * np.log(uniform))
    signs = [2 * (upper >> bit & 1) - 1 for bit in (30, 31)]
    expected = [length * np.cos(angle) * signs[0], length * np.sin(angle) * signs[1]]
    found = philox.normals_of(words).reshape(*words.shape, 2).numpy()
    # Half a unit of float32 in the last place, and what the series leave out.
    np.testing.assert_allclose(found, np.stack(expected, -1), rtol=6e-8, atol=1e-9)
    assert np.abs(found).max() == pytest.approx(math.sqrt(66 * math.log(2)), rel=1e-6)


def test_normal_numbers_have_the_normal_law() -> None:
    found = draw_of([1, 2], [0, 5]).normals((3, 100, 333)).double().numpy()
    assert stats.kstest(found.ravel(), "norm").pvalue > 0.01
    pairs = found.reshape(-1, 2)
    for one, other in ((pairs[:, 0], pairs[:, 1]), (*found.reshape(2, -1),)):
        for power in (1, 2):
            assert abs(np.corrcoef(one**power, other**power)[0, 1]) < 0.01
    moments = [(found**power).mean() for power in (1, 2, 3, 4)]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.06)


@given(
    st.lists(SEEDS, min_size=1, max_size=5),
    st.tuples(*[st.integers(1, 5)] * 3),
    st.integers(0, 4),
)
def test_noise_is_bit_identical_alone_together_and_as_a_device_makes_it(
    seeds: list[int], shape: tuple[int, int, int], place: int
) -> None:
    place %= len(seeds)
    together = SeededNoise(seeds, shape, HOST, torch.float32)
    alone = SeededNoise([seeds[place]], shape, HOST, torch.float32)
    count = math.prod(shape)
    for step in range(3):
        expected = alone()[0]
        assert torch.equal(together()[place], expected)
        draw = Draw.of_seeds(Purpose.SAMPLING, step, seeds)
        made = philox.normals_of(philox.device_words(draw, (count + 1) // 2, HOST))
        assert torch.equal(made[place, :count].reshape(shape), expected)


def test_chunks_of_the_host_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = draw_of([4, 5], [1, 2], 3)
    whole = draw.normals((3, 7, 5))
    monkeypatch.setattr(philox, "HOST_WORDS", 17)
    assert torch.equal(draw.normals((3, 7, 5)), whole)


def test_purposes_steps_rows_and_seeds_all_differ() -> None:
    draws = [
        Draw(purpose, step, np.array([seed]), np.array([row])).normals((64,))
        for purpose in (Purpose.SAMPLING, Purpose.LEVELS)
        for step in (0, 1)
        for seed in (0, 1)
        for row in (0, 1)
    ]
    found = np.corrcoef(torch.cat(draws).numpy())
    assert np.abs(found - np.eye(len(draws))).max() < 0.6


def test_uniform_numbers_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    found = draw_of([9], [0]).uniforms(20_000).numpy()
    assert stats.kstest(found.ravel(), "uniform").pvalue > 0.01
    ends = torch.tensor([[0, -1]])
    monkeypatch.setattr(philox, "host_words", lambda *_: ends)
    low, high = draw_of([9], [0]).uniforms(2)[0].tolist()
    assert (low, high) == (2.0**-53, 1 - 2.0**-53)


def test_pictures_are_the_same_in_batches_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In float32, of the bundled network with guidance, to 1e-4."""
    data_set = read_model_header(BUNDLED).data_set
    plan = make_plan(data_set, "karras", TableRequest(num_steps=3))
    options = SamplingOptions("bundled", guidance=Guidance(weight=2.0))
    run, found = SamplingRun(plan, options, HOST), list[np.ndarray]()
    for batch in (1, 2, 5):
        monkeypatch.setattr(player, "PLAN_BATCH", batch)
        found.append(np.stack(list(run(run.samples(range(5))))))
    assert found[0].std() > 0.1
    for each in found[1:]:
        np.testing.assert_allclose(each, found[0], rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_draws_the_numbers_of_the_host() -> None:
    device = torch.device("cuda")
    draw = draw_of([0, 1, 2**62], [0, 7, 9], 11)
    shape = (3, 64, 64)
    assert torch.equal(draw.normals(shape, device).cpu(), draw.normals(shape))
    assert torch.equal(draw.uniforms(33, device).cpu(), draw.uniforms(33))
