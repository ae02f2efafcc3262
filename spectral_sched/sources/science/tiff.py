"""TIFFs as stacks of planes with bands, by tifffile, and by rasterio what maps are in.

Where neither planes nor bands are asked for, a TIFF stays one image: its first page,
in its colours. Only OME-TIFFs are stacks always, because their channels are pages.
"""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import ImageError, UnavailableError
from spectral_sched.images.formats.other_tiff import is_cut
from spectral_sched.images.formats.quiet import quiet_logs
from spectral_sched.images.formats.tiff import is_tiff
from spectral_sched.images.formats.tiff_pages import NODATA, first_tags, nodata_of
from spectral_sched.images.pixel_size import pixel_size
from spectral_sched.images.pixels import encoded
from spectral_sched.sources.item import Choices, Item
from spectral_sched.sources.location import Remote
from spectral_sched.words import number_of

from .geotiff import opened_raster
from .grid import Grid, Told, axes_grid, grid_items, needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from spectral_sched.images.pixel_size import PixelSize

ENDINGS = (".tif", ".tiff", ".tf8", ".btf")
DESCRIPTION, X_RESOLUTION, Y_RESOLUTION, UNIT = 270, 282, 283, 296
OF_MAPS = frozenset({33550, 33922, 34264, 34735, 42112})
"""Tags of GeoTIFF, and of what GDAL says of bands."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED, YCBCR = 0, 1, 2, 5, 6
PHOTOMETRICS = (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED, YCBCR)
DEEPEST_WHITE = 16
CENTIMETRE = 3


def divided(item: Item, choices: Choices) -> Iterator[Item]:
    """Yield the planes of a TIFF if they are asked for; any other item as it is."""
    content = item.data
    if not isinstance(content, Path | bytes | Remote) or not _is_named_so(item):
        yield item
        return
    asked = choices.planes is not None or choices.bands is not None
    if not asked and isinstance(content, Remote):
        yield item
        return
    try:
        tags = _tags(content, item.name)
    except ImageError:
        tags = {}
    if not tags or not (asked or _is_ome(item, tags)):
        yield item
        return
    yield from _planes(item, tags, choices)


def _called(item: Item) -> str:
    name = str(item.data) if isinstance(item.data, Path) else item.name
    return name.lower().rstrip(")")


def _is_named_so(item: Item) -> bool:
    return _called(item).endswith(ENDINGS)


def _is_ome(item: Item, tags: dict[int, bytes]) -> bool:
    # What it says of itself may lie at the end, which a damaged file lacks.
    by_name = _called(item).endswith((".ome.tif", ".ome.tiff"))
    return by_name or b"<OME" in tags.get(DESCRIPTION, b"")


def _tags(content: Path | bytes | Remote, name: str) -> dict[int, bytes]:
    """Return the tags of the first page, none where it is no TIFF."""
    if isinstance(content, Path):
        try:
            with content.open("rb") as file:
                return first_tags(file)
        except OSError:
            return {}
    whole = encoded(content, name)
    return first_tags(io.BytesIO(whole)) if is_tiff(whole) else {}


def _planes(item: Item, tags: dict[int, bytes], choices: Choices) -> Iterator[Item]:
    try:
        if OF_MAPS & tags.keys() and choices.bands and isinstance(item.data, Path):
            with opened_raster(item.data, item.name) as found:
                if found is not None:
                    yield from grid_items(found, choices, item.label)
                    return
        yield from _by_tifffile(item, choices)
    except ImageError as error:
        yield Item(item.name, item.label, error)
    except UnavailableError as error:
        message = f"{item.name} is left out: {error}"
        yield Item(item.name, item.label, ImageError(message, "package not installed"))
    except Exception as error:  # noqa: BLE001 - whatever the libraries run into
        because = " ".join(str(error).split()) or type(error).__name__
        damaged = ImageError(f"{item.name} is damaged: {because}", "damaged")
        yield Item(item.name, item.label, damaged)


def _by_tifffile(item: Item, choices: Choices) -> Iterator[Item]:
    tifffile = needed("tifffile", "tiff", "planes and bands of TIFFs")
    needed("imagecodecs", "tiff", "planes and bands of TIFFs")
    data: Any = item.data
    source = data if isinstance(data, Path) else io.BytesIO(encoded(data, item.name))
    with quiet_logs(), tifffile.TiffFile(source) as file:
        if len(file.series) > 1:
            choices.aside.remark(
                f"{item.name} has {number_of(len(file.series), 'image')} of different "
                "shapes, of which the first is read"
            )
        yield from grid_items(_grid(file, item.name, source), choices, item.label)


def _grid(file: Any, name: str, source: Any) -> Grid:
    """Return the first series of a TIFF at its finest level as a stack."""
    series = file.series[0]
    page = series.keyframe
    if page.photometric not in PHOTOMETRICS:
        message = f"{name} has a palette or colours that are not read; save it as RGB"
        raise ImageError(message, "unknown kind of TIFF")
    told = _told(series, page)
    change = None
    if page.photometric == WHITE_IS_ZERO:
        if told.high is None:
            message = f"{name} has white at zero and no known black; save it inverted"
            raise ImageError(message, "unknown kind of TIFF")
        change = _turned_over(told.high)
    plain = series.dataoffset is not None and isinstance(source, Path)
    array = _Contiguous(series, source) if plain else _Pages(file, series, page, name)
    return axes_grid(name, array, series.axes, told, change)


class _Contiguous:
    """The values of a series that lie in its file one after the other.

    They are mapped for as long as a plane takes: what stays mapped counts as memory.
    """

    def __init__(self, series: Any, source: Path) -> None:
        self.source, self.start, self.shape = source, series.dataoffset, series.shape
        self.dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        values = np.memmap(self.source, self.dtype, "r", self.start, self.shape)
        return np.array(values[index])


class _Pages:
    """The values of a series, decoded page by page where they are asked for."""

    def __init__(self, file: Any, series: Any, page: Any, name: str) -> None:
        self.file, self.series, self.name = file, series, name
        self.shape, self.dtype = series.shape, series.dtype
        self.ndim = len(self.shape)
        self.outer = self.ndim - len(page.axes)
        fits = self.outer >= 0 and series.axes.endswith(page.axes)
        if not fits or math.prod(self.shape[: self.outer]) != len(series.pages):
            message = (
                f"{name} has pages that are no planes of one stack; save them apart"
            )
            raise ImageError(message, "unknown kind of TIFF")

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        outer, inner = index[: self.outer], index[self.outer :]
        if not outer:
            only: NDArray[Any] = self._page(0)[inner]
            return only
        sides = zip(outer, self.shape, strict=False)
        over = [
            range(*each.indices(side)) if isinstance(each, slice) else [each]
            for each, side in sides
        ]
        numbers = np.ravel_multi_index(
            np.meshgrid(*over, indexing="ij"), self.shape[: self.outer]
        )
        pages = [self._page(int(number))[inner] for number in numbers.reshape(-1)]
        kept = [len(each) for each, i in zip(over, outer, strict=True) if _is_span(i)]
        # One page is not copied.
        whole = pages[0] if len(pages) == 1 else np.stack(pages)
        return whole.reshape(*kept, *pages[0].shape)

    def _page(self, number: int) -> NDArray[Any]:
        page = self.series.pages[number]
        if page is None or is_cut(page, self.file.filehandle.size):
            message = (
                f"{self.name} is damaged: the values of page {number} are cut short"
            )
            raise ImageError(message, "damaged")
        values: NDArray[Any] = page.asarray(maxworkers=1)
        return values


def _is_span(index: Any) -> bool:
    return isinstance(index, slice)


def _turned_over(total: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    return lambda values: (total - values.astype(np.float64)).astype(values.dtype)


def _told(series: Any, page: Any) -> Told:
    unsigned = page.dtype.kind == "u" and page.bitspersample <= DEEPEST_WHITE
    high = float(2**page.bitspersample - 1) if unsigned else None
    nodata = page.tags.get(NODATA)
    size = series.shape[series.axes.index("Y")], series.shape[series.axes.index("X")]
    pixel, depth = _size(series, page, size)
    stated = None if nodata is None else nodata_of(nodata.value)
    return Told(high=high, nodata=stated, pixel=pixel, depth=depth)


def _size(
    series: Any, page: Any, size: tuple[int, int]
) -> tuple[PixelSize | None, float | None]:
    """Return how large pixels are, and how far planes are apart, as a file tells."""
    if series.kind == "ome":
        return _ome_size(page.parent.ome_metadata, size)
    facts = page.parent.imagej_metadata or {}
    tags = [page.tags.get(tag) for tag in (Y_RESOLUTION, X_RESOLUTION, UNIT)]
    if tags[0] is None or tags[1] is None:
        return None, None
    per = [each.value[0] / max(each.value[1], 1) for each in tags[:2]]
    unit = str(facts.get("unit", "")).replace("\\u00B5", "u")
    if not facts and tags[2] is not None and tags[2].value == CENTIMETRE:
        unit = "cm"
    if min(per) <= 0:
        return None, None
    spacing = facts.get("spacing")
    return pixel_size(1 / per[0], 1 / per[1], unit, size), spacing and float(spacing)


def _ome_size(xml: str, size: tuple[int, int]) -> tuple[PixelSize | None, float | None]:
    found = re.search(r"<Pixels\b[^>]*>", xml or "")
    facts = dict(re.findall(r'(\w+)="([^"]*)"', found.group() if found else ""))
    unit = facts.get("PhysicalSizeYUnit", "µm").replace("&#181;", "u")
    steps = [_number(facts.get(f"PhysicalSize{axis}")) for axis in "YXZ"]
    return pixel_size(steps[0] or 0, steps[1] or 0, unit, size), steps[2]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
