"""Models by name: the exact denoiser of a folder, with some of it damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.errors import InputError
from tests.diffusion.sampling.test_sampler import CPU
from tests.diffusion.test_batches import PLAN, SHAPE
from tests.support.helpers import write_pictures


def values(model: FiniteSetDenoiser) -> set[tuple[float, ...]]:
    return {tuple(picture.flatten().tolist()) for picture in model.pictures}


def test_a_damaged_picture_is_left_out_and_said_once(tmp_path: Path) -> None:
    first, *others = write_pictures(tmp_path, 4, SHAPE[1:])
    model = f"images:{tmp_path}"
    whole = load_denoiser(model, PLAN, CPU, torch.float64)
    first.write_bytes(first.read_bytes()[:60])
    (tmp_path / "notes.txt").write_text("no picture")
    run = SamplingRun(PLAN, SamplingOptions(model, "float64"), CPU)
    message, other = run.messages
    assert other == "left out 1 other file (1 .txt; the first: notes.txt)"
    assert message.startswith(f"left out 1 of 4 images (the first: {first.name}")
    assert isinstance(whole, FiniteSetDenoiser)
    assert isinstance(run.denoise, FiniteSetDenoiser)
    # Folders are read in no order of their own.
    assert len(values(run.denoise)) == 3
    assert values(run.denoise) < values(whole)
    for path in others:
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="no image could be read"):
        load_denoiser(model, PLAN, CPU, torch.float64)
