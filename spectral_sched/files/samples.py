"""A folder of sampled images: one file per seed, a sheet of all, and a record.

Images of 1 or 3 channels are PNGs; others are arrays of float32 (C, H, W) in [-1, 1],
in the format of numpy, and the sheet shows three of their bands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.defaults import MOST_SAMPLES, RESTORING_SEEDS, SEEDS
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.read import Form, read_document
from spectral_sched.documents.rules import each, flag, members, text
from spectral_sched.documents.write import is_ours, open_folder, write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.png import (
    SHEET_NAME,
    as_bytes,
    contact_sheet,
    is_shown_whole,
    save_picture,
    save_png,
)
from spectral_sched.words import number_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.plan import Plan


VERSION = 2
"""Of records whose images began with noise of Philox; before, with that of torch."""

EARLIER = (1,)
RECORD_NAME = "samples.json"
REMEDY = "make one with: specsched sample"
PICTURE_NAME = re.compile(r"\d{6,}(-\d{6,})?\.(png|npy)")

SEED_END = 1 << 63
"""Seeds are whole numbers from 0, below this."""


FORM = Form(
    "samples",
    VERSION,
    REMEDY,
    members(
        {"pictures": each(text(), least=1)},
        {
            "contact_sheet": text(SHEET_NAME),
            "inputs": each(text(), least=1),
            "unfinished": flag,
        },
    ),
    earlier=EARLIER,
)
"""The format of the record."""


class Sample(NamedTuple):
    """One image to sample: its seed, and the number of the one that it restores."""

    seed: int
    restored: int | None = None

    def file_name(self, ending: str = ".png") -> str:
        """Return the name of its file."""
        numbers = [self.seed] if self.restored is None else [self.restored, self.seed]
        return "-".join(f"{number:06d}" for number in numbers) + ending

    def label(self, inputs: Sequence[str] = ()) -> str:
        """Return what is written under it: its seed, and which image it restores."""
        if self.restored is None:
            return f"seed {self.seed}"
        number = self.restored
        name = inputs[number] if number < len(inputs) else f"input {number}"
        return f"{name}, seed {self.seed}"


def chosen_seeds(text: str | None, *, restoring: bool) -> str:
    """Return the seeds that are asked for, else the usual ones."""
    if text is not None:
        return text
    return RESTORING_SEEDS if restoring else SEEDS


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of a list such as ``0-15`` or ``3,7,20-29``, each once.

    Examples
    --------
    >>> parse_seeds("3,7,20-22,7")
    [3, 7, 20, 21, 22]

    Raises
    ------
    UsageError
        If the text is no such list, or names over a million seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        low, high = whole_number(first), whole_number(last if dash else first)
        if low is None or high is None:
            message = (
                f"--seeds {text!r:.60} is no list of seeds; write 0-15 or 3,7,20-29"
            )
            raise UsageError(message)
        too_many = len(seeds) + high - low >= MOST_SAMPLES
        if high < low or too_many or high >= SEED_END:
            message = f"--seeds {text!r:.60} has no sensible range in {part.strip()!r}"
            raise UsageError(message)
        seeds.extend(range(low, high + 1))
    # Images are named by their seeds, so that a second one would replace the first.
    return list(dict.fromkeys(seeds))


def whole_seeds(seeds: Iterable[int]) -> list[int]:
    """Return seeds as they are known everywhere: whole numbers from 0, below 2**63.

    Raises
    ------
    UsageError
        If there are none, or others.
    """
    try:
        found = list(seeds)
        whole = [int(seed) for seed in found]
    except (TypeError, ValueError, OverflowError):
        found, whole = [], []
    fit = all(0 <= seed < SEED_END for seed in whole)
    if not whole or not fit or whole != found:
        message = (
            "seeds must be whole numbers from 0, below 2**63, as in range(16), not "
            f"{seeds!r:.60}"
        )
        raise UsageError(message)
    return whole


def check_seed(seed: int, count: int = 1) -> None:
    """Raise `UsageError` unless so many seeds can be counted on from this one."""
    if not 0 <= seed <= SEED_END - count:
        message = f"--seed must be from 0 to {SEED_END - count}, not {seed}; try 0"
        raise UsageError(message)


def open_gallery(folder: Path, *, force: bool) -> Path:
    """Return the folder for images, as `open_folder` does."""
    return open_folder(folder, RECORD_NAME, force=force)


class Gallery:
    """A folder of images that is known to be ours before the first is in it.

    Parameters
    ----------
    folder
        A folder, as from `open_gallery`.
    samples
        What is going to be in it.
    force
        Whether more images of an earlier run may make way for fewer.
    channels
        Channels of each image.

    Raises
    ------
    UsageError
        If they would, and may not.
    """

    def __init__(
        self,
        folder: Path,
        samples: Sequence[Sample],
        *,
        force: bool = False,
        channels: int = 3,
    ) -> None:
        self.folder, self.samples = folder, samples
        ending = ".png" if is_shown_whole(channels) else ".npy"
        self.names = [sample.file_name(ending) for sample in samples]
        self.earlier = _earlier_pictures(folder)
        if len(self.earlier) > len(samples) and not force:
            message = (
                f"{folder} holds {number_of(len(self.earlier), 'image')}, more than "
                f"the {len(samples)} that would replace them; name another folder with "
                "-o, or replace them with --force"
            )
            raise UsageError(message)

    def begin(self, settings: Mapping[str, object]) -> None:
        """Take away the images of an earlier run, and say what is coming."""
        for name in (*self.earlier, SHEET_NAME if is_ours(self._record) else None):
            if name is not None:
                (self.folder / name).unlink(missing_ok=True)
        write_document(self._document(settings) | {"unfinished": True}, self._record)

    def fill(
        self,
        pictures: Iterable[NDArray[np.floating] | NDArray[np.uint8]],
        settings: Mapping[str, object],
        inputs: Sequence[str] = (),
        title: str = "",
    ) -> Document:
        """Write images as they come, then the sheet; return the finished record.

        Parameters
        ----------
        pictures
            One per sample, (C, H, W) in [-1, 1] or as bytes, (H, W, C).
        inputs
            Names of the images that were restored.
        title
            What the sheet says of all of them.
        """
        hung = []
        for name, picture in zip(self.names, pictures, strict=True):
            hung.append(as_bytes(picture))
            save_picture(picture, self.folder / name)
        labels = [sample.label(inputs) for sample in self.samples]
        save_png(contact_sheet(hung, labels, title), self.folder / SHEET_NAME)
        named = {"inputs": list(inputs)} if inputs else {}
        record = self._document(settings) | {"contact_sheet": SHEET_NAME} | named
        write_document(record, self._record)
        return record

    @property
    def num_saved(self) -> int:
        """How many images are there so far."""
        return sum((self.folder / name).exists() for name in self.names)

    @property
    def _record(self) -> Path:
        return self.folder / RECORD_NAME

    def _document(self, settings: Mapping[str, object]) -> Document:
        return {
            "format": "specsched.samples",
            "version": VERSION,
            **provenance(settings),
            "pictures": self.names,
        }


def _earlier_pictures(folder: Path) -> list[str]:
    """Return the images of an earlier run that are in a folder."""
    record = folder / RECORD_NAME
    if not is_ours(record):
        return []
    try:
        named = read_document(record, FORM)["pictures"]
    except InputError:
        return []
    # Names of other forms may be of files elsewhere, which are left alone.
    ours = [name for name in named if PICTURE_NAME.fullmatch(name)]
    return [name for name in ours if (folder / name).is_file()]


def sheet_title(plan: Plan) -> str:
    """Return what a sheet says of the table that its images were sampled with."""
    return (
        f"{number_of(plan.table.num_steps, 'step')}, "
        f"{number_of(plan.num_calls, 'call')}, "
        f"{plan.kind} for {plan.request.sampler}"
    )


def describe_samples(flags: Mapping[str, object]) -> dict[str, object]:
    """Return the flags that were given, for the record."""
    return {
        name: value
        for name, value in flags.items()
        if value is not None and value is not False
    }
