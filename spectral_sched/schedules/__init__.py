"""Noise schedules of the field: sigma as a function of t, and laws to train with."""

from .curve import TableLaw
from .families.ays import AYS_TABLES, AysLaw
from .families.cosine import CosineLaw
from .families.dilated import VeDilatedLaw, VpDilatedLaw
from .families.entropic import EntropicLaw
from .families.exponential import ExponentialLaw, PolyexponentialLaw
from .families.flow import FlowLaw
from .families.karras import KarrasLaw
from .families.laplace import CauchyLaw, LaplaceLaw
from .families.lognormal import LognormalLaw
from .families.polynomial import PolynomialLaw, curriculum_levels
from .families.spectral import KAPPA_CLEAN, KAPPA_NOISE, InformationLaw, SpectralLaw
from .families.tangent import TangentLaw
from .families.vp import VpLaw
from .family import Basis, FamilyInfo, cut
from .flow_model import FLOW_MODELS, UNIT_FLOW, FlowModel, flow_model
from .law import Law, Terminal
from .parameters import Parameter, Setting, read_settings
from .registry import SCHEDULES
from .schedule import Schedule, check_range, sigma_table

__all__ = [
    "AYS_TABLES",
    "FLOW_MODELS",
    "KAPPA_CLEAN",
    "KAPPA_NOISE",
    "SCHEDULES",
    "UNIT_FLOW",
    "AysLaw",
    "Basis",
    "CauchyLaw",
    "CosineLaw",
    "EntropicLaw",
    "ExponentialLaw",
    "FamilyInfo",
    "FlowLaw",
    "FlowModel",
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
    "flow_model",
    "read_settings",
    "sigma_table",
]
