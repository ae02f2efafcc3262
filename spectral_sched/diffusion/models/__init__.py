"""Denoisers: exact ones, the network of the package, and those of others."""

from .denoiser import Denoiser
from .exact import FiniteSetDenoiser, WienerDenoiser
from .guidance import GuidedDenoiser
from .network import NetworkDenoiser
from .pixel_range import standardised
from .preconditioning import PreconditionedDenoiser, discrete
from .times import flow_time, timesteps, ve_time, vp_time
from .wrap import Classes, WrappedDenoiser, wrap

__all__ = [
    "Classes",
    "Denoiser",
    "FiniteSetDenoiser",
    "GuidedDenoiser",
    "NetworkDenoiser",
    "PreconditionedDenoiser",
    "WienerDenoiser",
    "WrappedDenoiser",
    "discrete",
    "flow_time",
    "standardised",
    "timesteps",
    "ve_time",
    "vp_time",
    "wrap",
]
