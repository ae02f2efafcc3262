"""Make a table of noise levels, or a law to train with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults

from .options import Device, Force, Json

if TYPE_CHECKING:
    from spectral_sched.console.output import Publisher
    from spectral_sched.exports import Export, ExportOptions, Planner


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
            help="Solver to plan for: dpmpp-2m, euler, heun, ...; see: specsched kinds."
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
    model: Annotated[
        str | None,
        typer.Option(
            help="Model to run, for kinds klub, gits, grid, ld3; as in sample."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Pictures for kind klub to put noise on.")
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
    device: Device = "auto",
    json: Json = False,
    force: Force = False,
) -> None:
    """Make a sigma table, or a law to train with, from a spectrum.

    Plans from spectrum.json, or from a schedule or model file, and writes tight.json,
    which sample plays. Kind optimal has the least expected error of the sampler on
    your images. With --target it writes what another program wants, to standard
    output or to a file whose ending chooses the format.

    Example: specsched export --steps 8 --sampler heun -o heun8.json

    Example: specsched export --schedule tight.json --target comfy

    See also: kinds, for kinds, parameters and samplers; sample; show.
    """
    if list_targets:
        _list_targets(json=json)
        return
    from spectral_sched.console.output import Publisher
    from spectral_sched.exports import ExportOptions, exported

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
        model=model,
        data=data,
        blend=blend,
        weight=weight,
        coordinate=coordinate,
        schedule=schedule,
        target=target,
        known=tuple(known or ()),
        form=form,
        named=output,
    )
    request = options.request()
    publish = Publisher(options.output, json=json, force=force, marked=not target)
    planner = _planner(options, device)
    result = exported(spectrum, options, request, publish.output, planner)
    _publish_export(publish, result)


def _planner(options: "ExportOptions", device: str) -> "Planner":
    """Return what makes the table: a search, if a model is to be run."""
    if options.model is None:
        from spectral_sched.planning.plan import make_plan

        return make_plan
    from spectral_sched.diffusion.devices import resolve_device
    from spectral_sched.diffusion.searches import ModelSearch

    return ModelSearch(options.model, options.data, resolve_device(device))


def _publish_export(publish: "Publisher", result: "Export") -> None:
    from spectral_sched.console.output import say

    for message in result.messages:
        say(message)
    publish(
        result.parts,
        result.document,
        following=result.following,
        content=result.content,
    )


def _list_targets(*, json: bool) -> None:
    from spectral_sched.console.lists import targets_table
    from spectral_sched.console.output import say, show
    from spectral_sched.targets import targets_document

    show([targets_table()], targets_document(), json=json)
    say("next: specsched export --target comfy --steps 8")
