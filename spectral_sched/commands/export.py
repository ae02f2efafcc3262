"""Make a table of noise levels, or a law to train with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from spectral_sched import defaults

from .shared import Device, Force, Json, sampler_names, target_names

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spectral_sched.console.output import Publisher
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.targets.delivery import TargetRequest
    from spectral_sched.targets.export import Export, ExportRequest, Planner

FLAGS = {"settings": "set", "known": "with", "form": "format"}
"""Names of flags that are not those of the parameters."""

FOR_TABLES_ONLY = (
    *("terminal", "start_sigma", "strength", "blend", "coordinate", "schedule"),
    *("model", "data"),
)
"""Flags that mean nothing to a training law."""

FOR_PLANNING_ONLY = (
    *("kind", "steps", "settings", "sigma_min", "sigma_max", "start_sigma", "strength"),
    *("terminal", "resolution", "blend", "weight", "coordinate", "model", "data"),
)
"""Flags that mean nothing to a table that is there already."""

RECORDED = (
    *("purpose", "kind", "steps", "sigma_min", "sigma_max", "start_sigma", "strength"),
    *("terminal", "resolution", "model", "weight", "coordinate", "target"),
)
"""Flags that the file tells if they were given; names of files are left out."""

Flags = Mapping[str, Any]
"""What was given for each flag; None or nothing in it where it was left out."""


def export(
    steps: Annotated[
        int | None,
        typer.Option(help="Number of sampler steps, 8 if not given."),
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
        str | None,
        typer.Option(
            help="Solver to plan for: dpmpp-2m (if not given, or the target's own), "
            "euler, heun, ...; see: specsched kinds.",
            autocompletion=sampler_names,
        ),
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            help="Start from noise about zero, about the mean, or spectral, with the "
            "images' spectrum; auto: zero, or spectral if --model needs it."
        ),
    ] = defaults.AUTO_START,
    spectrum: Annotated[
        Path,
        typer.Option(help="Spectrum, schedule or model file to plan from."),
    ] = defaults.SPECTRUM_PATH,
    resolution: Annotated[
        int | None,
        typer.Option(help="Plan for images of this side, not the measured one."),
    ] = None,
    sigma_min: Annotated[
        float | None, typer.Option(help="sigma_min, in place of the measured one.")
    ] = None,
    sigma_max: Annotated[
        float | None, typer.Option(help="sigma_max, in place of the measured one.")
    ] = None,
    start_sigma: Annotated[
        float | None, typer.Option(help="Start at this sigma, as for image to image.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="The same as a share of the noise, 0 to 1.")
    ] = None,
    terminal: Annotated[
        str | None,
        typer.Option(help="Last step from sigma-min, or zero: in sigma-min's place."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model to plan for, as in sample; kinds such as "
            "fitted, gits, sdm and ld3 run it."
        ),
    ] = None,
    look: Annotated[
        bool,
        typer.Option(
            "--look/--no-look",
            help="Look where a --model without an audit can be trusted.",
        ),
    ] = True,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Images that klub, score-optimal and entropic-model add noise to."
        ),
    ] = None,
    blend: Annotated[
        Path | None, typer.Option(help="Schedule file to average with.")
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
        typer.Option(
            help="Program to write for; see --list-targets.",
            autocompletion=target_names,
        ),
    ] = None,
    list_targets: Annotated[
        bool, typer.Option("--list-targets", help="List the programs and exit.")
    ] = False,
    known: Annotated[
        list[str] | None,
        typer.Option("--with", help="A setting of the target, as in shift=3."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="text, json, csv, npy, npz, safetensors or python."
        ),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(help="Schedule file to write for the target, unchanged."),
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
    which sample reads. Kind optimal has the least expected error of the sampler on
    your images. With --target it writes what another program takes, to standard
    output or to a file whose ending chooses the format.

    Example: specsched export --steps 8 --sampler heun -o heun8.json

    Example: specsched export --schedule tight.json --target comfy

    See also: kinds, for kinds, parameters and samplers; sample; show.
    """
    flags = locals()
    if list_targets:
        _list_targets(json=json)
        return
    from spectral_sched.console.output import Publisher
    from spectral_sched.targets.export import make_export

    request = _request(flags)
    path = output or _default_output(request)
    _check_table_ending(request, path)
    endings = () if target else (".json",)
    publish = Publisher(
        path, json=json, force=force, marked=not target, endings=endings
    )
    _check_target_ending(request, path)
    if target:
        # What it takes may lie over the same of before, never over our other files.
        publish.expect({"format": "specsched.target"})
    else:
        name = "schedule" if request.purpose == "sampling" else request.purpose
        request_told = {"format": f"specsched.{name}", "arguments": request.arguments}
        publish.expect(request_told)
    planner = _planner(flags)
    result = make_export(request, publish.output, planner)
    _publish(publish, result, getattr(planner, "messages", ()))


def _request(flags: Flags) -> "ExportRequest":
    """Return what flags ask for.

    Raises
    ------
    UsageError
        If one cannot be used, or means nothing beside the others.
    """
    from spectral_sched.errors import UsageError, check_choice
    from spectral_sched.planning.kinds.registry import check_kind
    from spectral_sched.schedules.coordinates import check_coordinate
    from spectral_sched.targets.export import ExportRequest, Purpose

    target = _target(flags)
    served = target.target.purposes if target else ("sampling",)
    purpose = flags["purpose"] or served[0]
    training = purpose == "training"
    kind = flags["kind"] or (defaults.TRAINING_LAW if training else defaults.KIND)
    coordinate = flags["coordinate"] or "sigma"
    check_choice(purpose, get_args(Purpose), "purpose", "--for")
    check_kind(kind)
    check_coordinate(coordinate)
    _refuse_what_means_nothing(flags, kind, training=training)
    if flags["weight"] is not None and flags["blend"] is None:
        message = "--weight says how much of the --blend file to take; name one"
        raise UsageError(message)
    solver = target.solver if target and not training else None
    sampler = flags["sampler"] or solver or defaults.SAMPLER
    floor = target.lowest_sigma if target and not training else 0.0
    table = _table_request(flags, kind, sampler, floor, training=training)
    return ExportRequest(
        spectrum=flags["spectrum"],
        purpose="training" if training else "sampling",
        kind=kind,
        table=table,
        arguments=_arguments(flags, purpose, kind, table),
        target=target,
        resolution=flags["resolution"],
        schedule=flags["schedule"],
        blend=flags["blend"],
        weight=0.5 if flags["weight"] is None else flags["weight"],
        coordinate=coordinate,
    )


def _target(flags: Flags) -> "TargetRequest | None":
    """Return what is wanted for another program, if any."""
    from spectral_sched.targets import format_of
    from spectral_sched.targets.delivery import TargetRequest

    if flags["target"] is None:
        return None
    guessed = format_of(flags["output"]) if flags["output"] else None
    form = flags["form"] or guessed
    return TargetRequest.named(flags["target"], tuple(flags["known"] or ()), form)


def _table_request(
    flags: Flags, kind: str, sampler: str, floor: float, *, training: bool
) -> "TableRequest":
    from spectral_sched.planning.kinds.registry import KINDS, parse_kind_settings
    from spectral_sched.planning.request import NoiseLimits, TableRequest

    unnamed = training and flags["kind"] is None
    usual = defaults.TRAINING_SETTINGS if unnamed else ()
    settings = parse_kind_settings(kind, (*usual, *(flags["settings"] or ())))
    steps = defaults.TRAINING_STEPS if training else defaults.NUM_STEPS
    steps = KINDS[kind].num_steps(settings) or steps
    limits = {
        name: flags[name]
        for name in ("sigma_min", "sigma_max", "start_sigma", "strength")
    }
    return TableRequest.of(
        sampler,
        steps if flags["steps"] is None else flags["steps"],
        flags["start"],
        settings=settings,
        limits=NoiseLimits(**limits, floor=floor),
        terminal=flags["terminal"],
    )


def _refuse_what_means_nothing(flags: Flags, kind: str, *, training: bool) -> None:
    from spectral_sched.errors import UsageError
    from spectral_sched.planning.kinds.registry import KINDS

    if training and KINDS[kind].runs_model:
        message = f"kind {kind} makes sigma tables only; try --kind ays"
        raise UsageError(message)
    if training:
        reason = "shapes sigma tables, not laws to train with; leave it out"
        _refuse(flags, FOR_TABLES_ONLY, reason)
    if flags["data"] is not None and flags["model"] is None:
        message = "--data is for a --model to be shown; name one"
        raise UsageError(message)
    if flags["schedule"] is not None:
        reason = "plans a table, and --schedule takes one as it is; leave one out"
        _refuse(flags, FOR_PLANNING_ONLY, reason)
    if flags["target"] is None:
        reason = (
            "is about a program to write for; name one with --target (plain writes "
            "the numbers alone)"
        )
        _refuse(flags, ("known", "form", "schedule"), reason)


def _refuse(flags: Flags, names: tuple[str, ...], reason: str) -> None:
    from spectral_sched.errors import UsageError

    for name in names:
        if flags[name] is not None and flags[name] != []:
            flag = FLAGS.get(name, name.replace("_", "-"))
            message = f"--{flag} {reason}"
            raise UsageError(message)


def _check_table_ending(request: "ExportRequest", path: Path) -> None:
    """Raise `UsageError` where a table is named like a format that targets have."""
    from spectral_sched.console.endings import typed
    from spectral_sched.errors import UsageError
    from spectral_sched.targets import format_of

    form = format_of(path)
    if request.target or request.purpose == "training" or form in (None, "json"):
        return
    message = (
        f"{path} would hold JSON; --target plain writes the numbers alone as {form}, "
        f"type: {typed(path, path, '--target', 'plain')}"
    )
    raise UsageError(message)


def _check_target_ending(request: "ExportRequest", path: Path) -> None:
    """Raise `UsageError` where a target's format does not fit the name of its file."""
    from spectral_sched.console.endings import check_ending
    from spectral_sched.targets import FORMATS

    if request.target:
        form = request.target.target.form(request.target.form)
        check_ending(path, [FORMATS[form].suffix], form)


def _arguments(
    flags: Flags, purpose: str, kind: str, request: "TableRequest"
) -> dict[str, object]:
    """Return what was asked for, defaults resolved, for the file."""
    from spectral_sched.documents.provenance import told_model

    given = {name: flags[name] for name in RECORDED if flags[name] is not None}
    if "model" in given:
        given["model"] = told_model(flags["model"])
    return given | {
        "purpose": purpose,
        "kind": kind,
        "sampler": request.sampler,
        "steps": request.num_steps,
        "start": flags["start"] if flags["model"] else request.start,
        **({"set": dict(request.settings)} if request.settings else {}),
        **({"with": tuple(flags["known"])} if flags["known"] else {}),
    }


def _default_output(request: "ExportRequest") -> Path:
    """Return the file to write; what a target wants goes to standard output."""
    if request.target:
        return Path("-")
    training = request.purpose == "training"
    return defaults.TRAINING_PATH if training else defaults.SCHEDULE_PATH


def _planner(flags: Flags) -> "Planner":
    """Return what makes the table: a planner for the model, if there is one."""
    if flags["model"] is None:
        from spectral_sched.planning.plan import make_plan

        return make_plan
    from spectral_sched.diffusion.devices import ready_host, resolve_device
    from spectral_sched.diffusion.evaluation.planner import ModelPlanner

    ready_host()
    device = resolve_device(flags["device"])
    # Other programs start from noise about zero.
    free = flags["start"] == defaults.AUTO_START and flags["target"] is None
    return ModelPlanner(
        flags["model"], flags["data"], device, look=flags["look"], free_start=free
    )


def _publish(
    publish: "Publisher", result: "Export", planned: Sequence[str] = ()
) -> None:
    from spectral_sched.system.streams import say

    for message in (*planned, *result.messages):
        say(message)
    publish(
        _parts(result),
        result.document,
        following=result.following,
        content=result.content,
    )


def _parts(result: "Export") -> list["RenderableType"]:
    from spectral_sched.console.schedule import plan_parts
    from spectral_sched.console.training import training_parts
    from spectral_sched.planning.plan import Plan
    from spectral_sched.targets.delivery import Delivery

    if isinstance(result.made, Plan):
        return plan_parts(result.made)
    if isinstance(result.made, Delivery):
        return list(result.made.lines)
    return training_parts(result.document)


def _list_targets(*, json: bool) -> None:
    from spectral_sched.console.lists import targets_table
    from spectral_sched.console.output import show
    from spectral_sched.system.streams import say
    from spectral_sched.targets import targets_document

    show([targets_table()], targets_document(), json=json)
    say("next: specsched export --target comfy --steps 8")
