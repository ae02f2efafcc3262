"""Denoisers: exact ones, the network of the package, and those of others."""

from .denoiser import Denoiser
from .exact import FiniteSetDenoiser, WienerDenoiser
from .guidance import GuidedDenoiser
from .network import NetworkDenoiser
from .preconditioning import PreconditionedDenoiser, discrete

__all__ = [
    "Denoiser",
    "FiniteSetDenoiser",
    "GuidedDenoiser",
    "NetworkDenoiser",
    "PreconditionedDenoiser",
    "WienerDenoiser",
    "discrete",
]
