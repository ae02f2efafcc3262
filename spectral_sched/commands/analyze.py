"""Measure the spectrum of images, whole or in shards."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spectral_sched import defaults
from spectral_sched.words import number_of

from .shared import (
    AllFiles,
    Array,
    Background,
    Bands,
    Channels,
    Color,
    Column,
    Crop,
    DataRange,
    Epsilon,
    Force,
    Json,
    Mixture,
    Nodata,
    Planes,
    Precision,
    Resize,
    Resolution,
    Resume,
    Standardize,
    Tolerance,
    asked_items,
    measured_preprocessing,
    parse_preprocessing,
    publish_spectrum,
    say_left_out,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spectral_sched.analysis.checkpoint import Checkpoint
    from spectral_sched.analysis.chunk import AnalysisSettings
    from spectral_sched.analysis.measurement import Measurement, Wanted
    from spectral_sched.analysis.partial_file import Partial
    from spectral_sched.analysis.shard import Shard
    from spectral_sched.console.output import Publisher
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Item


def analyze(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders, images, zip, tar, npz, npy, parquet, arrow, or URLs."
        ),
    ] = None,
    files_from: Annotated[
        str | None, typer.Option(help="File that lists sources; - is standard input.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; - is stdout.")
    ] = None,
    resolution: Resolution = None,
    crop: Crop = "center",
    resize: Resize = "lanczos",
    color: Color = "auto",
    background: Background = "black",
    window: Annotated[
        str, typer.Option(help="Fade the borders: none or hann.")
    ] = "none",
    data_range: DataRange = None,
    standardize: Standardize = "none",
    bands: Bands = None,
    planes: Planes = None,
    nodata: Nodata = "refuse",
    array: Array = None,
    column: Column = None,
    channels: Channels = None,
    all_files: AllFiles = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Decode large JPEGs at reduced size.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad image.")
    ] = False,
    max_errors: Annotated[
        int | None, typer.Option(min=0, help="Stop after this many bad images.")
    ] = None,
    epsilon: Epsilon = defaults.EPSILON,
    tolerance: Tolerance = defaults.TOLERANCE,
    mixture: Mixture = None,
    precision: Precision = "float32",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores if not given.")
    ] = None,
    resume: Resume = False,
    shard: Annotated[
        str | None, typer.Option(help="Only one part, as in 0/8; then merge.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Work on a Dask cluster: local or an address.")
    ] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Measure the spectrum and the useful noise range of your images.

    Prints power and swamping level per octave of frequency and the tight range with
    its uncertainty, and writes all of it to spectrum.json, which export plans from.
    You must prepare images as you do for training. Images that cannot be read are
    skipped and counted; nothing in a file is executed.

    Example: specsched analyze ./images --resolution 64

    Example: specsched analyze 'train-{000..127}.tar' --resolution 256 -o train.json

    Example: specsched analyze photos/ scans.zip more.tar --resolution 64

    See also: merge, for the parts that --shard makes; export; show.
    """
    flags = locals()
    from spectral_sched.analysis.measurement import Wanted
    from spectral_sched.analysis.origin import origin_of
    from spectral_sched.analysis.run import analysis_settings, make_executor
    from spectral_sched.analysis.shard import output_path, parse_shard
    from spectral_sched.console.output import Publisher
    from spectral_sched.console.progress import image_counter
    from spectral_sched.sources.folder import counted

    part = parse_shard(shard) if shard else None
    wanted = Wanted(epsilon, tolerance, mixture)
    wanted.check(of_shard=part is not None)
    preprocessing = parse_preprocessing(flags)
    publish = Publisher(output or output_path(part), json=json, force=force)
    preprocessing = measured_preprocessing(preprocessing, flags)
    items, aside = asked_items(flags)
    settings = analysis_settings(preprocessing, precision)
    publish.expect(_request(preprocessing, wanted, precision, part))
    checkpoint = _opened(publish, settings, part, resume=resume)
    with (
        make_executor(workers, dask) as executor,
        image_counter("images", counted(source)) as progress,
    ):
        found = _analyse(
            items,
            settings,
            wanted,
            part,
            executor=executor,
            max_errors=0 if strict else max_errors,
            checkpoint=checkpoint,
            progress=progress,
        )
    found = replace(found, origin=origin_of(source or [], aside))
    with _kept_if_refused(checkpoint):
        _publish(publish, found, precision)
    if checkpoint:
        checkpoint.remove()


def _request(
    preprocessing: "Preprocessing",
    wanted: "Wanted",
    precision: str,
    part: "Shard | None",
) -> dict[str, object]:
    """Return what the file will say of the request, before an image is read."""
    from spectral_sched.images.preprocessing import preprocessing_members

    known = {"preprocessing": preprocessing_members(preprocessing)}
    if part:
        return {"format": "specsched.partial", **known}
    asked = {"epsilon": wanted.epsilon, "tolerance": wanted.tolerance}
    arguments = asked | {"precision": precision}
    return {"format": "specsched.spectrum", **known, "arguments": arguments}


@contextmanager
def _kept_if_refused(checkpoint: "Checkpoint | None") -> "Iterator[None]":
    """Say that work whose file would replace another can be had without repeating."""
    from spectral_sched.errors import UsageError

    try:
        yield
    except UsageError as error:
        if checkpoint is None or not checkpoint.path.exists():
            raise
        message = f"{error} and --resume, which continues without reading images again"
        raise UsageError(message) from error


def _analyse(
    items: "Iterable[Item]",
    settings: "AnalysisSettings",
    wanted: "Wanted",
    part: "Shard | None",
    **work: Any,
) -> "Measurement | Partial":
    """Return the measured data set, or what one shard of it adds up to."""
    from spectral_sched.analysis.measurement import measure
    from spectral_sched.analysis.run import gather

    if part:
        return gather(items, settings, shard=part, **work)
    precision = settings.precision
    return measure(items, settings.preprocessing, wanted, precision=precision, **work)


def _publish(
    publish: "Publisher", found: "Measurement | Partial", precision: str
) -> None:
    from spectral_sched.analysis.measurement import Measurement

    if isinstance(found, Measurement):
        publish_spectrum(publish, found, precision)
    else:
        _publish_partial(publish, found)


def _opened(
    publish: "Publisher",
    settings: "AnalysisSettings",
    part: "Shard | None",
    *,
    resume: bool,
) -> "Checkpoint | None":
    """Return where the work is saved, and say what of it is done."""
    from spectral_sched.analysis.run import open_checkpoint
    from spectral_sched.system.streams import say

    place, force = publish.output, publish.force
    checkpoint = open_checkpoint(
        place, settings, part, resume=resume, force=force, tell=say
    )
    if checkpoint and checkpoint.expected.count:
        say(f"continuing after {number_of(checkpoint.expected.count, 'item')}")
    return checkpoint


def _publish_partial(publish: "Publisher", gathered: "Partial") -> None:
    from spectral_sched.analysis.partial_file import partial_document
    from spectral_sched.analysis.shard import merge_line
    from spectral_sched.console.measurement import partial_parts
    from spectral_sched.documents.provenance import provenance

    say_left_out(gathered.chunk.skipped, gathered.origin)
    publish(
        partial_parts(gathered),
        partial_document(gathered, provenance({"shard": str(gathered.shard)})),
        following=merge_line(publish.output),
    )
