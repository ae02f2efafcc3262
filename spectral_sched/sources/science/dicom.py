"""DICOM images, by pydicom: rescaled to their units, all frames.

The window that viewers apply (VOI) is not, unless it is asked for with ``--data-range
window``; without a range, black to white is all that the stored bits can hold.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.images.pixel_size import pixel_size
from spectral_sched.sources.item import Choices, Item, Reader, refused
from spectral_sched.sources.location import is_url, last_name

from .grid import Grid, Told, grid_items, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MOST_AT_ONCE = 1 << 23
"""Bytes of files that are read in one go; frames of larger ones are read one by one."""

FRAMES, PADDING = 0x00280008, 0x00280120
CENTER, WIDTH = 0x00281050, 0x00281051
INTERCEPT, SLOPE = 0x00281052, 0x00281053
SPACING, IMAGER_SPACING = 0x00280030, 0x00181164
BETWEEN, THICKNESS = 0x00180088, 0x00180050
SHARED, MEASURES, CHANGES = 0x52009229, 0x00289110, 0x00289145
"""Tags of elements that need not be there; to look for them by name takes as long as to
decode a small frame."""

GREY = ("MONOCHROME1", "MONOCHROME2")
COLORS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420")


def dicom_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the frames of a DICOM file.

    Raises
    ------
    UnavailableError
        If pydicom is not installed.
    """
    pydicom = needed("pydicom", "dicom", "DICOM images")
    name = last_name(place)
    if is_url(place):
        yield refused(name, "cannot be read from a URL; fetch it first", "unreadable")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            large = Path(place).stat().st_size > MOST_AT_ONCE
            header = pydicom.dcmread(place, stop_before_pixels=large)
            problem = _problem(header)
            if problem:
                yield refused(name, problem, "unreadable")
                return
            source = place if large else header
            yield from grid_items(_Frames(pydicom, source, header).grid(name), choices)
        except pydicom.errors.InvalidDicomError:
            yield refused(name, "is no DICOM file", "not an image")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            because = " ".join(str(error).split())
            yield refused(name, f"is damaged: {because}", "damaged")


def _problem(header: Any) -> str:
    """Return why the pixels of a file are not read, or the empty string."""
    syntax = getattr(header.file_meta, "TransferSyntaxUID", None)
    if syntax is None or "Rows" not in header:
        return "holds no image"
    if header.PhotometricInterpretation not in (*GREY, *COLORS):
        return (
            f"has the colours {header.PhotometricInterpretation}, which are not read; "
            "save it as RGB or grey"
        )
    if syntax.is_encapsulated and not _can_decode(syntax):
        return (
            f"is packed as {syntax.name}, which takes a plug-in of pydicom that is not "
            "installed; install it with: pip install "
            "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
        )
    return ""


def _can_decode(syntax: Any) -> bool:
    decoders = needed("pydicom.pixels", "dicom", "DICOM images")
    try:
        return bool(decoders.get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


class _Frames:
    """The frames of a file, decoded one by one."""

    def __init__(self, pydicom: Any, source: Any, header: Any) -> None:
        self.pixels, self.source, self.header = pydicom.pixels, source, header
        self.slope, self.intercept = _rescale(header)
        self.changed = (self.slope, self.intercept) != (1.0, 0.0)
        bits = int(header.BitsStored)
        least = -(1 << (bits - 1)) if header.PixelRepresentation else 0
        self.stored = (least, least + (1 << bits) - 1)
        self.inverted = header.PhotometricInterpretation == GREY[0]
        self.count, self.next = int(_value(header, FRAMES) or 1), 0
        self.decoded: Iterator[Any] = iter(())

    def grid(self, name: str) -> Grid:
        """Return them as a stack."""
        header, stored = self.header, np.array(self.stored, np.float64)
        low, high = np.sort(stored * self.slope + self.intercept).tolist()
        return Grid(
            name,
            self.count,
            int(header.SamplesPerPixel),
            (int(header.Rows), int(header.Columns)),
            np.dtype(np.float64 if self.changed else f"i{header.BitsAllocated // 8}"),
            self.read,
            Told(low, high, self._window(low + high), self._padding(), **_size(header)),
        )

    def read(self, number: int, places: list[int]) -> NDArray[Any]:
        """Return a frame in the units of its file, with white at its greatest value."""
        frame = self._frame(number)
        values = frame if frame.ndim == 3 else frame[..., None]
        if self.inverted:
            total = sum(self.stored)
            values = (total - values.astype(np.int64)).astype(values.dtype)
        if self.changed:
            values = values.astype(np.float64) * self.slope + self.intercept
        return values if len(places) == values.shape[2] else values[..., places]

    def _frame(self, number: int) -> NDArray[Any]:
        # Frames that follow one another are decoded without going back to the start.
        if number != self.next or number == 0:
            self.decoded = self.pixels.iter_pixels(
                self.source, indices=range(number, self.count)
            )
        self.next = number + 1
        frame: NDArray[Any] = next(self.decoded)
        return frame

    def _window(self, total: float) -> tuple[float, float] | None:
        """Return the first display window, as PS3.3 C.11.2.1.2 has it."""
        centre, width = (_first(_value(self.header, tag)) for tag in (CENTER, WIDTH))
        if centre is None or width is None or width <= 1:
            return None
        half = (width - 1) / 2
        low, high = centre - 0.5 - half, centre - 0.5 + half
        return (total - high, total - low) if self.inverted else (low, high)

    def _padding(self) -> float | None:
        padding = _value(self.header, PADDING)
        if padding is None or not isinstance(padding, int):
            return None
        value = sum(self.stored) - padding if self.inverted else padding
        return value * self.slope + self.intercept


def _value(elements: Any, tag: int) -> Any:
    """Return the value of an element, None if it is not there."""
    return elements[tag].value if tag in elements.keys() else None  # noqa: SIM118


def _shared(header: Any, sequence: int) -> Any:
    """Return what enhanced images say of all frames; the header itself of others."""
    for group in _value(header, SHARED) or ():
        for each in _value(group, sequence) or ():
            return each
    return header


def _first(value: Any) -> float | None:
    """Return the first number of an element, which may have several, or none."""
    if value is None or value == "":
        return None
    if hasattr(value, "__len__") and not isinstance(value, str):
        return float(value[0]) if len(value) else None
    return float(value)


def _rescale(header: Any) -> tuple[float, float]:
    """Return slope and intercept."""
    change = _shared(header, CHANGES)
    slope, intercept = (_value(change, tag) for tag in (SLOPE, INTERCEPT))
    return float(1 if slope is None else slope), float(intercept or 0)


def _size(header: Any) -> dict[str, Any]:
    measures = _shared(header, MEASURES)
    spacing = _value(measures, SPACING) or _value(header, IMAGER_SPACING)
    if not spacing:
        return {}
    size = int(header.Rows), int(header.Columns)
    pixel = pixel_size(float(spacing[0]), float(spacing[1]), "mm", size)
    depth = _first(_value(measures, BETWEEN) or _value(measures, THICKNESS))
    return {"pixel": pixel, "depth": depth}


READERS = (Reader((".dcm", ".dicom", ".ima"), dicom_items, holds_one=True),)
