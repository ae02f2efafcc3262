"""A folder of sampled pictures: one PNG per seed, a sheet of all, and a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.defaults import RESTORING_SEEDS, SEEDS
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import open_folder, write_document
from spectral_sched.errors import UsageError
from spectral_sched.images.png import contact_sheet, save_png, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document


VERSION = 1
RECORD_NAME = "samples.json"
SHEET_NAME = "contact_sheet.png"
MAX_SEEDS = 1_000_000


class Sample(NamedTuple):
    """One picture to sample: its seed, and the number of the one that it restores."""

    seed: int
    restored: int | None = None

    @property
    def file_name(self) -> str:
        """Name of its PNG."""
        numbers = [self.seed] if self.restored is None else [self.restored, self.seed]
        return "-".join(f"{number:06d}" for number in numbers) + ".png"


def chosen_seeds(text: str | None, *, restoring: bool) -> str:
    """Return the seeds that are asked for, else the usual ones."""
    if text is not None:
        return text
    return RESTORING_SEEDS if restoring else SEEDS


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of a list such as ``0-15`` or ``3,7,20-29``.

    Examples
    --------
    >>> parse_seeds("3,7,20-22")
    [3, 7, 20, 21, 22]

    Raises
    ------
    UsageError
        If the text is no such list, or names over a million seeds.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() for end in ends):
            message = f"--seeds {text!r} is no list of seeds; write 0-15 or 3,7,20-29"
            raise UsageError(message)
        low, high = (int(end) for end in ends)
        if high < low or high - low >= MAX_SEEDS or high >= 1 << 63:
            message = f"--seeds {text!r} has no sensible range in {part.strip()!r}"
            raise UsageError(message)
        seeds.extend(range(low, high + 1))
    return seeds


def open_gallery(folder: Path, *, force: bool) -> Path:
    """Return the folder for pictures, as `open_folder` does."""
    return open_folder(folder, RECORD_NAME, force=force)


def describe_samples(flags: Mapping[str, object]) -> dict[str, object]:
    """Return the flags that were given, for the record."""
    return {
        name: value
        for name, value in flags.items()
        if value is not None and value is not False
    }


def write_samples(
    pictures: Iterable[NDArray[np.floating]],
    samples: Sequence[Sample],
    folder: Path,
    settings: Mapping[str, object],
    inputs: Sequence[str] = (),
) -> Document:
    """Write pictures as they come, then the sheet and the record; return the record.

    Parameters
    ----------
    pictures
        One per sample, (C, H, W) in [-1, 1].
    inputs
        Names of the pictures that were restored.
    """
    hung = []
    for sample, picture in zip(samples, pictures, strict=True):
        hung.append(to_bytes(picture))
        save_png(hung[-1], folder / sample.file_name)
    save_png(contact_sheet(hung), folder / SHEET_NAME)
    record: Document = {
        "format": "specsched.samples",
        "version": VERSION,
        **provenance(settings),
        "pictures": [sample.file_name for sample in samples],
        "contact_sheet": SHEET_NAME,
        **({"inputs": list(inputs)} if inputs else {}),
    }
    write_document(record, folder / RECORD_NAME)
    return record
