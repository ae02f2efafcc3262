"""Audit a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults
from spectral_sched.system import shell

from .shared import MODEL_HELP, Device, Force, Json, NetworkPrecision, Threads

if TYPE_CHECKING:
    from spectral_sched.diffusion.evaluation.audit_run import AuditRun
    from spectral_sched.documents.strict_json import Document


def audit(
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = defaults.MODEL,
    data: Annotated[
        str | None,
        typer.Option(help="Real images that the model did not see in training."),
    ] = None,
    spectrum: Annotated[
        Path | None,
        typer.Option(help="Spectrum of its images; networks trained here have one."),
    ] = None,
    levels: Annotated[
        int,
        typer.Option(min=4, max=1000, help="Noise levels, even in ln sigma."),
    ] = 24,
    samples: Annotated[
        int,
        typer.Option(min=2, max=defaults.MOST_SAMPLES, help="Images at each level."),
    ] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
    class_label: Annotated[
        str | None, typer.Option(help="Class to give the model, by number or name.")
    ] = None,
    null_label: Annotated[
        int | None, typer.Option(help="Label of no class, if the model does not say.")
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Save it beside the model; later tables keep to it."
        ),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option("--plot", help="Also draw it: a PNG, SVG or PDF (extra [plot])."),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    precision: NetworkPrecision = "float32",
    json: Json = False,
    force: Force = False,
) -> None:
    """Find out where you can trust a model, and what is wrong with it.

    Denoises images at levels over the range and compares the squared error with that
    of Wiener's filter, which any denoiser can reach. Where the model is worse, it
    tries the usual mistakes: pixel range, signs, times, prediction type, classes.
    Without --data it denoises samples of the spectrum's field.

    With --write, export --model, sample and compare plan inside the trusted range.

    Example: specsched audit --model bundled

    Example: specsched audit --model model.safetensors --data ./images --write

    See also: export --model; sample; compare.
    """
    flags = locals()
    from spectral_sched.console.audit import audit_parts
    from spectral_sched.console.output import show
    from spectral_sched.documents.write import check_output, write_document
    from spectral_sched.system.streams import say

    if picture is not None:
        _check_picture(picture, force=force)
    run = _run(flags)
    place = run.place() if write else None
    if place is not None:
        check_output(place, force=force, flag="--write")
    for message in run.messages:
        say(message)
    document = _audited(run, levels * len(run.images[0]))
    show(audit_parts(document), document, json=json)
    if place is not None:
        write_document(document, place, flag="--write")
        say(f"wrote {place}")
    if picture is not None:
        from spectral_sched.plots.audit import write_audit_picture

        write_audit_picture(document, picture)
        say(f"wrote {picture}")
    say(f"next: {_following(model, spectrum)}")


def _run(flags: dict[str, object]) -> "AuditRun":
    from spectral_sched.diffusion.devices import ready_host, resolve_device
    from spectral_sched.diffusion.evaluation.audit_run import AuditOptions, AuditRun

    told = ("class_label", "null_label")
    names = ("model", "data", "spectrum", "seed", *told, "precision")
    options = AuditOptions(
        **{name: flags[name] for name in names},  # type: ignore[arg-type]
        num_levels=flags["levels"],  # type: ignore[arg-type]
        num_images=flags["samples"],  # type: ignore[arg-type]
    )
    ready_host(flags["threads"])  # type: ignore[arg-type]
    return AuditRun(options, resolve_device(str(flags["device"])))


def _following(model: str, spectrum: Path | None) -> str:
    """Return a command that goes on with the model.

    Networks of ours hold the spectrum to plan from, the bundled one in no file.
    """
    from spectral_sched.files.model import SUFFIX

    if spectrum is None and model == defaults.MODEL:
        return shell.line("compare", "--model", model)
    source = Path(model) if spectrum is None and model.endswith(SUFFIX) else spectrum
    named = () if source is None else ("--spectrum", source)
    steps = ("--steps", str(defaults.NUM_STEPS))
    return shell.line("export", "--model", model, *named, *steps)


def _check_picture(path: Path, *, force: bool) -> None:
    """Raise `UsageError` or `UnavailableError` where no image can be written."""
    from spectral_sched.documents.write import check_output
    from spectral_sched.plots.canvas import check_available, check_suffix
    from spectral_sched.plots.marks import is_our_picture

    check_available()
    check_suffix(path)
    check_output(path, force=force, ours=is_our_picture, flag="--plot")


def _audited(run: "AuditRun", total: int) -> "Document":
    from spectral_sched.console.progress import progress_bar

    with progress_bar("auditing", total) as advance:
        return run.document(run.audit(advance))
