"""Where the images of an analysis came from, as far as it has to be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from spectral_sched.documents.rules import each, text
from spectral_sched.images.pixel_size import PATTERN
from spectral_sched.sources.location import last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spectral_sched.documents.read import Fields
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.sources import Aside


NAMED = 20
"""Sources that are named, the first ones."""


@dataclass(frozen=True)
class Origin:
    """Where images came from.

    Attributes
    ----------
    sources
        Names of the sources, if there are several, without their folders.
    remarks
        What is wrong with the sources, one sentence each.
    left_out
        What of them was not taken for images, one sentence for each kind, and which
        planes and bands of stacks were.
    pixel_sizes
        The sizes of pixels that files tell, as `PixelSize` writes them.
    """

    sources: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    pixel_sizes: tuple[str, ...] = ()

    def reworded(self, told: Callable[[str], str]) -> Origin:
        """Return the same in other words."""
        remarks, left_out = (
            tuple(map(told, each)) for each in (self.remarks, self.left_out)
        )
        return Origin(self.sources, remarks, left_out, self.pixel_sizes)

    def merged(self, other: Origin) -> Origin:
        """Return both, each sentence and source once."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Origin(*(tuple(dict.fromkeys([*a, *b])) for a, b in pairs))


NOTHING = Origin()
"""An origin of which nothing has to be told."""


def origin_of(sources: Sequence[str], aside: Aside) -> Origin:
    """Return what has to be told of sources whose stream has ended."""
    names = tuple(last_name(place.rstrip("/")) for place in sources)
    told = names[:NAMED] if len(names) > 1 else ()
    more = (f"and {len(names) - NAMED} more",) if len(names) > NAMED else ()
    sizes = tuple(map(str, aside.pixel_sizes))
    said = tuple(aside.remarks), tuple(aside.left_out())
    return Origin((*told, *more), *said, sizes)


ORIGIN = {
    **{name: each(text(), 1) for name in ("sources", "remarks", "left_out")},
    "pixel_sizes": each(text(pattern=PATTERN.pattern), 1),
}
"""Rules of what a file holds of an origin, none of which has to be there."""


def origin_members(origin: Origin) -> Document:
    """Return what a file holds of an origin: nothing where there is nothing to tell."""
    return {name: list(told) for name, told in asdict(origin).items() if told}


def read_origin(fields: Fields) -> Origin:
    """Read an origin from an object of a file."""
    names = Origin.__dataclass_fields__
    found = {name: fields.get(name, list) for name in names if name in fields}
    return Origin(**{name: tuple(map(str, told)) for name, told in found.items()})
