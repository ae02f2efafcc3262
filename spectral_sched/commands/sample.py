"""Sample pictures."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from spectral_sched import defaults

from .shared import Device, Force, Json, Precision


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
    inputs: Annotated[
        str | None,
        typer.Option("--input", help="Pictures to restore, for a model that does."),
    ] = None,
    class_label: Annotated[
        str | None, typer.Option(help="Class to sample, by number or name.")
    ] = None,
    null_label: Annotated[
        int | None, typer.Option(help="Class of none, if the model does not say.")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="Weight of the class: 1 as trained, 0 none.",
            show_default=f"{defaults.BUNDLED_GUIDANCE:g} for bundled, else 1",
        ),
    ] = None,
    guidance_interval: Annotated[
        str | None, typer.Option(help="Guide between these sigmas only, as in 0.3,5.")
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="One picture each, as in 0-15 or 3,7,20-29.",
            show_default=f"{defaults.SEEDS}; {defaults.RESTORING_SEEDS} with --input",
        ),
    ] = None,
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
    compiled: Annotated[
        bool, typer.Option("--compile", help="Let torch compile the network first.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "float32",
    json: Json = False,
    force: Force = False,
) -> None:
    """Sample pictures with a schedule.

    Writes a PNG per seed and one sheet of them all. A seed gives the same noise in any
    batch and on any device. The bundled model paints 64x64 pictures of the kinds of
    sample_images; wiener and images:DIR are exact denoisers, to judge tables by. A
    model trained with --restore makes a picture of each input and seed.

    Example: specsched sample --schedule tight.json --seeds 0-63

    Example: specsched sample --schedule tight.json --model images:./images -o found

    Example: specsched sample --model restore.safetensors --input ./degraded

    See also: export, which makes schedules; train, which makes models.
    """
    from spectral_sched.console.output import say
    from spectral_sched.console.progress import progress_bar
    from spectral_sched.files.samples import (
        chosen_seeds,
        describe_samples,
        open_gallery,
        parse_seeds,
        write_samples,
    )
    from spectral_sched.files.schedule import read_plan
    from spectral_sched.planning.per_image import drawn_plans
    from spectral_sched.planning.replan import Fitting

    from .shared import parse_range

    seeds = chosen_seeds(seeds, restoring=inputs is not None)
    plan, numbers = read_plan(schedule), parse_seeds(seeds)
    interval = parse_range(guidance_interval, "--guidance-interval")
    drawn_plans(plan, label, wanted=per_image)
    folder = open_gallery(output, force=force)
    from spectral_sched.diffusion.models.guidance import parse_guidance
    from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
    from spectral_sched.diffusion.torchrun import processes

    flags: dict[str, Any] = {"precision": precision, "class_label": class_label}
    flags |= {"null_label": null_label, "guidance": guidance}
    flags |= {"guidance_interval": guidance_interval, "per_image": per_image}
    flags |= {"class": label, "as_is": as_is, "clip": clip, "compile": compiled}
    settings = {"model": model, "seeds": seeds, **describe_samples(flags)}
    options = SamplingOptions(
        model,
        precision,
        parse_guidance(class_label, null_label, guidance, interval, model),
        Fitting(as_is=as_is, clip=clip),
        per_image=per_image,
        label=label,
        compiled=compiled,
        inputs=inputs,
    )
    with processes(device) as group:
        run = SamplingRun(plan, options, group.device)
        for message in run.messages if group.first else ():
            say(message)
        wanted, names = run.samples(numbers), run.input_names
        mine = [wanted[k] for k in group.share(len(wanted))]
        with progress_bar("sampling", len(mine) * run.plan.table.num_steps) as advance:
            pictures = group.gathered(run(mine, advance))
            if not group.first:
                return
            document = write_samples(pictures, wanted, folder, settings, names)
    _tell(len(wanted), folder, schedule, document, json=json)


def _tell(
    count: int, folder: Path, schedule: Path, document: dict[str, Any], *, json: bool
) -> None:
    from spectral_sched.console.output import say, show
    from spectral_sched.files.samples import (
        SHEET_NAME,
    )

    show([f"{count} pictures in {folder}"], document, json=json)
    following = f"specsched show {shlex.quote(str(schedule))}"
    say(f"look at {folder / SHEET_NAME}; next: {following}")
