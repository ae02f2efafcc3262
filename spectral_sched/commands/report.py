"""Make a page that says and shows what was measured and planned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults
from spectral_sched.system import shell

from .shared import MODEL_HELP, Device, Force, Json, joined

if TYPE_CHECKING:
    from spectral_sched.report.facts import Findings
    from spectral_sched.report.figures import Sampled

SEEDS = "0-5"
"""Of the samples that are shown, if none are asked for."""


def report(
    spectrum: Annotated[
        Path, typer.Option(help="Spectrum file to report on.")
    ] = defaults.SPECTRUM_PATH,
    schedule: Annotated[
        Path, typer.Option(help="Schedule file made from it.")
    ] = defaults.SCHEDULE_PATH,
    images: Annotated[
        list[str] | None,
        typer.Option(help="Your images, to show a dozen; wherever analyze reads."),
    ] = None,
    model: Annotated[
        str, typer.Option(help=f"Your model, to show samples: {MODEL_HELP}")
    ] = defaults.REPORT_MODEL,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            help="One sample each, as in 0-5 or 3,7,20-29.", show_default=SEEDS
        ),
    ] = None,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Leave out the samples.")
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Page to write; - is stdout.")
    ] = defaults.REPORT_PATH,
    device: Device = "auto",
    json: Json = False,
    force: Force = False,
) -> None:
    """Make one HTML page of your images, noise range and table.

    Reads a spectrum file and a schedule file, and samples with your table and with
    the table that is copied most, from the same noise. Without --model it samples the
    Gaussian field of your spectrum, and without --images, which name what you
    measured, the page begins with the spectrum. It loads nothing and runs nothing.

    Example: specsched report --images ./images --model model.safetensors

    See also: plot, which draws the same figures; sample.
    """
    from spectral_sched.console.output import Publisher
    from spectral_sched.files.samples import parse_seeds
    from spectral_sched.plots.marks import is_our_picture
    from spectral_sched.report.facts import read_findings, report_document, report_lines
    from spectral_sched.report.images import shown_images
    from spectral_sched.report.page import check_available, report_page

    check_available()
    pages = (".html", ".htm")
    publish = Publisher(
        output, json=json, force=force, ours=is_our_picture, endings=pages
    )
    chosen = joined(seeds) or SEEDS
    numbers = [] if no_samples else parse_seeds(chosen)
    found = read_findings(spectrum, schedule)
    shown = shown_images(images, found.measured) if images else []
    sampled = _sampled(found, model, numbers, device) if numbers else []
    arguments = {} if no_samples else {"model": model, "seeds": chosen}
    document = report_document(found, arguments)
    publish(
        report_lines(document),
        document,
        following="" if publish.to_stdout else f"open {shell.quoted(output)}",
        content=report_page(found, document, sampled, shown),
    )


def _sampled(
    found: "Findings", model: str, seeds: list[int], device: str
) -> "list[Sampled]":
    """Return what a model makes of the same noise with both tables."""
    from spectral_sched.console.progress import progress_bar
    from spectral_sched.diffusion.devices import ready_host, resolve_device
    from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
    from spectral_sched.images.png import as_bytes
    from spectral_sched.planning.replan import without_flags
    from spectral_sched.report.figures import COPIED, TABLE, Sampled
    from spectral_sched.system.streams import say

    ready_host()
    place, sampled = resolve_device(device), []
    for name, plan in ((COPIED, found.usual), (TABLE, found.plan)):
        run = SamplingRun(plan, SamplingOptions(model), place)
        # What sample could do about it with a flag is not to be had here.
        messages = without_flags(run.messages)
        for message in messages:
            say(f"{name}: {message}")
        total = len(seeds) * run.plan.table.num_steps
        with progress_bar(f"sampling with the {name}", total) as advance:
            images = [as_bytes(image) for image in run(run.samples(seeds), advance)]
        sampled.append(Sampled(name, images, seeds, messages))
    return sampled
