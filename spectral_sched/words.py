"""Words of sentences that depend on numbers."""

from __future__ import annotations

import re

MOST_DIGITS = 20
"""Of a number that somebody means."""


def number_of(number: float, noun: str, plural: str = "", form: str = ",") -> str:
    """Return a number and what there are so many of.

    Parameters
    ----------
    number
        How many there are.
    noun
        What one of them is called; a verb may follow.
    plural
        What several are called, if not with the usual ending.
    form
        How the number is written.

    Examples
    --------
    >>> number_of(1, "image"), number_of(1234, "image"), number_of(0.5, "class")
    ('1 image', '1,234 images', '0.5 classes')
    >>> number_of(1, "step is", "steps are"), number_of(1.004, "second", form=".3g")
    ('1 step is', '1 second')
    """
    shown = format(number, form)
    return f"{shown} {noun if shown == '1' else plural or _several(noun)}"


def whole_number(text: str) -> int | None:
    """Return the number that a text of digits says; None for anything else.

    Numbers of more digits than any use are none: Python refuses some thousands of them.

    Examples
    --------
    >>> whole_number("07"), whole_number("-7"), whole_number("9" * 5000)
    (7, None, None)
    """
    usable = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if usable else None


def _several(noun: str) -> str:
    if re.search("(?:s|x|z|ch|sh)$", noun):
        return f"{noun}es"
    return re.sub("(?<![aeiou])y$", "ie", noun) + "s"
