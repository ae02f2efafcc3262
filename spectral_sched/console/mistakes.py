"""Mistakes that typer finds in a command line, as one sentence like all others."""

from __future__ import annotations

import typer

MISTAKES: type[Exception] = typer.BadParameter.__mro__[2]
"""What typer raises for lines that it cannot use; it has no public name."""


def mistake(error: Exception) -> str:
    """Return what is said about a line that cannot be used: a sentence, or the help."""
    told: str = getattr(error, "format_message", error.__str__)()
    command = getattr(getattr(error, "ctx", None), "command_path", "specsched")
    if "\n" in told.strip():  # no command was named: this is the help
        return f"{told}\n"
    sentence = " ".join(told.split()).removesuffix(".").removesuffix("?")
    sentence = sentence.replace(". Did you mean", "; did you mean")
    sentence = sentence[:1].lower() + sentence[1:]
    return f"error: {sentence}; see: {command} --help\n"
