"""Several processes under torchrun do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from spectral_sched.diffusion.torchrun import Processes, processes
from spectral_sched.files.model import read_model_header
from tests.support.commands import sentence, specsched
from tests.support.helpers import ROOT, write_pictures

if TYPE_CHECKING:
    from pathlib import Path

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
ENTRY = """
import atexit, sys
from pathlib import Path
from spectral_sched.cli import main

@atexit.register
def name_threads():
    for told in Path("/proc/self/task").glob("*/comm"):
        print("left at exit:", told.read_text(), file=sys.stderr)

main()
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    write_pictures(folder / "images", 6)
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 4, cwd=folder)
    (folder / "entry.py").write_text(ENTRY)
    return folder


def by_two(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, *LAUNCH, "entry.py", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    # A thread that still holds a tensor while Python ends may abort its process.
    assert "left at exit: pt_gloo" not in ended.stderr
    return ended


def sheet(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(folder / "contact_sheet.png") as picture:
        return np.asarray(picture)


def test_two_processes_sample_the_pictures_of_one(planned: Path) -> None:
    flags = ("sample", "--model", "wiener", "--seeds", "0-4", "--device", "cpu")
    specsched(*flags, "-o", "one", cwd=planned)
    ended = by_two(planned, *flags, "-o", "two", "--json")
    record = json.loads(ended.stdout)
    assert record["pictures"] == [f"{seed:06d}.png" for seed in range(5)]
    difference = sheet(planned / "one").astype(int) - sheet(planned / "two")
    assert np.abs(difference).max() <= 1
    assert sheet(planned / "two").std() > 5


def test_two_processes_train_the_network_of_one(planned: Path) -> None:
    flags = ("train", "images", "--steps", "4", "--batch", "4", "--law", "learned")
    more = ("--precision", "float32", "--device", "cpu", "--restore", "noise=0.3")
    specsched(*flags, *more, "-o", "one.safetensors", cwd=planned)
    by_two(planned, *flags, *more, "-o", "two.safetensors")
    losses = [
        read_model_header(planned / f"{name}.safetensors").training["loss"]
        for name in ("one", "two")
    ]
    one, two = (np.array(curve, dtype=np.float64) for curve in losses)
    np.testing.assert_allclose(one, two, rtol=1e-4)


def test_process_on_its_own_needs_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes("cpu") as group:
        assert (group.rank, group.count, group.first) == (0, 1, True)
        assert list(group.gather(iter("abc"))) == ["a", "b", "c"]
        np.testing.assert_array_equal(group.share(3), [0, 1, 2])


def test_shares_cover_everything_once() -> None:
    import torch

    place = torch.device("cpu")
    shares = [Processes(place, rank, 3).share(8) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(8))


def test_processes_that_nobody_launched_are_told_of(
    planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "here")
    told = sentence("sample", "--model", "wiener", "-o", "none", cwd=planned, code=2)
    assert "RANK, MASTER_PORT is not; start several processes with torchrun" in told
    monkeypatch.setenv("WORLD_SIZE", "")
    specsched(
        *("sample", "--model", "wiener", "--seeds", 0, "-o", "alone"), cwd=planned
    )
