"""The command ``specsched``: flags to library calls to tables. No numerics here.

Each command imports what it needs in its body, so that help is quick and only
sampling loads torch.
"""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from . import __version__, defaults
from .errors import SpecschedError

if TYPE_CHECKING:
    from .console import Publisher
    from .exports import Export
    from .partials import Partial

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Noise levels for pixel diffusion models, measured from your own images.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Force = Annotated[
    bool, typer.Option("--force", help="Replace what specsched did not write.")
]
Precision = Annotated[str, typer.Option(help="float32 or float64.")]
Epsilon = Annotated[
    float, typer.Option(help="Nats per mode below which a ring is swamped.")
]
Tolerance = Annotated[
    float, typer.Option(help="Error that may stay, in 8-bit rounding errors.")
]
Resolution = Annotated[
    int | None, typer.Option(help="Resize to this side, as for training.")
]
Crop = Annotated[str, typer.Option(help="Before resizing: center or none.")]
Resize = Annotated[
    str, typer.Option(help="lanczos, bicubic, bilinear, box or nearest.")
]
Color = Annotated[str, typer.Option(help="auto, rgb or luma.")]
Background = Annotated[
    str, typer.Option(help="Behind transparent pixels: black, white or grey.")
]
DataRange = Annotated[
    str | None, typer.Option(help="Values of black and white, as in -1,1.")
]
Array = Annotated[str | None, typer.Option(help="Array of an npz file to read.")]
Column = Annotated[str | None, typer.Option(help="Column of a Parquet file to read.")]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that was cut short.")
]
Mixture = Annotated[
    int | None,
    typer.Option(min=1, help="Fit so many Gaussians to spectra of single images."),
]


class Interrupted(BaseException):
    """The user pressed Ctrl-C."""


def main() -> None:
    """Run the command line; every error ends in one sentence and its exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except SpecschedError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except Interrupted:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"specsched {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, help="Show the version.")
    ] = False,
) -> None:
    del version


@app.command()
def analyze(
    source: Annotated[
        str | None,
        typer.Argument(help="Folder, image, zip, tar, npz, npy, parquet, or a URL."),
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
    array: Array = None,
    column: Column = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Decode large JPEGs at a fraction.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first bad image.")
    ] = False,
    max_errors: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many bad images.")
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

    Example: specsched analyze ./images --resolution 64
    """
    from . import console, images, measurement, runs, shards, sources, totals

    part = shards.parse_shard(shard) if shard else None
    measurement.check_wishes(epsilon, tolerance, mixture, of_shard=part is not None)
    preprocessing = images.preprocessing(
        resolution,
        crop,
        resize,
        color,
        background=background,
        window=window,
        data_range=images.parse_range(data_range),
        fast=fast,
    )
    output = output or shards.output_path(part)
    items = sources.items(source, files_from=files_from, array=array, column=column)
    publish = console.Publisher(output, json=json, force=force)
    settings = runs.checked_settings(preprocessing, precision)
    checkpoint = runs.checkpoint(output, settings, part, resume=resume)
    if checkpoint and checkpoint.expected.count:
        console.say(f"going on after {checkpoint.expected.count} items")
    with (
        runs.engine(workers, dask) as engine,
        console.counter("images", totals.counted(source)) as progress,
    ):
        gathered = runs.gather(
            items,
            settings,
            engine=engine,
            shard=part,
            max_errors=0 if strict else max_errors,
            checkpoint=checkpoint,
            progress=progress,
        )
    if part:
        _publish_partial(publish, gathered)
    else:
        _publish_spectrum(publish, gathered, epsilon, tolerance, mixture)
    if checkpoint:
        checkpoint.remove()


def _publish_partial(publish: "Publisher", gathered: "Partial") -> None:
    from . import console, report
    from .partials import partial_document
    from .provenance import provenance

    for message in gathered.piece.skipped.messages:
        console.say(f"skipped: {message}")
    publish(
        report.partial_parts(gathered),
        partial_document(gathered, provenance({"shard": str(gathered.shard)})),
        following="specsched merge *.partial.json",
    )


def _publish_spectrum(
    publish: "Publisher",
    gathered: "Partial",
    epsilon: float,
    tolerance: float,
    mixture: int | None,
) -> None:
    from . import console, measurement, report
    from .provenance import provenance
    from .spectrum_files import spectrum_document

    piece, settings = gathered.piece, gathered.settings
    choices = {"epsilon": epsilon, "tolerance": tolerance}
    measured = measurement.measurement(
        piece, settings.preprocessing, num_components=mixture, **choices
    )
    for message in measured.skipped.messages:
        console.say(f"skipped: {message}")
    for message in measured.warnings:
        console.say(f"warning: {message}")
    asked = {"mixture": mixture} if mixture else {}
    arguments = provenance(choices | asked | {"precision": settings.precision})
    publish(
        report.measurement_parts(measured),
        spectrum_document(measured, arguments),
        following=f"specsched export --steps {defaults.NUM_STEPS}",
    )


@app.command()
def merge(
    partials: Annotated[
        list[Path], typer.Argument(help="Files that analyze --shard wrote.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write; - is stdout.")
    ] = defaults.SPECTRUM_PATH,
    epsilon: Epsilon = defaults.EPSILON,
    tolerance: Tolerance = defaults.TOLERANCE,
    mixture: Mixture = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Do without shards not given.")
    ] = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Merge the shards of an analysis, in any order, to what one run would give.

    Example: specsched merge spectrum.*.partial.json
    """
    from . import console, measurement, merging

    measurement.check_wishes(epsilon, tolerance, mixture)
    publish = console.Publisher(output, json=json, force=force)
    gathered = merging.merge_partials(partials, allow_missing=allow_missing)
    _publish_spectrum(publish, gathered, epsilon, tolerance, mixture)


@app.command()
def export(
    steps: Annotated[
        int | None,
        typer.Option(help="Number of steps, 8 if not given; the final 0 is not one."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="optimal, mixed, karras, ...; see: specsched kinds."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the kind, as in rho=5."),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            help="dpmpp-2m, euler, heun, dpmpp-3m, unipc, unipc-3, ipndm or deis."
        ),
    ] = defaults.SAMPLER,
    start: Annotated[
        str, typer.Option(help="Start from noise about zero, mean, or spectral noise.")
    ] = "zero",
    spectrum: Annotated[
        Path, typer.Option(help="Spectrum file, or schedule file to plan anew.")
    ] = defaults.SPECTRUM_PATH,
    resolution: Annotated[
        int | None, typer.Option(help="Plan for this side in place of the measured.")
    ] = None,
    sigma_min: Annotated[
        float | None, typer.Option(help="Lower end, in place of the measured one.")
    ] = None,
    sigma_max: Annotated[
        float | None, typer.Option(help="Upper end, in place of the measured one.")
    ] = None,
    start_sigma: Annotated[
        float | None, typer.Option(help="Begin here, as for a picture given noise.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="The same as a share of noise, 0 to 1.")
    ] = None,
    terminal: Annotated[
        str | None,
        typer.Option(help="Last step from sigma-min, or zero: in sigma-min's place."),
    ] = None,
    blend: Annotated[
        Path | None, typer.Option(help="Schedule file to take the mean with.")
    ] = None,
    weight: Annotated[
        float | None, typer.Option(help="Weight of that file, 0.5 if not given.")
    ] = None,
    coordinate: Annotated[
        str | None,
        typer.Option(help="Also write the levels as log_snr, flow_time, ..."),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--for", help="sampling (if not given) or training."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Program to write for; see --list-targets."),
    ] = None,
    list_targets: Annotated[
        bool, typer.Option("--list-targets", help="List the programs and leave.")
    ] = False,
    known: Annotated[
        list[str] | None,
        typer.Option("--with", help="Something of the target, as in shift=3."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="text, json, csv, npy, npz, safetensors or python."
        ),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(help="Schedule file whose table the target gets as it is."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            *("-o", "--output"),
            help="File, tight.json if not given; - is stdout, where targets go.",
        ),
    ] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Make a sigma table, or a law to train with, from a measured spectrum.

    Example: specsched export --steps 8 --sampler heun -o heun8.json
    """
    if list_targets:
        _list_targets(json=json)
        return
    from . import console
    from .exports import ExportOptions, exported

    options = ExportOptions(
        purpose=purpose,
        kind=kind,
        steps=steps,
        sampler=sampler,
        start=start,
        settings=tuple(settings or ()),
        sigma_min=sigma_min,
        sigma_max=sigma_max,
        start_sigma=start_sigma,
        strength=strength,
        terminal=terminal,
        resolution=resolution,
        blend=blend,
        weight=weight,
        coordinate=coordinate,
        schedule=schedule,
        target=target,
        known=tuple(known or ()),
        form=form,
        named=output,
    )
    wanted = options.request()
    publish = console.Publisher(
        options.output, json=json, force=force, marked=not target
    )
    _publish_export(publish, exported(spectrum, options, wanted, publish.output))


def _publish_export(publish: "Publisher", result: "Export") -> None:
    from . import console

    for message in result.messages:
        console.say(message)
    publish(
        result.parts,
        result.document,
        following=result.following,
        content=result.content,
    )


def _list_targets(*, json: bool) -> None:
    from . import console, report
    from .targets import targets_document

    console.show([report.targets_table()], targets_document(), json=json)
    console.say("next: specsched export --target comfy --steps 8")


@app.command()
def kinds(json: Json = False) -> None:
    """List the kinds of tables: names, parameters, formulas, sources.

    Example: specsched kinds --json
    """
    from . import console, report
    from .kinds import kinds_document

    console.show([report.kinds_table()], kinds_document(), json=json)
    console.say("next: specsched export --kind karras --set rho=5")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A file that specsched wrote.")],
    json: Json = False,
) -> None:
    """Show what is in a file: a spectrum with its bounds, or a schedule.

    Example: specsched show tight.json
    """
    from . import console, files

    document = files.document_of(file)
    console.show(files.parts(document, file), document, json=json)


@app.command()
def train(
    source: Annotated[
        str, typer.Argument(help="Folder, image, zip, tar, npz, npy, parquet, or URL.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Model file to write.")
    ] = defaults.MODEL_PATH,
    law: Annotated[
        str,
        typer.Option(
            help="lognormal, spectral, learned, or any kind; see: specsched kinds."
        ),
    ] = defaults.TRAINING_LAW,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the law, as in mean=-1.2."),
    ] = None,
    size: Annotated[str, typer.Option(help="tiny, compact, small or base.")] = "tiny",
    film: Annotated[
        bool, typer.Option("--film", help="Tell the network each picture's range.")
    ] = False,
    init: Annotated[
        Path | None, typer.Option(help="Model to go on from, as for fine-tuning.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 10_000,
    batch: Annotated[int, typer.Option(help="Pictures per step.")] = 64,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything.")] = 0,
    resolution: Resolution = None,
    crop: Crop = "center",
    resize: Resize = "lanczos",
    color: Color = "auto",
    background: Background = "black",
    data_range: DataRange = None,
    array: Array = None,
    column: Column = None,
    device: Device = "auto",
    precision: Annotated[
        str, typer.Option(help="bf16 or float32 convolutions.")
    ] = "bf16",
    save_every: Annotated[
        float, typer.Option(min=0, help="Minutes between saves of all there is.")
    ] = 2.0,
    resume: Resume = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Train a pixel denoiser on your images, its noise levels drawn from any law.

    Example: specsched train ./images -o model.safetensors --steps 20000
    """
    from . import console, images, model_headers, report, sources

    model_headers.check_model_output(output, force=force)
    preprocessing = images.preprocessing(
        resolution,
        crop,
        resize,
        color,
        background=background,
        data_range=images.parse_range(data_range),
    )
    from .diffusion import picture_sets, training, training_runs
    from .diffusion.processes import processes

    options = training_runs.training_options(
        training.TrainingSettings(steps, batch, rate, seed, precision),
        size,
        law,
        tuple(settings or ()),
        film=film,
        init=init,
        minutes_between_saves=save_every,
    )
    with processes(device) as group:
        items = sources.items(source, array=array, column=column)
        pictures = picture_sets.picture_set(items, preprocessing)
        run = training_runs.TrainingRun(pictures, options, output, group, resume=resume)
        with console.training(steps, shown=group.first) as told:
            run(told)
    if group.first:
        document = model_headers.read_model_document(output)
        console.show(report.model_parts(document), document, json=json)
        console.say(f"wrote {output}; next: specsched sample --model {output}")


@app.command()
def sample(
    schedule: Annotated[
        Path, typer.Option(help="Schedule file to play.")
    ] = defaults.SCHEDULE_PATH,
    model: Annotated[
        str,
        typer.Option(
            help="bundled, wiener, FILE.safetensors, images:DIR or diffusers:DIR."
        ),
    ] = defaults.MODEL,
    class_label: Annotated[
        int | None, typer.Option(help="Class to sample, of a model with classes.")
    ] = None,
    null_label: Annotated[
        int | None, typer.Option(help="Class that stood for none during training.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Weight of the class: 1 as trained, 0 none.")
    ] = None,
    guidance_interval: Annotated[
        str | None, typer.Option(help="Guide between these sigmas only, as in 0.3,5.")
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="One picture each, as in 0-15 or 3,7,20-29.")
    ] = "0-15",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder to write to.")
    ] = defaults.SAMPLES_PATH,
    per_image: Annotated[
        bool, typer.Option("--per-image", help="Draw a spectrum and plan for each.")
    ] = False,
    label: Annotated[
        str | None, typer.Option("--class", help="Draw spectra of this class.")
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Play a table made for another size.")
    ] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="Plan inside the range the model knows.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "float32",
    json: Json = False,
    force: Force = False,
) -> None:
    """Sample pictures with a schedule.

    Example: specsched sample --schedule tight.json --model images:./images
    """
    from . import console, gallery, image_plans, model_fits
    from .plan_files import read_plan

    plan, numbers = read_plan(schedule), gallery.parse_seeds(seeds)
    image_plans.drawn_plans(plan, label, wanted=per_image)
    folder = gallery.open_gallery(output, force=force)
    from .diffusion.guidance import chosen_guidance
    from .diffusion.processes import processes
    from .diffusion.runs import SamplingOptions, SamplingRun

    choices: dict[str, Any] = {
        "class_label": class_label,
        "null_label": null_label,
        "guidance": guidance,
        "guidance_interval": guidance_interval,
    }
    flags = {"per_image": per_image, "class": label, "as_is": as_is, "clip": clip}
    settings: dict[str, Any] = {"model": model, "seeds": seeds, "precision": precision}
    settings |= gallery.said(choices | flags)
    options = SamplingOptions(
        model,
        precision,
        chosen_guidance(**choices),
        model_fits.Fitting(as_is=as_is, clip=clip),
        per_image=per_image,
        label=label,
    )
    with processes(device) as group:
        run = SamplingRun(plan, options, group.device)
        for message in run.messages if group.first else ():
            console.say(message)
        mine = [numbers[k] for k in group.share(len(numbers))]
        with console.bar("sampling", len(mine) * run.plan.table.num_steps) as advance:
            pictures = group.gathered(run(mine, advance))
            if not group.first:
                return
            document = gallery.hang(pictures, numbers, folder, settings)
    console.show([f"{len(numbers)} pictures in {folder}"], document, json=json)
    console.say(f"look at {folder / gallery.SHEET_NAME}")
