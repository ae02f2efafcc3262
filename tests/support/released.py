"""Released packages without the parts of them that sampling does not use.

k-diffusion and smalldiffusion ask for much that a sampling loop never touches:
evaluation, training, other solvers. Where that is not installed, names stand for it
that do nothing, and the code that is held to the test is the released one all the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from unittest.mock import MagicMock, patch

import pytest

UNUSED = (
    *("accelerate", "cleanfid", "cleanfid.inception_torchscript", "clip", "dctorch"),
    *("einops", "jsonmerge", "kornia", "skimage", "torchdiffeq", "torchsde"),
    *("torchvision", "torchvision.transforms", "torchvision.transforms.functional"),
)


class Idle(ModuleType):
    """A module whose every name is there and does nothing."""

    def __getattr__(self, name: str) -> MagicMock:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


def released(name: str) -> ModuleType:
    """Return an installed package, or skip the test."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    missing = {
        each: Idle(each)
        for each in UNUSED
        if importlib.util.find_spec(each.split(".")[0]) is None
    }
    sys.modules |= missing
    try:
        with patch.dict(os.environ, {"K_DIFFUSION_USE_COMPILE": "0"}):
            return importlib.import_module(name)
    finally:
        for each in missing:
            del sys.modules[each]
