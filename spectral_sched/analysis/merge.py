"""Partial files of shards to the statistics of the whole."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from spectral_sched.errors import InputError
from spectral_sched.sources.item import listed
from spectral_sched.words import number_of

from .chunk import NAMES_KEPT, AnalysisSettings, Chunk
from .origin import Origin
from .partial_file import Partial, read_partial

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .shard import Shard

REMEDY = (
    "name only files that specsched analyze --shard wrote, and run the shards of "
    "damaged ones again"
)

Source = tuple[int, int]
"""What tells sources apart: the number of their items and the digest of the names."""


def merge_partials(paths: Iterable[Path], *, allow_missing: bool = False) -> Partial:
    """Return the sum of partial files in any order.

    Shards of several sources may be given together; each source must be whole.

    Parameters
    ----------
    allow_missing
        Whether shards may be absent.

    Raises
    ------
    InputError
        If files do not belong together, or one is unfinished, missing or there twice.
    """
    heap = _Heap()
    for path in paths:
        heap.add(path, read_partial(path, REMEDY))
    if heap.settings is None:
        message = "there is nothing to merge; name partial files"
        raise InputError(message)
    if not allow_missing:
        heap.check_whole()
    ordered = [heap.messages[shard] for shard in sorted(heap.messages)]
    heap.chunk.skipped.messages = list(chain.from_iterable(ordered))[:NAMES_KEPT]
    return Partial(heap.chunk, heap.settings, complete=True, origin=heap.origin)


class _Heap:
    """What was merged so far, and from which files."""

    def __init__(self) -> None:
        self.chunk = Chunk()
        self.origin = Origin()
        self.settings: AnalysisSettings | None = None
        self.path: Path | None = None
        self.sources: dict[Source, dict[Shard, Path]] = {}
        self.messages: dict[tuple[Source, int], list[str]] = {}

    def add(self, path: Path, partial: Partial) -> None:
        if not partial.complete:
            message = f"{path} is unfinished; run its command again with --resume"
            raise InputError(message)
        self.path = self.path or path
        self.settings = self.settings or partial.settings
        if self.settings != partial.settings:
            message = (
                f"{self.path} and {path} were made with different settings (other "
                f"{self.settings.changed(partial.settings)}); make all shards with the "
                "same ones"
            )
            raise InputError(message)
        data_set = (partial.source.count, partial.source.digest)
        self._enter(data_set, partial.shard, path)
        self.messages[data_set, partial.shard.index] = partial.chunk.skipped.messages
        self.origin = self.origin.merged(partial.origin)
        self.chunk.merge(partial.chunk)
        self.chunk.check(partial.settings.preprocessing)

    def _enter(self, source: Source, shard: Shard, path: Path) -> None:
        shards = self.sources.setdefault(source, {})
        for other, place in shards.items():
            if other.count != shard.count:
                message = (
                    f"{place} is one of {number_of(other.count, 'shard')} and {path} "
                    f"one of {shard.count}; deal the source once and for all"
                )
                raise InputError(message)
        if shard in shards:
            message = (
                f"{shards[shard]} and {path} are both shard {shard} of one source; "
                "name each shard once"
            )
            raise InputError(message)
        shards[shard] = path

    def check_whole(self) -> None:
        for shards in self.sources.values():
            (count,) = {shard.count for shard in shards}
            missing = sorted(set(range(count)) - {shard.index for shard in shards})
            if missing:
                raise _missing(missing, count, len(self.sources))


def _missing(missing: list[int], count: int, num_sources: int) -> InputError:
    names = listed((f"{index}/{count}" for index in missing), most=3)
    changed = (
        " (or the source changed between its shards: "
        f"they are of {num_sources} different manifests)"
    )
    shards, them = f"shards {names} are", "them"
    if len(missing) == 1:
        shards, them = f"shard {names} is", "it"
    return InputError(
        f"{shards} missing{changed * (num_sources > 1)}; add {them}, "
        f"or merge without {them} with --allow-missing"
    )
