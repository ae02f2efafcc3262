"""Noise schedules of the field: sigma as a function of t, and laws to train with."""

from .angles import FlowLaw, TangentLaw
from .base import Law, Schedule, Terminal, check_range, sigma_table
from .cosine import CosineLaw
from .dilated import VeDilatedLaw, VpDilatedLaw
from .exponential import ExponentialLaw, PolyexponentialLaw
from .family import Basis, FamilyInfo, cut
from .karras import KarrasLaw
from .log_linear import AYS_TABLES, AysLaw, TableLaw
from .parameters import Parameter, Setting, read_settings
from .peaked import CauchyLaw, LaplaceLaw, LognormalLaw
from .polynomial import PolynomialLaw, curriculum_levels
from .registry import SCHEDULES
from .spectral import KAPPA_CLEAN, KAPPA_NOISE, InformationLaw, SpectralLaw
from .vp import VpLaw

__all__ = [
    "AYS_TABLES",
    "KAPPA_CLEAN",
    "KAPPA_NOISE",
    "SCHEDULES",
    "AysLaw",
    "Basis",
    "CauchyLaw",
    "CosineLaw",
    "ExponentialLaw",
    "FamilyInfo",
    "FlowLaw",
    "InformationLaw",
    "KarrasLaw",
    "LaplaceLaw",
    "Law",
    "LognormalLaw",
    "Parameter",
    "PolyexponentialLaw",
    "PolynomialLaw",
    "Schedule",
    "Setting",
    "SpectralLaw",
    "TableLaw",
    "TangentLaw",
    "Terminal",
    "VeDilatedLaw",
    "VpDilatedLaw",
    "VpLaw",
    "check_range",
    "curriculum_levels",
    "cut",
    "read_settings",
    "sigma_table",
]
