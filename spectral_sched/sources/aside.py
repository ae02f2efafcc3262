"""What a source holds beside the images that are streamed: counted and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from spectral_sched.words import number_of

if TYPE_CHECKING:
    from spectral_sched.images.pixel_size import PixelSize

NAMED_ENDINGS = 5
"""Endings of other files that are named; all are counted."""

MOST_REMARKS = 20
"""Remarks that are kept, the first ones."""


@dataclass
class Aside:
    """What was seen and not streamed while the items of a source were.

    Nothing in it is an image that should have been read: those are items that are
    skipped. It is whole once the stream has ended.

    Attributes
    ----------
    endings
        Files that are not taken for images, by how their names end.
    first_other, first_hidden
        The first file that is not taken for an image, and the first hidden image.
    num_hidden
        Images that are hidden, or in a hidden folder.
    remarks
        What else has to be said, one sentence each.
    planes, bands
        How many stacks there were, how many planes they have and how many are read;
        and how many bands were read of how many.
    pixel_sizes
        The sizes of pixels that files tell, each once.
    """

    endings: Counter[str] = field(default_factory=Counter)
    first_other: str = ""
    first_hidden: str = ""
    num_hidden: int = 0
    remarks: list[str] = field(default_factory=list)
    planes: Counter[str] = field(default_factory=Counter)
    bands: set[tuple[int, int]] = field(default_factory=set)
    pixel_sizes: list[PixelSize] = field(default_factory=list)

    def other(self, name: str) -> None:
        """Count a file that is not taken for an image."""
        self.endings[PurePosixPath(name).suffix.lower()] += 1
        self.first_other = self.first_other or name

    def hidden(self, name: str) -> None:
        """Count an image that is hidden."""
        self.num_hidden += 1
        self.first_hidden = self.first_hidden or name

    def remark(self, sentence: str) -> None:
        """Keep a sentence, once, while there is room."""
        if len(self.remarks) < MOST_REMARKS and sentence not in self.remarks:
            self.remarks.append(sentence)

    def used(
        self, num_planes: int, all_planes: int, num_bands: int, all_bands: int
    ) -> None:
        """Count a stack, the planes that are read of it, and their bands."""
        self.planes.update(stacks=1, read=num_planes, there=all_planes)
        if len(self.bands) < NAMED_ENDINGS:
            self.bands.add((num_bands, all_bands))

    def pixels_of(self, size: PixelSize) -> None:
        """Keep the size of pixels that a file tells, once, while there is room."""
        if size not in self.pixel_sizes and len(self.pixel_sizes) < MOST_REMARKS:
            self.pixel_sizes.append(size)

    @property
    def num_others(self) -> int:
        """How many files were not taken for images."""
        return self.endings.total()

    def instead(self) -> str:
        """Return what there is where no image was found, to end a sentence with."""
        if not self.num_others and not self.num_hidden:
            return ""
        hidden = f"{self.num_hidden} hidden and " if self.num_hidden else ""
        others = number_of(self.num_others, "other file")
        named = f" ({_most_common(self.endings)})" if self.num_others else ""
        return f", only {hidden}{others}{named}"

    def left_out(self, cure: str = "; --all-files tries each") -> list[str]:
        """Return what was not streamed, one sentence for each kind.

        Parameters
        ----------
        cure
            What is said of how to read files of other endings, with its semicolon.
        """
        told = []
        if self.num_others:
            told.append(
                f"left out {number_of(self.num_others, 'other file')} "
                f"({_most_common(self.endings)}; the first: {self.first_other}){cure}"
            )
        if self.num_hidden:
            told.append(
                f"left out {number_of(self.num_hidden, 'hidden image')} "
                f"(the first: {self.first_hidden})"
            )
        return [*told, *self._parts()]

    def _parts(self) -> list[str]:
        """Return which parts of stacks were read, in one sentence."""
        if not self.planes["stacks"]:
            return []
        read, there, stacks = (self.planes[key] for key in ("read", "there", "stacks"))
        bands = " or ".join(
            f"{few} of {all_} bands" if few < all_ else f"all bands ({all_})"
            for few, all_ in sorted(self.bands)
        )
        files = number_of(stacks, "file")
        some = "" if read == there else f"{read:,} of "
        return [f"read {some}{number_of(there, 'plane')} of {files}, {bands}"]


def _most_common(endings: Counter[str]) -> str:
    ranked = sorted(endings.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{n} {ending or 'without an ending'}" for ending, n in ranked]
    rest = sum(count for _, count in ranked[NAMED_ENDINGS:])
    return ", ".join(
        [*named[:NAMED_ENDINGS], *[f"{rest} of other endings"][: rest > 0]]
    )
