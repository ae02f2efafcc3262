"""What a report shows, as addresses that hold the images themselves."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.images.png import png_bytes, thumbnail
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

SIZE = (4.6, 3.9)
"""Inches of a plot: its letters can still be read at 360 pixels across."""

OWN, TABLE, COPIED = "your images", "your table", "copied table"
"""What the curves of a report are called."""

SIDE = 256
"""Pixels of the longer side beyond which a shown image is made smaller."""


@dataclass(frozen=True)
class Plot:
    """A plot in light and in dark, as addresses, with its size in pixels."""

    light: str
    dark: str
    width: int = round(96 * SIZE[0])
    height: int = round(96 * SIZE[1])


@dataclass(frozen=True, eq=False)
class Sampled:
    """Images that a model made with a table.

    Attributes
    ----------
    name
        What the table is called.
    images
        Bytes, (H, W, C) each.
    messages
        What had to be said of sampling with the table.
    seeds
        Of each image.
    """

    name: str
    images: Sequence[NDArray[np.uint8]]
    seeds: Sequence[int]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tile:
    """One image as an address, with its size in pixels and what it is."""

    address: str
    width: int
    height: int
    what: str


@dataclass(frozen=True)
class Sheet:
    """Sampled images side by side."""

    name: str
    tiles: tuple[Tile, ...]
    messages: tuple[str, ...]


def plots(found: Findings) -> dict[str, Plot]:
    """Return the plots of a report by the names of their panels."""
    data_set = found.plan.data_set
    images = Subject(OWN, data_set=data_set, plan=found.plan)
    own = Subject(TABLE, data_set=data_set, plan=found.plan, law=found.law)
    usual = Subject(COPIED, data_set=data_set, plan=found.usual)
    panels = [
        *panels_of([images], ["spectrum"]),
        *panels_of([own, usual], ["step", "error"]),
        *panels_of([own], ["calls"]),
        *panels_of([Subject("your law", law=found.law)], ["law"]),
    ]
    return {panel.kind: _plot(panel) for panel in panels}


def _plot(panel: Panel) -> Plot:
    light, dark = (
        address(picture_of([panel], ".svg", theme=theme, size=SIZE), "svg+xml")
        for theme in (LIGHT, DARK)
    )
    return Plot(light, dark)


def sheet(sampled: Sampled) -> Sheet:
    """Return sampled images as they are shown."""
    return Sheet(
        sampled.name,
        tuple(
            tile(image, f"seed {seed}, {sampled.name}")
            for image, seed in zip(sampled.images, sampled.seeds, strict=True)
        ),
        sampled.messages,
    )


def tile(image: NDArray[np.uint8], what: str) -> Tile:
    """Return one image as it is shown, smaller if it is large."""
    shown = thumbnail(image, SIDE)
    height, width, _ = shown.shape
    return Tile(address(png_bytes(shown), "png"), width, height, what)


def address(content: bytes, kind: str) -> str:
    """Return the address that holds an image."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
