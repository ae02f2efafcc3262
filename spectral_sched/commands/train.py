"""Train a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spectral_sched import defaults

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
    Device,
    Force,
    Json,
    Nodata,
    Planes,
    Resize,
    Resolution,
    Resume,
    Standardize,
    Threads,
    asked_items,
    export_after,
    measured_preprocessing,
    parse_preprocessing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spectral_sched.diffusion.torchrun import Processes
    from spectral_sched.diffusion.training.run import TrainingOptions


def train(
    source: Annotated[
        str, typer.Argument(help="Folder, image, zip, tar, npz, npy, parquet, or URL.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Model file to write.")
    ] = defaults.MODEL_PATH,
    law: Annotated[
        str | None,
        typer.Option(
            help="lognormal, spectral, learned, or any kind; see: specsched kinds. "
            "A wide lognormal if not given."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the law, as in mean=-1.2."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="tiny, compact, small or base.",
            show_default=f"{defaults.SIZE}; that of the model with --init",
        ),
    ] = None,
    film: Annotated[
        bool, typer.Option("--film", help="Tell the network each image's range.")
    ] = False,
    classes: Annotated[
        bool, typer.Option("--classes", help="Tell the network each image's folder.")
    ] = False,
    restore: Annotated[
        str | None,
        typer.Option(help="Restore images from: box=4, noise=0.2 or grey=1."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Model to start from, as for fine-tuning.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps in all; with --resume to extend or shorten a run.",
            show_default=f"{defaults.NUM_TRAINED}; with --resume as before",
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes to train in all, instead of steps.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Images per step.")] = 64,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the whole training.")] = 0,
    resolution: Resolution = None,
    crop: Crop = "center",
    resize: Resize = "lanczos",
    color: Color = "auto",
    background: Background = "black",
    data_range: DataRange = None,
    standardize: Standardize = "none",
    bands: Bands = None,
    planes: Planes = None,
    nodata: Nodata = "refuse",
    array: Array = None,
    column: Column = None,
    channels: Channels = None,
    all_files: AllFiles = False,
    device: Device = "auto",
    threads: Threads = None,
    precision: Annotated[
        str,
        typer.Option(
            help="bf16, tf32 or float32 convolutions; auto takes the fastest."
        ),
    ] = "auto",
    save_every: Annotated[
        float, typer.Option(min=0, help="Minutes between saves.")
    ] = 2.0,
    resume: Resume = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Train a pixel denoiser on your images, with any law of noise.

    Writes a safetensors file that records the data, the law and the settings. Ctrl-C
    saves first; --resume continues an interrupted run to the same weights, and
    torchrun shares it between devices. With --restore the network also sees a degraded
    copy of each image: averaged over squares of 4 pixels (box=4), with noise, or
    without colour; a learned law then depends on it. With --classes it learns a class
    for each folder in the source.

    Example: specsched train ./images -o model.safetensors --steps 20000

    Example: specsched train ./images --law laplace --set b=0.75 --size compact

    Example: specsched train ./images --restore box=4 --law learned -o r.safetensors

    See also: sample --model; export --spectrum, which plans from a model's file.
    """
    flags = locals()
    from spectral_sched.console.output import show
    from spectral_sched.console.progress import training_progress
    from spectral_sched.console.training import model_parts
    from spectral_sched.files.model import check_model_output, read_model_document
    from spectral_sched.system.streams import say

    check_model_output(output, force=force, resume=resume)
    _check_apart(source, init, output)
    preprocessing = parse_preprocessing(flags)
    options = _options(flags)
    from spectral_sched.diffusion.torchrun import processes
    from spectral_sched.diffusion.training.pictures import picture_set
    from spectral_sched.diffusion.training.run import TrainingRun

    with processes(device, threads) as group:
        preprocessing = measured_preprocessing(preprocessing, flags)
        items, aside = asked_items(flags)
        pictures = picture_set(items, preprocessing)
        # Before what may be refused, for it may be why.
        _tell((*aside.remarks, *aside.left_out()), group)
        run = TrainingRun(pictures, options, output, group, resume=resume, tell=say)
        _tell(run.messages, group)
        with training_progress(shown=group.first) as progress:
            run(progress)
    if group.first:
        document = read_model_document(output)
        show(model_parts(document), document, json=json)
        say(f"wrote {output}; next: {export_after(output)}")


def _check_apart(source: str, init: Path | None, output: Path) -> None:
    """Raise `UsageError` where a run would write over or among what it begins with.

    It could not be continued: from another model, or with a sheet among its images.
    """
    from spectral_sched.errors import UsageError
    from spectral_sched.files.model import sheet_path
    from spectral_sched.sources import is_among

    sheet = sheet_path(output)
    if init is not None and init.resolve() == output.resolve():
        message = (
            f"--init {init} would be replaced by the model that begins with it, and "
            "--resume could not begin with it again; name another file with -o"
        )
        raise UsageError(message)
    if is_among(sheet, source):
        message = (
            f"{sheet}, where samples of the model are shown, would be among the images "
            f"of {source}; name a file outside of it with -o"
        )
        raise UsageError(message)


def _tell(messages: "Iterable[str]", group: "Processes") -> None:
    """Say sentences, once for all processes."""
    from spectral_sched.system.streams import say

    for message in messages if group.first else ():
        say(message)


def _options(flags: dict[str, Any]) -> "TrainingOptions":
    """Return what flags ask for, checked."""
    from spectral_sched.errors import UsageError

    if flags["steps"] is not None and flags["minutes"] is not None:
        message = "--steps and --minutes both say how long to train; leave one out"
        raise UsageError(message)
    from spectral_sched.diffusion.training.run import training_options
    from spectral_sched.diffusion.training.state_file import length_of_run
    from spectral_sched.diffusion.training.trainer import TrainingSettings

    asked = (flags["steps"], flags["minutes"])
    steps, minutes = length_of_run(flags["output"], *asked, resume=flags["resume"])
    rest = (flags[name] for name in ("batch", "rate", "seed", "precision"))
    return training_options(
        TrainingSettings(steps, *rest),
        flags["size"],
        flags["law"],
        tuple(flags["settings"] or ()),
        **{name: flags[name] for name in ("film", "classes", "init", "restore")},
        minutes_between_saves=flags["save_every"],
        minutes=minutes,
    )
