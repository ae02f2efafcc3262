"""What a flow network says of its noise: how strong it is, and where steps end.

A flow network sees ``z = (1 - t) * image + t * noise_scale * noise``, and our
``x = image + sigma * noise`` is ``z / (1 - t)``, so

    sigma = noise_scale * t / (1 - t),    t = sigma / (sigma + noise_scale).

Networks that predict the image are stepped with the velocity ``(z - image) / t``, and
programs divide by ``max(t, t_eps)`` there: a step that begins below `t_eps` does not
arrive, and leaves the share ``1 - t / t_eps`` of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import check_choice

from .parameters import check_values, number, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .parameters import Setting


@dataclass(frozen=True)
class FlowModel:
    """The noise of a flow network.

    Attributes
    ----------
    noise_scale
        Standard deviation of the noise at time 1, for images in [-1, 1].
    t_eps
        Time that its program divides by at least; 0 if there is no such clamp.

    Raises
    ------
    UsageError
        If a value is outside its limits.

    Examples
    --------
    >>> model = FlowModel(noise_scale=2, t_eps=0.05)
    >>> float(model.time(2.0)), float(model.sigma(0.5))
    (0.5, 2.0)
    >>> round(model.lowest_sigma, 4)
    0.1053
    """

    noise_scale: float = number(
        1.0, 1e-3, 1e3, "standard deviation of the noise at flow time 1"
    )
    t_eps: float = number(0.0, 0.0, 0.5, "flow time that steps divide by at least")

    def __post_init__(self) -> None:
        check_values(self)

    def time(self, sigma: Any) -> Any:
        """Return the flow times of noise levels, numbers or arrays."""
        return 1 / (1 + self.noise_scale / sigma)

    def sigma(self, time: Any) -> Any:
        """Return the noise levels of flow times, numbers or arrays."""
        return self.noise_scale * time / (1 - time)

    @property
    def lowest_sigma(self) -> float:
        """Lowest level that a step to the image arrives from."""
        return float(self.sigma(self.t_eps))

    def residue(self, sigmas: Sequence[float]) -> float:
        """Return the noise that Euler's steps through a table leave, as a sigma.

        It is that of a network which answers with the one right image; the last of the
        levels is 0.
        """
        times = [float(self.time(sigma)) if sigma else 0.0 for sigma in sigmas]
        left = times[0]
        for time, following in pairwise(times):
            left *= 1 - (time - following) / max(time, self.t_eps)
        return left * self.noise_scale


def flow_model(name: str | None, settings: Mapping[str, Setting | None]) -> FlowModel:
    """Return a flow model by its name, with what is said beside it.

    Parameters
    ----------
    name
        One of `FLOW_MODELS`; None is one of unit noise without a clamp.
    settings
        Values of `noise_scale` and `t_eps`; None where nothing is said.

    Raises
    ------
    UsageError
        If there is no such model, or a value is outside its limits.

    Examples
    --------
    >>> flow_model("jit-512", {"t_eps": 0.01})
    FlowModel(noise_scale=2.0, t_eps=0.01)
    """
    if name is None:
        known = UNIT_FLOW
    else:
        check_choice(name, FLOW_MODELS, "flow model", "model=")
        known = FLOW_MODELS[name]
    said = {item.name: settings.get(item.name) for item in parameters(FlowModel)}
    numbers = {key: float(value) for key, value in said.items() if value is not None}
    return replace(known, **numbers)


UNIT_FLOW = FlowModel()
"""Noise of unit variance and no clamp: most flow networks."""

FLOW_MODELS: Mapping[str, FlowModel] = {
    "chroma-radiance": UNIT_FLOW,
    "deco": UNIT_FLOW,
    "hidream-o1": FlowModel(8.0, 0.001),
    "hidream-o1-dev": FlowModel(7.5, 0.001),
    "jit-256": FlowModel(1.0, 0.05),
    "jit-512": FlowModel(2.0, 0.05),
    "minit2i": FlowModel(2.0, 0.05),
    "pixeldit": UNIT_FLOW,
    "pixeldit2-256": FlowModel(1.0, 0.05),
    "pixeldit2-512": FlowModel(2.0, 0.05),
    "pixelgen": FlowModel(1.0, 0.05),
    "pixnerd": UNIT_FLOW,
    "pmf-b16": FlowModel(1.0, 0.05),
    "pmf-h16": FlowModel(2.0, 0.05),
    "pmf-h32": FlowModel(4.0, 0.05),
    "prx-pixel": FlowModel(2.0, 0.05),
}
"""Pixel models in common use, as their published code and configurations have them.

PixNerd: MCG-NJU/PixNerd, ``src/diffusion/flow_matching/training_repa.py`` (unit noise,
velocity). DeCo: Zehong-Ma/DeCo, ``training_repa_DeCo.py`` (the same). PixelGen:
Zehong-Ma/PixelGen, ``configs_c2i/PixelGen_XL.yaml`` (`noise_scale`, `t_eps`) and
``sampling.py`` (the clamp). PixelDiT and PixelDiT2: ``c2i/src/diffusion.py`` and
``c2i/configs/pixeldit2_h16_in512.yaml``, in copies of their code by others.
"""
