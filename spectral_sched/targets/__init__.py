"""Sigma tables in the form that each program wants.

`programs` has a file for each program, which declares its targets; `registry` finds
them there, so a new program is one new file. `formats` writes what a target gives to
bytes and reads it back.
"""

from . import programs
from .artifact import Artifact
from .formats import FORMATS, Format, format_of, read
from .registry import (
    TARGETS,
    target_and_alias,
    target_named,
    target_settings,
    targets_document,
)
from .target import LawJob, Settings, Target, law_artifact, table_artifact

Law = LawJob
"""The name of `LawJob` in the first version."""

__all__ = [
    "FORMATS",
    "TARGETS",
    "Artifact",
    "Format",
    "Law",
    "LawJob",
    "Settings",
    "Target",
    "format_of",
    "law_artifact",
    "programs",
    "read",
    "table_artifact",
    "target_and_alias",
    "target_named",
    "target_settings",
    "targets_document",
]
