"""Flags that several commands share, and how a measured spectrum is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from spectral_sched import defaults
from spectral_sched.errors import UsageError
from spectral_sched.system import shell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from spectral_sched.analysis.chunk import Skipped
    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.analysis.origin import Origin
    from spectral_sched.console.output import Publisher
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Aside, Item


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Overwrite other files, or results of other settings."
    ),
]
MODEL_HELP = (
    "bundled, wiener, images:DIR, diffusers:DIR, FILE.safetensors, FILE.onnx, or "
    "MODULE:FUNCTION of your own, which runs that code."
)
"""Models by name; `spectral_sched.diffusion.models.load` has them."""

Precision = Annotated[str, typer.Option(help="float32 or float64.")]
NetworkPrecision = Annotated[
    str,
    typer.Option(
        help="float32, tf32, bf16 or float64; auto: within half a grey level."
    ),
]
Epsilon = Annotated[
    float, typer.Option(help="Nats per mode below which a ring is swamped.")
]
Tolerance = Annotated[
    float, typer.Option(help="Error allowed at sigma_min, in 8-bit rounding errors.")
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
    str | None,
    typer.Option(
        help="Values of black and white, as in -1,1; percentile:0.1,99.9; or window."
    ),
]
Bands = Annotated[
    list[str] | None,
    typer.Option(help="Bands to take as channels: all, or numbers as in 1,2,3."),
]
Planes = Annotated[
    str | None,
    typer.Option(help="Planes of stacks: all, first, middle or a number from 1."),
]
Nodata = Annotated[
    str, typer.Option(help="Missing values: refuse or mask, with a value as in mask:0.")
]
Standardize = Annotated[
    str, typer.Option(help="Scale: none, or band for each to mean 0 and deviation 1.")
]
Array = Annotated[str | None, typer.Option(help="Array of an npz file to read.")]
Column = Annotated[str | None, typer.Option(help="Column of a table to read.")]
Channels = Annotated[
    str | None, typer.Option(help="Where arrays have channels: first, last or none.")
]
AllFiles = Annotated[
    bool, typer.Option("--all-files", help="Read files of any ending.")
]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=defaults.MOST_THREADS,
        help="CPU threads; at most the number of cores by default.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Mixture = Annotated[
    int | None,
    typer.Option(
        min=1, help="Fit this many Gaussians to the spectra of single images."
    ),
]


def sampler_names(incomplete: str) -> list[str]:
    """Return the samplers whose name begins so, for the shell to complete."""
    from spectral_sched.solvers.registry import ALIASES, SAMPLERS

    return _beginning(incomplete, SAMPLERS, ALIASES)


def target_names(incomplete: str) -> list[str]:
    """Return the targets whose name begins so, for the shell to complete."""
    from spectral_sched.targets.registry import ALIASES, TARGETS

    return _beginning(incomplete, TARGETS, ALIASES)


def _beginning(start: str, names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return names that begin so; names of other programs once a letter is there."""
    names = [*names, *(each for each in others if start and " " not in each)]
    return [name for name in names if name.lower().startswith(start.lower())]


def joined(parts: Sequence[str] | None) -> str | None:
    """Return the list with commas that a flag was given in one part or in several.

    Examples
    --------
    >>> joined(["5,8", "12"])
    '5,8,12'
    """
    return ",".join(parts) if parts else None


def parse_range(text: str | None, flag: str) -> tuple[float, float] | None:
    """Return the two numbers of ``LOW,HIGH``, as given with a flag.

    Examples
    --------
    >>> parse_range("0.3,5", "--guidance-interval")
    (0.3, 5.0)
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        message = f"{flag} needs two numbers as in 0,1, not {text!r}"
        raise UsageError(message) from error
    return low, high


def parse_preprocessing(flags: Mapping[str, Any]) -> Preprocessing:
    """Return what flags ask to be done to every image.

    Parameters
    ----------
    flags
        What was given for each; ``window`` and ``fast`` may be left out.
    """
    from spectral_sched.images.preprocessing import make_preprocessing

    return make_preprocessing(
        *(flags[name] for name in ("resolution", "crop", "resize", "color")),
        background=flags["background"],
        window=flags.get("window", "none"),
        data_range=flags["data_range"],
        fast=flags.get("fast", False),
        bands=joined(flags["bands"]),
        **{name: flags[name] for name in ("nodata", "standardize")},
    )


def measured_preprocessing(
    preprocessing: Preprocessing, flags: Mapping[str, Any]
) -> Preprocessing:
    """Return settings whose range is known, measured on a sample if it has to be."""
    if not preprocessing.is_measured:
        return preprocessing
    from spectral_sched.analysis.data_range import range_sentence, with_measured_range
    from spectral_sched.system.streams import say

    if flags.get("files_from") == "-":
        message = (
            "a range that is measured takes reading the list twice; write the list to "
            "a file, or state --data-range LOW,HIGH"
        )
        raise UsageError(message)
    known = with_measured_range(preprocessing, lambda: asked_items(flags)[0])
    say(range_sentence(known))
    return known


def asked_items(flags: Mapping[str, Any]) -> tuple[Iterator[Item], Aside]:
    """Return the images of the sources that flags name, and what takes the rest.

    Parameters
    ----------
    flags
        What was given for each; ``files_from`` may be left out.
    """
    from spectral_sched import sources

    aside = sources.Aside()
    chosen = {name: flags[name] for name in sources.CHOICES}
    chosen["bands"] = joined(chosen["bands"])
    listed = flags.get("files_from")
    return sources.items(
        flags["source"], files_from=listed, **chosen, aside=aside
    ), aside


def publish_spectrum(publish: Publisher, measured: Measurement, precision: str) -> None:
    """Print what was measured and write the spectrum file."""
    from spectral_sched.console.measurement import measurement_parts
    from spectral_sched.documents.provenance import provenance
    from spectral_sched.files.spectrum import measured_arguments, spectrum_document
    from spectral_sched.system.streams import say

    say_left_out(measured.skipped, measured.origin)
    for message in measured.warnings:
        say(f"warning: {message}")
    if measured.spectrum.num_distinct is None:
        say(
            "copies among the images were not counted: too many differ, or shards "
            "are of an earlier version"
        )
    asked = measured_arguments(measured) | {"precision": precision}
    publish(
        measurement_parts(measured),
        spectrum_document(measured, provenance(asked)),
        following=export_after(publish.output),
    )


def say_left_out(skipped: Skipped, origin: Origin) -> None:
    """Say what of the sources was skipped, not used, or not taken for images."""
    from spectral_sched.system.streams import say

    for message in skipped.messages:
        say(f"skipped: {message}")
    for message in origin.remarks:
        say(f"warning: {message}")
    for message in origin.left_out:
        say(message)


def export_after(spectrum: Path) -> str:
    """Return the command that plans from a file."""
    usual = spectrum == defaults.SPECTRUM_PATH
    named = () if usual else ("--spectrum", spectrum)
    return shell.line("export", *named, "--steps", str(defaults.NUM_STEPS))
