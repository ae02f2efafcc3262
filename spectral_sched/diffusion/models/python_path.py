"""Denoisers that a user's own module makes: ``--model module:function``.

The module is imported, which runs it. It is looked for in the current folder first, as
``python -m`` does, then wherever Python finds modules.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spectral_sched.diffusion.batches import is_out_of_memory
from spectral_sched.errors import InputError, SpecschedError

from .denoiser import tell_ends
from .exact import FiniteSetDenoiser, WienerDenoiser
from .network import NetworkDenoiser

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from .denoiser import Denoiser, Level

PYTHON_PATH = re.compile(r"(?P<module>[^\W\d][\w.]*):(?P<attribute>[^\W\d][\w.]*)")
"""How a path to an object of a module is written: ``package.module:function``."""

HOLDERS = ("denoise", "network", "unet", "conditional")
"""Attributes by which denoisers hold what they call."""

OURS = (NetworkDenoiser, FiniteSetDenoiser, WienerDenoiser)
"""Denoisers that need no guard, and that more is known of than facts say."""


def is_python_path(name: str) -> bool:
    """Return whether the name of a model may stand for an object of a module.

    Examples
    --------
    >>> is_python_path("my.networks:faces"), is_python_path("./faces.pt")
    (True, False)
    """
    return PYTHON_PATH.fullmatch(name) is not None


def module_file(name: str) -> Path | None:
    """Return the file of the module that a path names, if it has one."""
    module = _module(name.partition(":")[0], name)
    return Path(module.__file__) if getattr(module, "__file__", None) else None


def load_python(name: str, device: torch.device, dtype: torch.dtype) -> Denoiser:
    """Return the denoiser that a path to an object of a module names.

    The object is ``denoise(x, sigma)`` itself, or what makes it: a class, or a function
    that can be called with no argument, or with `device` and `dtype` by name. Networks
    that are found on it are moved to the device and put in the mode of evaluation.

    Raises
    ------
    InputError
        If there is no such module or object, it fails, or makes nothing that can be
        called.
    """
    path, _, attribute = name.partition(":")
    module = _module(path, name)
    try:
        found = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        message = f"there is no {attribute} in the module {path}; name a function of it"
        raise InputError(message) from error
    made = _made(found, name, {"device": device, "dtype": dtype})
    if not callable(made):
        message = (
            f"{name} makes a {type(made).__name__}, and a denoiser is called "
            "denoise(x, sigma); let it return such a function"
        )
        raise InputError(message)
    for network in networks_of(made):
        network.to(device, dtype).eval().requires_grad_(requires_grad=False)
    return made if isinstance(made, OURS) else ImportedDenoiser(made, name)


def networks_of(denoise: object, depth: int = 4) -> list[nn.Module]:
    """Return the networks that a denoiser is or holds as attributes.

    Parameters
    ----------
    depth
        How many denoisers about a network are looked through.
    """
    if isinstance(denoise, nn.Module):
        return [denoise]
    held = getattr(denoise, "__dict__", {}) if depth else {}
    parts = [held[name] for name in HOLDERS if name in held]
    parts += [part for part in held.values() if isinstance(part, nn.Module)]
    found = [each for part in parts for each in networks_of(part, depth - 1)]
    return list(dict.fromkeys(found))


def _module(path: str, name: str) -> Any:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise _failed(name, error) from error
        message = (
            f"there is no module {path} for the model {name}; run specsched in its "
            "folder, or install it"
        )
        raise InputError(message) from error
    except Exception as error:
        raise _failed(name, error) from error


def _made(found: Any, name: str, offered: dict[str, Any]) -> Any:
    """Return the denoiser that an object is or makes."""
    if isinstance(found, nn.Module) or not _is_factory(found):
        return found
    known = inspect.signature(found).parameters
    try:
        return found(**{key: value for key, value in offered.items() if key in known})
    except Exception as error:
        if isinstance(error, SpecschedError):
            raise
        raise _failed(name, error) from error


def _is_factory(found: Any) -> bool:
    """Return whether an object can be called with nothing but a device and a type."""
    if not callable(found):
        return False
    try:
        parameters = inspect.signature(found).parameters.values()
    except ValueError:
        return False
    needed = {
        each.name
        for each in parameters
        if each.default is each.empty
        and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
    return needed <= {"device", "dtype"}


def _failed(name: str, error: BaseException) -> InputError:
    """Return what is told of an error in a user's code: its last place there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parents[2])
    theirs = [frame for frame in frames if not frame.filename.startswith((ours, "<"))]
    place = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
    told = " ".join(str(error).split())
    what = f"{type(error).__name__}: {told:.200}" if told else type(error).__name__
    return InputError(f"the model {name} failed with {what}{place}; fix it there")


class GuardedDenoiser:
    """A user's denoiser whose answers are looked at: others would be broadcast unseen.

    It says of itself what the denoiser says.

    Parameters
    ----------
    denoise
        The denoiser.
    name
        Its name, for messages.
    """

    def __init__(self, denoise: Callable[..., Tensor], name: str) -> None:
        self.denoise, self.name = denoise, name
        if hasattr(denoise, "of_class"):
            self.of_class = self._of_class
        if hasattr(denoise, "between"):
            self.between = self._between

    def __getattr__(self, name: str) -> Any:
        """Return what the denoiser says of itself."""
        if name == "denoise":
            raise AttributeError(name)
        return getattr(self.denoise, name)

    def _of_class(self, label: int | Tensor) -> GuardedDenoiser:
        of_class: Callable[[int | Tensor], Denoiser] = self.denoise.of_class  # type: ignore[attr-defined]
        return type(self)(of_class(label), self.name)

    def _between(self, sigma_min: Level, sigma_max: Level) -> GuardedDenoiser:
        told = tell_ends(self.denoise, (sigma_min, sigma_max))
        return type(self)(told, self.name)

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma.

        Raises
        ------
        InputError
            If the denoiser returns anything but images of the shape of x.
        """
        found = self._answer(x, sigma)
        if isinstance(found, torch.Tensor) and found.shape == x.shape:
            return found.to(x)
        shape = getattr(found, "shape", None)
        what = type(found).__name__ if shape is None else tuple(shape)
        message = (
            f"the model {self.name} returns {what} for images {tuple(x.shape)}; a "
            "denoiser returns images of the same shape"
        )
        raise InputError(message)

    def _answer(self, x: Tensor, sigma: float | Tensor) -> Any:
        return self.denoise(x, sigma)


class ImportedDenoiser(GuardedDenoiser):
    """One of a user's module, which fails in one sentence."""

    def _answer(self, x: Tensor, sigma: float | Tensor) -> Any:
        try:
            return self.denoise(x, sigma)
        except SpecschedError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise _failed(self.name, error) from error
