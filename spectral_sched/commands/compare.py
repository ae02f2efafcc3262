"""Measure tables side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults
from spectral_sched.system import shell

from .shared import MODEL_HELP, Device, Force, Json, NetworkPrecision, Threads, joined

if TYPE_CHECKING:
    from spectral_sched.comparisons.files import Comparison
    from spectral_sched.comparisons.options import CompareOptions
    from spectral_sched.diffusion.evaluation.bench import Bench


def compare(
    model: Annotated[
        str,
        typer.Option(help=MODEL_HELP),
    ] = defaults.COMPARED_MODEL,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            help="Kinds of tables, ours first, as in optimal,ays:table=sdxl,grid.",
            show_default=defaults.COMPARED_KINDS,
        ),
    ] = None,
    samplers: Annotated[
        list[str] | None, typer.Option(help="As in heun,dpmpp-2m.")
    ] = None,
    calls: Annotated[
        list[str] | None,
        typer.Option(help="Network calls (NFE) per sample at most, as in 5,8,12."),
    ] = None,
    steps: Annotated[
        list[str] | None,
        typer.Option(help="Sampler steps instead; heun makes two calls in most."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Real images that the model did not see in training."),
    ] = None,
    search_data: Annotated[
        Path | None,
        typer.Option(help="Images for kinds that need some, such as klub."),
    ] = None,
    schedule: Annotated[
        list[Path] | None,
        typer.Option(help="Schedule file to compare too."),
    ] = None,
    spectrum: Annotated[
        Path | None,
        typer.Option(help="Spectrum to plan from; networks trained here have one."),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            min=defaults.LEAST_COMPARED,
            max=defaults.MOST_SAMPLES,
            help="Samples of each table.",
        ),
    ] = defaults.NUM_COMPARED,
    seed: Annotated[int, typer.Option(min=0, help="First seed, shared by all.")] = 0,
    reference_steps: Annotated[
        int,
        typer.Option(
            min=1,
            max=defaults.MOST_REFERENCE_STEPS,
            help="Steps of the fine reference, of heun.",
        ),
    ] = defaults.REFERENCE_STEPS,
    features: Annotated[
        str, typer.Option(help="What distances are on: random, or imagenet (an extra).")
    ] = defaults.FEATURES[0],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder to write to or continue."),
    ] = defaults.COMPARISON_PATH,
    device: Device = "auto",
    threads: Threads = None,
    precision: NetworkPrecision = "float32",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue an interrupted run; compare always does."
        ),
    ] = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Measure tables side by side on one model, with intervals.

    Samples with every table from the same noise, measures the error to a fine
    reference and distances to real images, each with its floor, and says which table
    is better, worse or no different. Writes JSON and CSV to the folder, and saves every
    row as soon as it is measured, so you can stop it and continue.

    Example: specsched compare --kinds optimal,karras --samplers heun --calls 7,11
    """
    from spectral_sched.comparisons.options import CompareOptions, Measuring
    from spectral_sched.console.endings import check_folder
    from spectral_sched.system.streams import say

    del resume  # what was measured is in the folder, and never measured twice
    options = CompareOptions(
        model=model,
        kinds=joined(kinds) or defaults.COMPARED_KINDS,
        samplers=joined(samplers),
        calls=joined(calls),
        steps=joined(steps),
        schedules=tuple(schedule or ()),
        spectrum=spectrum,
        measuring=Measuring(
            data=data,
            search_data=search_data,
            num_samples=samples,
            seed=seed,
            reference_steps=reference_steps,
            precision=precision,
            features=features,
        ),
    )
    check_folder(output)
    folder = options.folder(output, force=force)
    options.cells()  # what cannot be is refused before torch is loaded
    from spectral_sched.diffusion.devices import ready_host
    from spectral_sched.diffusion.evaluation.bench import bench_for

    ready_host(threads)
    bench = bench_for(options, folder, device)
    for message in bench.messages:
        say(message)
    _publish(_measured(bench), options, folder, json=json)


def _publish(
    compared: "Comparison", options: "CompareOptions", folder: Path, *, json: bool
) -> None:
    """Write what was compared, and show it."""
    from spectral_sched.comparisons.options import write_comparison
    from spectral_sched.console.comparison import comparison_parts
    from spectral_sched.console.output import show
    from spectral_sched.plots.comparison import comparison_figure
    from spectral_sched.system.streams import say

    document = options.document(compared)
    for message in write_comparison(compared, document, folder, comparison_figure):
        say(message)
    show(comparison_parts(compared), document, json=json)
    say(f"wrote {folder}; next: {_following(folder)}")


def _following(folder: Path) -> str:
    """Return the command that shows what was compared."""
    from spectral_sched.comparisons.files import RECORD_NAME

    return shell.line("show", folder / RECORD_NAME)


def _measured(bench: "Bench") -> "Comparison":
    """Return what a bench measures; what it has measured is kept if it is stopped."""
    from spectral_sched.console.progress import progress_bar
    from spectral_sched.system.interrupts import Interrupted, saved_at

    try:
        with progress_bar("comparing", bench.num_steps()) as advance:
            return bench(advance)
    except Interrupted as stop:
        raise saved_at("row", bench.num_rows) from stop
