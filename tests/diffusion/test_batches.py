"""Batches that do not fit are played again, smaller, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from spectral_sched.diffusion import batches
from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.precision import FLOAT64
from spectral_sched.diffusion.sampling.player import Player, to_levels
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.errors import NoAnswerError
from spectral_sched.images.png import to_bytes
from tests.diffusion.sampling.test_sampler import CPU
from tests.diffusion.sampling.test_trajectory import plan_of

PLAN = plan_of("dpmpp-2m", 60.0, 8.0, 1.0, 0.2)
SHAPE = PLAN.power.field.shape
NUM_STEPS = 4
CUDA = torch.device("cuda")


class Narrow:
    """A denoiser with memory for so many images, that fails late in its table."""

    def __init__(self, room: int, below: float = np.inf) -> None:
        self.exact = WienerDenoiser(PLAN.power.field, CPU, torch.float64)
        self.room, self.below, self.sizes = room, below, list[int]()
        self.error: Exception = torch.OutOfMemoryError("CUDA out of memory.")

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        if len(x) > self.room and float(sigma) < self.below:
            raise self.error
        return self.exact(x, sigma)


def pictures(denoise: Narrow, seeds: Sequence[int], told: list[int]) -> np.ndarray:
    player = Player(denoise, SHAPE, seeds, precision=FLOAT64)
    return np.stack(list(player.play_plan(PLAN, advance=told.append)))


@pytest.mark.parametrize("below", [np.inf, 2.0])
def test_a_batch_that_does_not_fit_is_played_in_parts(below: float) -> None:
    """Of 21 seeds, 16 and then 8 do not fit into room for 5, wherever they fail."""
    narrow, counted, told = Narrow(5, below), list[int](), list[int]()
    found = pictures(narrow, range(21), counted)
    np.testing.assert_allclose(found, pictures(Narrow(99), range(21), told), atol=1e-12)
    assert list(dict.fromkeys(narrow.sizes)) == [16, 8, 4, 1]
    # The bar sees every step of every image once, though some were taken twice.
    assert sum(counted) == sum(told) == 21 * NUM_STEPS
    assert min(counted) > 0


def test_noise_of_a_seed_is_the_same_to_the_bit_in_any_batch() -> None:
    drawn: dict[int, list[np.ndarray]] = {}

    def play(seeds: Sequence[int], _: object) -> torch.Tensor:
        noise = batches_noise(seeds)
        for seed, each in zip(seeds, noise, strict=True):
            drawn.setdefault(seed, []).append(each.numpy())
        if len(seeds) > 2:
            raise torch.OutOfMemoryError
        return noise

    found = torch.cat(list(batches.in_batches(play, range(7), 6, CPU)))
    assert torch.equal(found, batches_noise(range(7)))
    assert len(drawn[0]) == 3
    assert all(
        (first == each).all() for first, *more in drawn.values() for each in more
    )


def batches_noise(seeds: Sequence[int]) -> torch.Tensor:
    from spectral_sched.diffusion.sampling.noise import SeededNoise

    return SeededNoise(seeds, SHAPE, CPU, torch.float32)()


def test_bytes_are_those_of_the_pictures_to_the_last_bit() -> None:
    edges = (np.arange(-2, 514) / 2 / 127.5 - 1).astype(np.float32)
    near = np.concatenate([np.nextafter(edges, way) for way in (-9, 9)])
    values = np.concatenate([edges, near, [-7.0, 7.0, 1.0, -1.0]]).astype(np.float32)
    pictures = np.resize(values, (4, 3, 16, 16))
    expected = np.stack([to_bytes(picture) for picture in pictures])
    found = to_levels(torch.from_numpy(pictures))
    np.testing.assert_array_equal(found.numpy(), expected)
    assert len(np.unique(expected)) == 256


def test_a_run_gives_the_bytes_of_its_pictures() -> None:
    run = SamplingRun(PLAN, SamplingOptions(Narrow(9), "float64"), CPU)
    told, samples = list[int](), run.samples(range(20))
    levels = list(run.levels(samples, told.append))
    expected = [to_bytes(picture) for picture in run(samples)]
    np.testing.assert_array_equal(levels, expected)
    assert sum(told) == 20 * NUM_STEPS


def test_pictures_leave_while_the_next_are_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch is waited for after the next is under way, and the last at the end."""
    happened = list[str]()

    class Leaving:
        def __init__(self, pictures: torch.Tensor) -> None:
            self.pictures = pictures

        def arrived(self) -> torch.Tensor:
            happened.append(f"waited for {int(self.pictures[0])}")
            return self.pictures

    def play(seeds: Sequence[int], _: object) -> torch.Tensor:
        if len(seeds) > 2:
            raise torch.OutOfMemoryError
        happened.append(f"played {seeds[0]}")
        return torch.tensor(seeds)

    monkeypatch.setattr(batches, "Departure", Leaving)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found = batches.in_batches(play, range(5), 4, CUDA)
    assert torch.equal(torch.cat(list(found)), torch.arange(5))
    assert happened == [
        *("played 0", "played 2", "waited for 0"),
        *("played 4", "waited for 2", "waited for 4"),
    ]


def test_tables_are_played_in_parts_too() -> None:
    wide, narrow = Player(Narrow(99), SHAPE, range(9)), Narrow(4)
    found = Player(narrow, SHAPE, range(9)).play_table(PLAN.table, "heun")
    np.testing.assert_allclose(found, wide.play_table(PLAN.table, "heun"), atol=1e-5)
    assert max(narrow.sizes[1:]) == 4


@pytest.mark.parametrize(
    ("device", "cure"), [(CPU, "sample with --precision"), (CUDA, "--device cpu, or")]
)
def test_a_picture_that_does_not_fit_alone_says_what_to_do(
    device: torch.device, cure: str
) -> None:
    with pytest.raises(NoAnswerError, match="a single image does not fit") as caught:
        batches.halve(1, device)
    assert cure in str(caught.value)
    with pytest.raises(NoAnswerError, match="memory of cpu"):
        pictures(Narrow(0), [3, 4, 5], [])


def test_the_host_runs_out_with_an_error_of_any_kind() -> None:
    narrow = Narrow(2)
    narrow.error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
    assert len(pictures(narrow, range(4), [])) == 4


def test_other_errors_are_passed_on() -> None:
    narrow = Narrow(2)
    narrow.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        pictures(narrow, range(4), [])


def test_first_batches_follow_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a GiB free, as much held by torch: 1 GiB over 24.6 MB an image is 43."""
    half = 1 << 29
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (half, 4 * half))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 2 * half)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: half)
    assert batches.first_batch((3, 32, 32), CUDA, 16) == 32
    assert batches.first_batch((3, 1024, 1024), CUDA, 16) == 1
    assert batches.first_batch((1, 4, 4), CUDA, 16) == batches.LARGEST
    assert batches.first_batch((3, 32, 32), CPU, 16) == 16
