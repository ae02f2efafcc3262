"""Networks in ONNX files, run by onnxruntime (extra ``[onnx]``).

An ONNX file is a graph of known operations: nothing else in it is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spectral_sched.errors import InputError, UnavailableError, UsageError
from spectral_sched.words import number_of

from .wrap import WrappedDenoiser, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

SUFFIX = ".onnx"

NUMBERS = ("sigma_data", "noise_scale", "clamp", "threshold")
WORDS = ("predicts", "time", "pixels", "input_type", "mean")
TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
"""Types of inputs by the names that onnxruntime has for them."""


class OnnxNetwork:
    """A network in an ONNX file, called ``network(images, times)``.

    Its first input is the images, (B, C, H, W), its second what it is told of the
    noise, (B,) or one number; its first output is its answer. Whole numbers are told
    to inputs of integers.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    shape
        (C, H, W) of its images; None where the file leaves a side open.
    settings
        What the file says of its convention, by the names of `wrap`.

    Raises
    ------
    UnavailableError
        If onnxruntime is not installed.
    InputError
        If the file cannot be read, or does not take two inputs.
    """

    def __init__(self, path: Path) -> None:
        self.session = _session(path)
        self.inputs = self.session.get_inputs()
        if len(self.inputs) != 2:
            names = ", ".join(each.name for each in self.inputs)
            message = (
                f"{path} takes {number_of(len(self.inputs), 'input')} ({names}), and a "
                "denoiser takes images and their noise; export the network with these "
                "two"
            )
            raise InputError(message)
        self.settings: Mapping[str, str] = (
            self.session.get_modelmeta().custom_metadata_map
        )
        sides = self.inputs[0].shape[1:]
        known = len(sides) == 3 and all(isinstance(side, int) for side in sides)
        self.shape = tuple(sides) if known else None

    def __call__(self, x: Tensor, times: Tensor) -> Tensor:
        """Return the network's answer, where x is and of its type."""
        images, told = (TYPES[each.type] for each in self.inputs)
        kind = np.dtype(told)
        numbers = times.detach().cpu().double().numpy()
        if kind.kind == "i":
            numbers = numbers.round()
        given = [x.detach().cpu().numpy().astype(images), numbers.astype(kind)]
        if len(self.inputs[1].shape) == 0:
            return self._one_by_one(x, *given)
        return self._run(x, *given)

    def _run(
        self, x: Tensor, images: np.ndarray[Any, Any], told: np.ndarray[Any, Any]
    ) -> Tensor:
        names = [each.name for each in self.inputs]
        answer = self.session.run(None, dict(zip(names, (images, told), strict=True)))
        return torch.from_numpy(np.asarray(answer[0])).to(x)

    def _one_by_one(
        self, x: Tensor, images: np.ndarray[Any, Any], told: np.ndarray[Any, Any]
    ) -> Tensor:
        """Return answers of a network that takes one number for all of a batch."""
        if (told == told[0]).all():
            return self._run(x, images, np.asarray(told[0]))
        rows = range(len(images))
        parts = [
            self._run(x[k : k + 1], images[k : k + 1], np.asarray(told[k]))
            for k in rows
        ]
        return torch.cat(parts)


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        message = (
            "models in ONNX files need onnxruntime: pip install 'spectral-sched[onnx]'"
        )
        raise UnavailableError(message) from error
    if not path.is_file():
        message = f"there is no file {path}; name one that holds a network"
        raise InputError(message)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(str(path), options)
    except Exception as error:
        told = " ".join(str(error).split())
        message = f"cannot read {path} as an ONNX file ({told:.160}); export it again"
        raise InputError(message) from error


def load_onnx(path: Path) -> WrappedDenoiser:
    """Return the network of an ONNX file as a denoiser.

    Its metadata say how it was trained, in the words of `wrap`: ``predicts``, ``time``,
    ``pixels``, ``sigma_range`` as in 0.002,80, and so on. A file without any is a
    denoiser itself: it is told sigma and answers with images in [-1, 1].

    Raises
    ------
    UnavailableError
        If onnxruntime is not installed.
    InputError
        If the file cannot be read, or says what cannot be.
    """
    network = OnnxNetwork(path)
    try:
        said = _said(network.settings)
        return wrap(network, **said, shape=network.shape)
    except (UsageError, ValueError) as error:
        message = f"{path} says in its metadata what cannot be: {error}"
        raise InputError(message) from error


def _said(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of `wrap` that metadata give."""
    words = {name: settings[name] for name in WORDS if name in settings}
    numbers = {name: float(settings[name]) for name in NUMBERS if name in settings}
    said: dict[str, Any] = {"predicts": "x0", "time": "sigma", **words, **numbers}
    if "sigma_range" in settings:
        low, high = settings["sigma_range"].split(",")
        said["sigma_range"] = float(low), float(high)
    return said
