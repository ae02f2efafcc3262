"""Files of every format that has something to draw, made by the commands."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from spectral_sched.files.schedule import read_plan
from tests.support.commands import specsched
from tests.support.helpers import ROOT, write_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.planning.plan import Plan

BUNDLED = ROOT / "spectral_sched" / "diffusion" / "bundled.safetensors"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_pictures(folder / "images", 12)
    specsched("analyze", "images", "--workers", 1, cwd=folder)
    specsched("export", "--steps", 4, cwd=folder)
    specsched("export", "--kind", "karras", "--steps", 5, "-o", "k.json", cwd=folder)
    specsched("export", "--for", "training", cwd=folder)
    shutil.copy(BUNDLED, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="session")
def plan(files: Path) -> Plan:
    return read_plan(files / "tight.json")
