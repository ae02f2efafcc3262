"""A source dealt to several runs: which item belongs to which, and their sums.

Item and shard are matched by a hash of the item's name, which does not depend on the
machine, on the order of the manifest or on the other items. Every run lists the whole
source and keeps the sum of all names, by which shards of one source are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.defaults import SPECTRUM_PATH
from spectral_sched.errors import UsageError
from spectral_sched.system import shell
from spectral_sched.words import whole_number

from .manifest import item_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spectral_sched.sources import Item

    from .manifest import Manifest


ENDING = ".partial.json"
"""Of the names that shards have if none is given."""


@dataclass(frozen=True)
class Shard:
    """Part `index` of a source in `count` parts, counted from 0."""

    index: int = 0
    count: int = 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


WHOLE = Shard()
"""The source as one shard."""


def parse_shard(text: str) -> Shard:
    """Return the shard written as ``INDEX/COUNT``.

    Examples
    --------
    >>> parse_shard("0/8")
    Shard(index=0, count=8)
    """
    index, count = (whole_number(part) for part in text.partition("/")[::2])
    if index is not None and count is not None and index < count:
        return Shard(index, count)
    message = f"--shard must be one of 0/N to N-1/N, as in 0/8, not {text!r:.60}"
    raise UsageError(message)


def output_path(shard: Shard | None) -> Path:
    """Return the file that is written if none is named."""
    if shard is None:
        return SPECTRUM_PATH
    name = f"{SPECTRUM_PATH.stem}.{shard.index}-of-{shard.count}{ENDING}"
    return SPECTRUM_PATH.with_name(name)


def merge_line(path: Path) -> str:
    """Return the command that merges the shards beside one of them."""
    if not path.name.endswith(ENDING):
        return shell.line("merge", path)
    folder = f"{shell.quoted(path.parent)}/"
    if path.parent == Path() and not path.name.startswith("-"):
        folder = ""
    # The shell expands the star, so that no quotes may be around it.
    return f"specsched merge {folder}*{ENDING}"


def shard_items(
    items: Iterable[Item], shard: Shard, source: Manifest
) -> Iterator[Item]:
    """Stream the items of a shard, and add the names of all items to a manifest."""
    for item in items:
        source.add(item.name)
        if item_hash(item.name) % shard.count == shard.index:
            yield item
