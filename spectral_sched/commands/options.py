"""Flags that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from spectral_sched.errors import UsageError

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


def parse_range(
    text: str | None, flag: str = "--data-range"
) -> tuple[float, float] | None:
    """Return the two numbers of ``LOW,HIGH``, as given with a flag.

    Examples
    --------
    >>> parse_range("-1,1")
    (-1.0, 1.0)
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        message = f"{flag} needs two numbers as in 0,1, not {text!r}"
        raise UsageError(message) from error
    return low, high
