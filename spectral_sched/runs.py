"""One analysis as it is asked for: by whom, of which shard, saved where."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from .analysis import Engine, analyse_items
from .checkpoints import Checkpoint, checkpoint_path
from .clusters import cluster_engine
from .errors import UsageError
from .listings import Listing
from .partials import Partial
from .pieces import Settings
from .shards import WHOLE, shard_items
from .spectra.periodogram import check_precision
from .workers import available_cores, ordered_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .analysis import Progress
    from .images.preprocessing import Preprocessing
    from .shards import Shard
    from .sources import Item


def checked_settings(preprocessing: Preprocessing, precision: str) -> Settings:
    """Return settings, or raise `UsageError` if there is no such precision."""
    return Settings(preprocessing, check_precision(precision))


@contextmanager
def engine(workers: int | None, dask: str | None) -> Iterator[Engine]:
    """Give who does the work: processes of this machine, or a Dask cluster.

    Parameters
    ----------
    workers
        How many processes; None for as many as there are cores.
    dask
        ``local``, the address of a scheduler, or None for no cluster.
    """
    num_workers = workers or available_cores()
    if dask is None:
        yield Engine(partial(ordered_map, num_workers=num_workers))
        return
    with cluster_engine(dask, num_workers) as remote:
        yield remote


def checkpoint(
    output: Path, settings: Settings, shard: Shard | None, *, resume: bool
) -> Checkpoint | None:
    """Return where the work towards an output is saved; None for standard output."""
    if str(output) != "-":
        path = checkpoint_path(output)
        return Checkpoint(path, settings, shard or WHOLE, resume=resume)
    if resume:
        message = "--resume needs the file that was to be written; name it with -o"
        raise UsageError(message)
    return None


def gather(
    items: Iterable[Item],
    settings: Settings,
    *,
    engine: Engine,
    shard: Shard | None = None,
    max_errors: int | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Partial:
    """Gather the statistics of a source, or of one shard of it."""
    source = Listing()
    if shard:
        items = shard_items(items, shard, source)
    piece = analyse_items(
        items,
        settings,
        max_errors=max_errors,
        engine=engine,
        checkpoint=checkpoint,
        progress=progress,
    )
    return Partial(piece, settings, shard or WHOLE, source, complete=True)
