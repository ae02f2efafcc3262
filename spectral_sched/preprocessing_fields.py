"""How files say what was done to the pictures before they were analysed."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from .errors import SpecschedError
from .images import preprocessing

if TYPE_CHECKING:
    from .documents.read import Fields
    from .images import Preprocessing


def read_preprocessing(fields: Fields) -> Preprocessing:
    """Read what was done to the pictures."""
    names = ("crop", "resize", "color", "background", "window")
    settings: dict[str, Any] = {name: fields.get(name, str) for name in names}
    settings["resolution"] = fields.get("resolution", (int, NoneType))
    settings["fast"] = fields.get("fast", bool)
    if fields.get("data_range", (list, NoneType)) is not None:
        settings["data_range"] = tuple(fields.array("data_range", (2,)).tolist())
    try:
        return preprocessing(**settings)
    except SpecschedError as error:
        raise fields.damaged("preprocessing", f"says: {error}") from error
