"""Anybody's network as a denoiser: `wrap` says how it was trained, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import one_hot

from spectral_sched.diffusion.devices import to_device
from spectral_sched.errors import UsageError, check_choice
from spectral_sched.words import number_of

from .pixel_range import OURS, Clamp, PixelRange, pixel_range
from .preconditioning import PreconditionedDenoiser, Preconditioning, preconditioning
from .predictions import THEIRS
from .times import NetworkTime, time_named, whole_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from spectral_sched.images.pixels import Shape

MEANS = ("end", "length")
"""What a network of mean velocities is told beside its time: where the other end of the
span is, or how long the span is."""


@dataclass(frozen=True)
class Convention:
    """How a network was trained.

    Attributes
    ----------
    predicts, input_type, sigma_data, noise_scale
        As of `preconditioning`.
    time
        What it is told of the noise.
    pixels
        Its range of pixels.
    mean
        One of `MEANS`, for networks of mean velocities.
    """

    predicts: str
    time: NetworkTime
    pixels: PixelRange = OURS
    input_type: str | None = None
    sigma_data: float = 0.5
    noise_scale: float = 1.0
    mean: str = MEANS[0]

    @cached_property
    def preconditioning(self) -> Preconditioning:
        """How the network is called in its own pixels."""
        return preconditioning(
            self.predicts,
            self.time,
            input_type=self.input_type,
            sigma_data=self.sigma_data,
            noise_scale=self.noise_scale,
        )

    @property
    def sigma_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma on pixels in [-1, 1]; None if nobody said."""
        ends, scale = self.preconditioning.sigma_range, abs(self.pixels.scale)
        return ends and (ends[0] / scale, ends[1] / scale)


@dataclass(frozen=True)
class Classes:
    """The classes that a network is told.

    Attributes
    ----------
    count
        How many there are, that of no class among them; 0 if it is told none.
    null
        The label that stood for no class during training, if one did.
    names
        Names of the classes, by label.
    argument
        What the network calls its labels.
    one_hot
        Whether it is told rows of zeros and a one, (B, count), in place of labels,
        (B,); no class is then a row of zeros.
    """

    count: int = 0
    null: int | None = None
    names: tuple[str, ...] = ()
    argument: str = "class_labels"
    one_hot: bool = False

    def told(self, labels: Tensor | None, x: Tensor) -> dict[str, Tensor]:
        """Return what the network is told beside images, (B, C, H, W), by name."""
        if not self.count:
            return {}
        if labels is None:
            if self.null is None and self.one_hot:
                return {self.argument: x.new_zeros(len(x), self.count)}
            if self.null is None:
                message = (
                    f"the model has {number_of(self.count, 'class')}; "
                    "choose with --class-label"
                )
                raise UsageError(message)
            labels = torch.tensor(self.null)
        labels = to_device(labels, x.device).expand(len(x))
        if self.one_hot:
            return {self.argument: one_hot(labels, self.count).to(x)}
        return {self.argument: labels}


@dataclass(frozen=True, eq=False)
class WrappedDenoiser:
    """A network of a known convention as the denoiser of images in [-1, 1].

    Attributes
    ----------
    network
        What is called.
    convention, classes
        How it was trained, and what it is told of classes.
    clamp
        What is done to denoised images.
    shape
        (C, H, W) of its images; None for any.
    known_range
        Lowest and highest sigma that it is to be used at, if that was said.
    labels
        The class of all images, or of each, (B,), if one was chosen.
    """

    network: Callable[..., Tensor]
    convention: Convention
    classes: Classes = field(default_factory=Classes)
    clamp: Clamp = field(default_factory=Clamp)
    shape: Shape | None = None
    known_range: tuple[float, float] | None = None
    labels: Tensor | None = None

    @property
    def sigma_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma that it was trained for; None if nobody said."""
        return self.known_range or self.convention.sigma_range

    @property
    def num_classes(self) -> int:
        """How many classes it knows, that of no class among them."""
        return self.classes.count

    @property
    def null_label(self) -> int | None:
        """The label of no class, if there is one."""
        return self.classes.null

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return self.classes.names

    def native(self, num_steps: int, spacing: str = "own") -> list[float]:
        """Return the sigmas of the network's own steps, falling."""
        convention = self.convention
        unit = convention.noise_scale / abs(convention.pixels.scale)
        ratios = convention.time.native(num_steps, spacing)
        levels: list[float] = (unit * ratios).tolist()
        return levels

    def of_class(self, label: int | Tensor) -> WrappedDenoiser:
        """Return the denoiser of a class, or of the class of each image, (B,)."""
        return replace(self, labels=torch.as_tensor(label))

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        pixels = self.convention.pixels
        told = self.classes.told(self.labels, x)
        inner = PreconditionedDenoiser(
            whole_network(partial(self._answer, told), self.convention.time.whole),
            self.convention.preconditioning,
        )
        return self.clamp(
            pixels.outward(inner(pixels.inward(x), sigma * abs(pixels.scale)))
        )

    def _answer(self, told: dict[str, Tensor], x: Tensor, time: Tensor) -> Tensor:
        times = [time]
        if THEIRS.get(self.convention.predicts, self.convention.predicts) == MEAN:
            meet = self.convention.mean == "end"
            times.append(time if meet else torch.zeros_like(time))
        answer: Any = self.network(x, *times, **told)
        return image_part(answer, x)


MEAN = "mean-velocity"


def image_part(answer: Any, x: Tensor) -> Tensor:
    """Return the part of a network's answer that is its prediction, shaped as x.

    Networks of diffusers answer with an object that has it as ``sample``, others with
    a tuple that begins with it; a learned variance may follow in further channels.

    Raises
    ------
    UsageError
        If there is no such part.
    """
    found = (
        answer[0] if isinstance(answer, tuple) else getattr(answer, "sample", answer)
    )
    if isinstance(found, torch.Tensor) and found.ndim == x.ndim:
        found = found[:, : x.shape[1]]
        if found.shape == x.shape:
            return found
    what = tuple(found.shape) if hasattr(found, "shape") else type(found).__name__
    message = (
        f"the network answers {what} to images {tuple(x.shape)}; let it return one "
        "tensor of their shape, alone or first"
    )
    raise UsageError(message)


def wrap(
    network: Callable[..., Any],
    *,
    predicts: str = "epsilon",
    time: str | NetworkTime = "timestep-linear",
    pixels: str | tuple[Any, Any] | PixelRange = OURS,
    input_type: str | None = None,
    sigma_data: float = 0.5,
    noise_scale: float = 1.0,
    mean: str = "end",
    classes: Classes | int = 0,
    clamp: float | None = None,
    threshold: float | None = None,
    shape: Shape | None = None,
    sigma_range: tuple[float, float] | None = None,
) -> WrappedDenoiser:
    """Return a network of any convention as ``denoise(x, sigma)``.

    The network is called ``network(images, times)``, (B, C, H, W) and (B,), with labels
    by name if it has classes. It stays where it is, in the mode that it is in: move it
    to its device and call its ``eval()`` first.

    Parameters
    ----------
    predicts
        ``epsilon``, ``v``, ``x0``, ``score``, ``F`` (EDM's), ``velocity`` or
        ``mean-velocity``; names of diffusers are known, too.
    time
        What it is told of the noise, by name or as
        `spectral_sched.diffusion.models.times` makes it.
    pixels
        Black and white in its pixels, as in ``"0,1"`` or ``(-0.5, 0.5)``, or what
        `standardised` returns.
    input_type
        What it sees, if that is not what its prediction and time usually go with:
        ``ve``, ``vp``, ``flow`` or ``edm``.
    sigma_data
        Of EDM's preconditioning, in its own pixels.
    noise_scale
        Standard deviation of the noise that is mixed in, in its own pixels.
    mean
        Of mean velocities: whether the network is told the ``end`` of the span beside
        its time, or its ``length``. Both ends are the same, so that the velocity is
        that of the moment.
    classes
        Their number, or all about them.
    clamp, threshold
        Clamp images to within this of 0, or threshold them dynamically by this
        quantile; neither if not given.
    shape
        (C, H, W) of its images, if it takes no others.
    sigma_range
        Lowest and highest sigma to use it at, in [-1, 1] pixels, if that is not what
        its times say.

    Raises
    ------
    UsageError
        If a name or a number cannot be used.

    Examples
    --------
    A network that knows nothing but grey images, in which all is noise:

    >>> denoise = wrap(lambda x, sigma: x / sigma.reshape(-1, 1, 1, 1), time="sigma")
    >>> float(denoise(torch.full((1, 1, 1, 1), 4.0), 5.0))
    0.0
    """
    check_choice(mean, MEANS, "second time", "mean=")
    if sigma_range is not None and not 0 < sigma_range[0] < sigma_range[1] < float(
        "inf"
    ):
        message = f"sigma_range= is two rising numbers above 0, not {sigma_range}"
        raise UsageError(message)
    convention = Convention(
        THEIRS.get(predicts, predicts),
        time_named(time),
        pixel_range(pixels),
        input_type,
        sigma_data,
        noise_scale,
        mean,
    )
    _ = convention.preconditioning  # wrong names are refused now
    return WrappedDenoiser(
        network,
        convention,
        Classes(classes) if isinstance(classes, int) else classes,
        Clamp(clamp, threshold),
        shape,
        sigma_range,
    )
