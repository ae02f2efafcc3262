"""One analysis as it is asked for: items in, the statistics of all of them out."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from spectral_sched.documents.write import is_ours
from spectral_sched.errors import KilledError, UsageError
from spectral_sched.spectra.periodogram import check_precision
from spectral_sched.system.cores import available_cores
from spectral_sched.system.interrupts import Interrupted, patience

from .checkpoint import Checkpoint, checkpoint_path
from .chunk import AnalysisSettings, Chunk, analyse_chunk
from .cluster import cluster_executor
from .manifest import Manifest
from .partial_file import Partial
from .processes import ordered_map
from .shard import WHOLE, shard_items
from .tasks import HERE, Executor, Tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Item

    from .checkpoint import Tell
    from .shard import Shard
    from .tasks import Progress


def analyse_items(
    items: Iterable[Item],
    settings: AnalysisSettings,
    *,
    max_errors: int | None = None,
    executor: Executor = HERE,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Chunk:
    """Analyse images.

    Parameters
    ----------
    max_errors
        How many images that cannot be used are skipped; None for any number.
    executor
        Who does the work.
    checkpoint
        Where the work is saved now and then, and what was saved of it before.

    Raises
    ------
    InputError
        If two images differ in size or channels, or more than `max_errors` cannot be
        used.
    """
    whole = Chunk() if checkpoint is None else checkpoint.before
    whole.skipped.most = max_errors
    tasks = Tasks(items, whole.manifest.count, executor.seconds_per_task)
    try:
        for chunk in executor.mapper(partial(analyse_chunk, settings), tasks):
            tasks.learn(chunk)
            _merge(whole, chunk, settings)
            if checkpoint:
                checkpoint.save_if_due(whole)
            if progress:
                progress(whole.num_images, whole.skipped.total)
        if checkpoint:
            checkpoint.finish(whole)
    except Interrupted as stop:
        if checkpoint is None:
            raise
        raise checkpoint.stopped(whole) from stop
    except KilledError as error:
        if checkpoint is None:
            raise
        raise checkpoint.killed(whole, error) from error
    return whole


def _merge(whole: Chunk, chunk: Chunk, settings: AnalysisSettings) -> None:
    """Add a chunk to the whole, all of it or nothing."""
    with patience() as work:
        whole.merge(chunk)
        whole.check(settings.preprocessing)
    if work.asked:
        raise Interrupted


def analysis_settings(preprocessing: Preprocessing, precision: str) -> AnalysisSettings:
    """Return settings, or raise `UsageError` if there is no such precision."""
    return AnalysisSettings(preprocessing, check_precision(precision))


@contextmanager
def make_executor(workers: int | None, dask: str | None) -> Iterator[Executor]:
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
        yield Executor(partial(ordered_map, num_workers=num_workers))
        return
    with cluster_executor(dask, num_workers) as remote:
        yield remote


def open_checkpoint(
    output: Path,
    settings: AnalysisSettings,
    shard: Shard | None,
    *,
    resume: bool,
    force: bool = False,
    tell: Tell = print,
) -> Checkpoint | None:
    """Return where the work towards an output is saved; None for standard output.

    `tell` is called with a sentence if it cannot be saved there.

    Raises
    ------
    UsageError
        If work that was cut short would be lost, and that was not asked for.
    """
    if str(output) != "-":
        path = checkpoint_path(output)
        if is_ours(path) and not (resume or force):
            message = (
                f"{path} holds work towards {output} that was cut short; "
                "continue with --resume, or start again with --force"
            )
            raise UsageError(message)
        part = shard or WHOLE
        return Checkpoint(path, settings, part, resume=resume, force=force, tell=tell)
    if resume:
        message = "--resume needs the file that was to be written; name it with -o"
        raise UsageError(message)
    return None


def gather(
    items: Iterable[Item],
    settings: AnalysisSettings,
    *,
    executor: Executor,
    shard: Shard | None = None,
    max_errors: int | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Partial:
    """Gather the statistics of a source, or of one shard of it."""
    source = Manifest()
    if shard:
        items = shard_items(items, shard, source)
    chunk = analyse_items(
        items,
        settings,
        max_errors=max_errors,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
    return Partial(chunk, settings, shard or WHOLE, source, complete=True)
