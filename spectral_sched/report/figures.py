"""What a report shows, as addresses that hold the picture themselves."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.images.png import contact_sheet, png_bytes, to_bytes
from spectral_sched.plots.canvas import picture_of
from spectral_sched.plots.panels import panels_of
from spectral_sched.plots.subjects import Subject
from spectral_sched.plots.themes import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.plots.panels import Panel

    from .facts import Findings

SIZE = (4.6, 3.6)
"""Inches of a plot: its letters can still be read at 360 pixels across."""


@dataclass(frozen=True)
class Plot:
    """A plot in light and in dark, as addresses, with its size in pixels."""

    light: str
    dark: str
    width: int = round(96 * SIZE[0])
    height: int = round(96 * SIZE[1])


@dataclass(frozen=True, eq=False)
class Sampled:
    """Pictures that a model made with a table.

    Attributes
    ----------
    name
        What the table is called.
    pictures
        (C, H, W) each, in [-1, 1].
    messages
        What had to be said about playing the table.
    labels, title
        What is written under each on the sheet, and above all.
    """

    name: str
    pictures: Sequence[NDArray[np.floating]]
    messages: tuple[str, ...] = ()
    labels: Sequence[str] = ()
    title: str = ""


@dataclass(frozen=True)
class Sheet:
    """Sampled pictures side by side, as an address."""

    name: str
    address: str
    width: int
    height: int
    count: int
    messages: tuple[str, ...]


def plots(found: Findings) -> dict[str, Plot]:
    """Return the plots of a report by the names of their panels."""
    own = Subject(found.name, data_set=found.plan.data_set, plan=found.plan)
    usual = Subject(found.usual_name, data_set=found.plan.data_set, plan=found.usual)
    panels = [
        *panels_of([own], ["spectrum"]),
        *panels_of([own, usual], ["step", "error"]),
    ]
    return {panel.kind: _plot(panel) for panel in panels}


def _plot(panel: Panel) -> Plot:
    light, dark = (
        address(picture_of([panel], ".svg", theme=theme, size=SIZE), "svg+xml")
        for theme in (LIGHT, DARK)
    )
    return Plot(light, dark)


def sheet(sampled: Sampled) -> Sheet:
    """Return the sheet of sampled pictures."""
    levels = contact_sheet(
        [to_bytes(picture) for picture in sampled.pictures],
        sampled.labels,
        sampled.title,
    )
    height, width, _ = levels.shape
    return Sheet(
        sampled.name,
        address(png_bytes(levels), "png"),
        width,
        height,
        len(sampled.pictures),
        sampled.messages,
    )


def address(content: bytes, kind: str) -> str:
    """Return the address that holds a picture."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
