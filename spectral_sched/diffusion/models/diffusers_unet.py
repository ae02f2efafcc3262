"""Models of the diffusers library as denoisers: a UNet2DModel and its scheduler.

A folder that ``save_pretrained`` wrote is read: ``unet/`` and ``scheduler/`` of a
pipeline, or both configurations and the weights in the folder itself.

Weights are read from safetensors only, nothing in the folder is executed, and nothing
is fetched.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from spectral_sched.diffusion.devices import to_device
from spectral_sched.documents.read import read_foreign
from spectral_sched.errors import InputError, UnavailableError
from spectral_sched.schedules import UNIT_FLOW
from spectral_sched.words import number_of

from .diffusers_scheduler import native_levels, scheduler_of
from .preconditioning import PreconditionedDenoiser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from spectral_sched.documents.read import Fields
    from spectral_sched.images.pixels import Shape
    from spectral_sched.schedules import FlowModel

    from .preconditioning import Preconditioning

REMEDY = "name a folder that a diffusers pipeline was saved to"

VARIANT = re.compile(r"diffusion_pytorch_model\.(\w+)(-\d+-of-\d+)?\.safetensors")
"""Names of weights that ``save_pretrained(variant=...)`` wrote."""

# What diffusers and torch raise for configurations and weights that make no sense.
BROKEN = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
)


class UNetDenoiser(PreconditionedDenoiser):
    """A UNet2DModel as the denoiser of images in [-1, 1].

    Attributes
    ----------
    shape
        (C, H, W) of its images.
    num_classes
        How many classes it knows; 0 if it knows none.
    """

    def __init__(
        self,
        unet: Any,
        preconditioning: Preconditioning,
        shape: Shape,
        label: int | Tensor | None = None,
        scheduler: Any = None,
    ) -> None:
        super().__init__(self._answer, preconditioning)
        self.unet, self.scheduler = unet, scheduler
        self.shape = shape
        self.num_classes = unet.config.num_class_embeds or 0
        self.label = label

    @property
    def recordable(self) -> Any:
        """The network whose calls may be recorded."""
        return self.unet

    def of_class(self, label: int | Tensor) -> UNetDenoiser:
        """Return the denoiser of a class, or of the class of each image, (B,)."""
        told = (self.preconditioning, self.shape, label, self.scheduler)
        return UNetDenoiser(self.unet, *told)

    def native(self, num_steps: int, spacing: str = "own") -> list[float]:
        """Return the sigmas of the steps that its scheduler makes, falling."""
        return native_levels(self.scheduler, num_steps, spacing)

    def _answer(self, x: Tensor, noise: Tensor) -> Tensor:
        labels = None
        if self.label is not None:
            labels = to_device(torch.as_tensor(self.label), x.device).expand(len(x))
        if self.unet.config.time_embedding_type == "learned":
            noise = noise.round().long()
        answer: Tensor = self.unet(x, noise, class_labels=labels, return_dict=False)[0]
        return answer[:, : x.shape[1]]  # a learned variance follows the mean


def load_diffusers(
    folder: Path,
    shape: Shape,
    device: torch.device,
    dtype: torch.dtype,
    noise: FlowModel = UNIT_FLOW,
) -> UNetDenoiser:
    """Return the denoiser of a folder.

    Parameters
    ----------
    shape
        Shape of the images that are wanted, where it can make any.
    noise
        The noise of a flow network.

    Raises
    ------
    InputError
        If the folder is missing, damaged, has no safetensors, or is of a kind not known
        here.
    UnavailableError
        If diffusers is not installed.
    """
    network, scheduler = _places(folder)
    config = read_foreign(network / "config.json", REMEDY)
    _check_network(config, folder)
    shape = _own_shape(config, folder, shape)
    _check_weights(network)
    kind = read_foreign(scheduler, REMEDY).get("_class_name", str)
    diffusers = _diffusers()
    with _read_by(diffusers, folder):
        made, preconditioning = scheduler_of(kind, diffusers, scheduler, noise)
        unet = _unet(diffusers, network)
        unet = unet.to(device, dtype).requires_grad_(requires_grad=False)
    return UNetDenoiser(unet, preconditioning, shape, scheduler=made)


def _places(folder: Path) -> tuple[Path, Path]:
    """Return the folder of the network and the file of the scheduler."""
    for latent in ("vae", "vqvae"):
        if (folder / latent).is_dir():
            message = f"{folder} is a latent model, with a {latent}; name one of pixels"
            raise InputError(message)
    inner = (folder / "unet", folder / "scheduler")
    network, scheduler = inner if inner[0].is_dir() else (folder, folder)
    if not network.is_dir():
        message = f"there is no folder {folder}; {REMEDY}"
        raise InputError(message)
    path = scheduler / "scheduler_config.json"
    if not path.is_file():
        message = (
            f"{path} does not exist, and it says what the network predicts; "
            "save the scheduler there"
        )
        raise InputError(message)
    return network, path


def _check_network(config: Fields, folder: Path) -> None:
    kind = config.get("_class_name", str)
    if kind != "UNet2DModel":
        message = f"{folder} holds a {kind}, and a UNet2DModel can be sampled"
        raise InputError(message)
    if config.get("class_embed_type", (str, type(None))) is not None:
        message = (
            f"{folder} is conditioned on more than classes, which is not supported"
        )
        raise InputError(message)
    channels, answered = config.get("in_channels", int), config.get("out_channels", int)
    if answered not in {channels, 2 * channels}:
        message = (
            f"{folder} turns {number_of(channels, 'channel')} into {answered}, which "
            "is no denoiser of images"
        )
        raise InputError(message)


def _own_shape(config: Fields, folder: Path, wanted: Shape) -> Shape:
    """Return the shape of its images: that which is wanted, where it makes any."""
    size = config.get("sample_size", (int, list, type(None)))
    sides = size if isinstance(size, list) else (size, size)
    shape = (
        config.get("in_channels", int),
        *(wanted[1:] if size is None else sides),
    )
    if len(shape) != 3 or not all(isinstance(side, int) and side > 0 for side in shape):
        message = f"{folder} makes images of the shape {shape}, which is none"
        raise InputError(message)
    factor = 2 ** (len(config.get("block_out_channels", list)) - 1)
    if shape[1] % factor or shape[2] % factor:
        message = f"{folder} needs sides that {factor} divides, and {shape} has others"
        raise InputError(message)
    return shape


def _check_weights(network: Path) -> None:
    if not any(network.glob("*.safetensors")):
        message = (
            f"{network} has no weights in safetensors, and other files are not read "
            "because they may run code; save it with safe_serialization=True"
        )
        raise InputError(message)


def _diffusers() -> Any:
    try:
        import diffusers

        # The library loads its parts when they are first named.
        _ = diffusers.UNet2DModel
    except (ImportError, RuntimeError) as error:
        message = (
            f"this model needs a working diffusers ({_brief(error)}): "
            "pip install 'spectral-sched[diffusers]'"
        )
        raise UnavailableError(message) from error
    return diffusers


@contextmanager
def _read_by(diffusers: Any, folder: Path) -> Iterator[None]:
    """Turn what goes wrong in diffusers into one sentence, and keep it quiet."""
    logging = diffusers.utils.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except BROKEN as error:
        reason = _brief(error)
        message = f"cannot read {folder} as a diffusers model ({reason}); {REMEDY}"
        raise InputError(message) from error
    finally:
        logging.set_verbosity(verbosity)


def _brief(error: BaseException) -> str:
    return f"{' '.join(str(error).split()) or type(error).__name__:.200}"


def _unet(diffusers: Any, network: Path) -> Any:
    _check_size(diffusers, network)
    unet, found = diffusers.UNet2DModel.from_pretrained(
        network,
        use_safetensors=True,
        local_files_only=True,
        low_cpu_mem_usage=False,
        output_loading_info=True,
        variant=_variant(network),
    )
    for wrong in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if found[wrong]:
            message = f"its weights have {wrong.replace('_', ' ')}, {found[wrong][0]}"
            raise ValueError(message)
    if not all(bool(weights.isfinite().all()) for weights in unet.parameters()):
        message = "its weights are not finite"
        raise ValueError(message)
    return unet


def _variant(network: Path) -> str | None:
    """Return the word in the names of all weights, as in those of half precision."""
    found = [VARIANT.fullmatch(path.name) for path in network.glob("*.safetensors")]
    words = sorted(name[1] for name in found if name)
    return words[0] if len(words) == len(found) else None


def _check_size(diffusers: Any, network: Path) -> None:
    """Raise `ValueError` if the network would take far more memory than its files."""
    network_class = diffusers.UNet2DModel
    with torch.device("meta"):
        unet = network_class.from_config(network_class.load_config(network))
    needed = sum(weights.numel() for weights in unet.parameters())
    if needed > sum(path.stat().st_size for path in network.glob("*.safetensors")):
        message = f"it asks for {number_of(needed, 'weight')} and has fewer"
        raise ValueError(message)
