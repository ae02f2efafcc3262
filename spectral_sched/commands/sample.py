"""Sample images."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spectral_sched import defaults
from spectral_sched.system import shell
from spectral_sched.words import number_of

from .shared import (
    MODEL_HELP,
    Device,
    Force,
    Json,
    NetworkPrecision,
    Threads,
    joined,
    parse_range,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
    from spectral_sched.diffusion.torchrun import Processes
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.files.samples import Gallery

RECORDED = (
    *(
        "known",
        "precision",
        "class_label",
        "null_label",
        "guidance",
        "guidance_interval",
    ),
    *("per_image", "label", "as_is", "clip", "compiled"),
)
"""Flags that the record tells if they were given."""

NAMES = {"label": "class", "compiled": "compile", "known": "with"}
"""Names of flags that are not those of the parameters."""


def sample(
    schedule: Annotated[
        Path, typer.Option(help="Schedule file to sample with.")
    ] = defaults.SCHEDULE_PATH,
    model: Annotated[
        str,
        typer.Option(help=MODEL_HELP),
    ] = defaults.MODEL,
    inputs: Annotated[
        str | None,
        typer.Option("--input", help="Images to restore, with a model that restores."),
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="For a flow network: noise_scale=2, t_eps=0.05, model=NAME."
        ),
    ] = None,
    class_label: Annotated[
        str | None, typer.Option(help="Class to sample, by number or name.")
    ] = None,
    null_label: Annotated[
        int | None, typer.Option(help="Label of no class, if the model does not say.")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="Guidance weight: 1 as trained, 0 without class.",
            show_default=f"{defaults.BUNDLED_GUIDANCE:g} for bundled, else 1",
        ),
    ] = None,
    guidance_interval: Annotated[
        str | None, typer.Option(help="Guide between these sigmas only, as in 0.3,5.")
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            help="One image each, as in 0-15 or 3,7,20-29.",
            show_default=f"{defaults.SEEDS}; {defaults.RESTORING_SEEDS} with --input",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder to write to.")
    ] = defaults.SAMPLES_PATH,
    per_image: Annotated[
        bool, typer.Option("--per-image", help="Plan a table for each image.")
    ] = False,
    label: Annotated[
        str | None, typer.Option("--class", help="Draw spectra of this class.")
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Keep a table made for another image size.")
    ] = False,
    clip: Annotated[
        bool,
        typer.Option(
            "--clip", help="Plan inside the range that the model was trained on."
        ),
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network with torch first.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
    precision: NetworkPrecision = "auto",
    json: Json = False,
    force: Force = False,
) -> None:
    """Sample images with a schedule.

    Writes a PNG for each seed and one sheet of all. A seed gives the same noise in any
    batch and on any device. The bundled model makes 64x64 images of the four kinds in
    sample_images; wiener and images:DIR are exact denoisers, to judge tables by. A
    model trained with --restore makes an image for each input and seed.

    Example: specsched sample --schedule tight.json --seeds 0-63

    Example: specsched sample --schedule tight.json --model images:./images -o found

    Example: specsched sample --model restore.safetensors --input ./degraded

    See also: export, which makes schedules; train, which makes models.
    """
    flags = locals()
    from spectral_sched.console.endings import check_folder
    from spectral_sched.files.samples import (
        Gallery,
        chosen_seeds,
        open_gallery,
        parse_seeds,
    )
    from spectral_sched.files.schedule import read_plan
    from spectral_sched.planning.per_image import drawn_plans
    from spectral_sched.system.streams import say

    interval = parse_range(guidance_interval, "--guidance-interval")
    chosen = chosen_seeds(joined(seeds), restoring=inputs is not None)
    plan, numbers = read_plan(schedule), parse_seeds(chosen)
    drawn_plans(plan, label, wanted=per_image)
    check_folder(output)
    folder = open_gallery(output, force=force)
    options = _options(flags, interval)
    from spectral_sched.diffusion.sampling.run import SamplingRun
    from spectral_sched.diffusion.torchrun import processes

    with processes(device, threads) as group:
        run = SamplingRun(plan, options, group.device, say)
        for message in run.messages if group.first else ():
            say(message)
        flags["precision"] = run.precision.name
        samples, channels = run.samples(numbers), run.plan.power.field.shape[0]
        gallery = Gallery(folder, samples, force=force, channels=channels)
        document = _fill(gallery, run, group, _settings(flags, chosen))
    if document is not None:
        _tell(len(gallery.samples), folder, schedule, document, json=json)


def _options(
    flags: dict[str, Any], interval: tuple[float, float] | None
) -> "SamplingOptions":
    """Return how to sample with the schedule."""
    from spectral_sched.diffusion.models.guidance import parse_guidance
    from spectral_sched.diffusion.sampling.run import SamplingOptions
    from spectral_sched.planning.replan import Fitting
    from spectral_sched.targets.target import said_flow

    label = flags["class_label"], flags["null_label"]
    return SamplingOptions(
        flags["model"],
        flags["precision"],
        parse_guidance(*label, flags["guidance"], interval, flags["model"]),
        Fitting(as_is=flags["as_is"], clip=flags["clip"]),
        noise=said_flow(flags["known"] or ()),
        **{name: flags[name] for name in ("per_image", "label", "compiled", "inputs")},
    )


def _settings(flags: dict[str, Any], seeds: str) -> dict[str, object]:
    """Return what the record says of the run."""
    from spectral_sched.files.samples import describe_samples

    told = {NAMES.get(name, name): flags[name] for name in RECORDED}
    return {"model": flags["model"], "seeds": seeds, **describe_samples(told)}


def _fill(
    gallery: "Gallery",
    run: "SamplingRun",
    group: "Processes",
    settings: dict[str, object],
) -> "Document | None":
    """Sample into a folder; return its record in the process that writes."""
    from spectral_sched.console.progress import progress_bar
    from spectral_sched.files.samples import sheet_title
    from spectral_sched.images.png import is_shown_whole

    mine = [gallery.samples[k] for k in group.share(len(gallery.samples))]
    if group.first:
        gallery.begin(settings)
    total = len(mine) * run.plan.table.num_steps
    with _telling(gallery), progress_bar("sampling", total) as advance:
        shown = is_shown_whole(run.plan.power.field.shape[0])
        play = run.levels if shown else run
        pictures = group.gather(play(mine, advance))
        if not group.first:
            return None
        title = sheet_title(run.plan)
        return gallery.fill(pictures, settings, run.input_names, title)


@contextmanager
def _telling(gallery: "Gallery") -> "Iterator[None]":
    """Say what is there of a run that is cut short."""
    from spectral_sched.system.interrupts import Interrupted

    try:
        yield
    except Interrupted as stop:
        done, total = gallery.num_saved, len(gallery.samples)
        images = number_of(total, "image is", "images are")
        message = f"interrupted; {done} of {images} in {gallery.folder}"
        raise Interrupted(message) from stop


def _tell(
    count: int, folder: Path, schedule: Path, document: dict[str, Any], *, json: bool
) -> None:
    from spectral_sched.console.output import show
    from spectral_sched.images.png import SHEET_NAME
    from spectral_sched.system.streams import say

    arrays = not document["pictures"][0].endswith(".png")
    kind = " as arrays of all bands, three of them on the sheet" if arrays else ""
    show([f"{number_of(count, 'image')} in {folder}{kind}"], document, json=json)
    following = shell.line("show", schedule)
    say(f"look at {folder / SHEET_NAME}; next: {following}")
