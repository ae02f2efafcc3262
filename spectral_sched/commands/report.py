"""Make a page that says and shows what was measured and planned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults

from .shared import Device, Force, Json

if TYPE_CHECKING:
    from spectral_sched.report.facts import Findings
    from spectral_sched.report.figures import Sampled


def report(
    spectrum: Annotated[
        Path, typer.Option(help="Spectrum file to report on.")
    ] = defaults.SPECTRUM_PATH,
    schedule: Annotated[
        Path, typer.Option(help="Schedule file made from it.")
    ] = defaults.SCHEDULE_PATH,
    model: Annotated[
        str, typer.Option(help="Model to sample with, as in specsched sample.")
    ] = defaults.MODEL,
    seeds: Annotated[
        str, typer.Option(help="One picture each, as in 0-5 or 3,7,20-29.")
    ] = "0-5",
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
    """Make one HTML page of the pictures, the table and its samples.

    Reads a spectrum file and a schedule file, and samples from the table and from
    karras with the same noise. The page holds all it shows: nothing is loaded and
    nothing runs.

    Example: specsched report --schedule tight.json -o report.html
    """
    from spectral_sched.console.output import Publisher
    from spectral_sched.files.samples import parse_seeds
    from spectral_sched.plots.marks import is_our_picture
    from spectral_sched.report.facts import read_findings, report_document, report_lines
    from spectral_sched.report.page import check_available, report_page

    check_available()
    pages = (".html", ".htm")
    publish = Publisher(
        output, json=json, force=force, ours=is_our_picture, endings=pages
    )
    numbers = [] if no_samples else parse_seeds(seeds)
    found = read_findings(spectrum, schedule)
    sampled = _sampled(found, model, numbers, device) if numbers else []
    arguments = {} if no_samples else {"model": model, "seeds": seeds}
    document = report_document(found, arguments)
    publish(
        report_lines(document),
        document,
        following=f"open {output}",
        content=report_page(found, document, sampled),
    )


def _sampled(
    found: "Findings", model: str, seeds: list[int], device: str
) -> "list[Sampled]":
    """Return what a model makes of the same noise with both tables."""
    from spectral_sched.console.progress import progress_bar
    from spectral_sched.diffusion.devices import resolve_device, use_threads
    from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
    from spectral_sched.files.samples import sheet_title
    from spectral_sched.report.figures import Sampled
    from spectral_sched.system.streams import say

    use_threads()
    place, sampled = resolve_device(device), []
    for name, plan in ((found.name, found.plan), (found.usual_name, found.usual)):
        run = SamplingRun(plan, SamplingOptions(model), place)
        # What sample could do about it with a flag is not to be had here.
        messages = tuple(message.split("; --")[0] for message in run.messages)
        for message in messages:
            say(f"{name}: {message}")
        total = len(seeds) * run.plan.table.num_steps
        with progress_bar(f"sampling with {name}", total) as advance:
            samples = run.samples(seeds)
            labels, title = [each.label() for each in samples], sheet_title(run.plan)
            pictures = list(run(samples, advance))
            sampled.append(Sampled(name, pictures, messages, labels, title))
    return sampled
