"""Objects of many numbers, told in a few lines: in a console and in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Summed:
    """Base of what is shown by a few facts in place of its numbers."""

    def _facts(self) -> Mapping[str, str]:
        """Return what to tell, by names; under twenty of them."""
        raise NotImplementedError

    def __repr__(self) -> str:
        facts = [f"{name}: {fact}" for name, fact in self._facts().items()]
        return "\n  ".join([f"<{type(self).__name__}", *facts]) + ">"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>"
            for name, fact in self._facts().items()
        )
        title = f"<caption>{type(self).__name__}</caption>"
        return f"<table>{title}{''.join(rows)}</table>"


def listed(numbers: tuple[float, ...], most: int = 9) -> str:
    """Return numbers to four digits, of many the first and the last.

    Examples
    --------
    >>> listed((80.0, 2.0, 0.0))
    '80, 2, 0'
    """
    shown = [f"{number:.4g}" for number in numbers]
    half = most // 2
    return ", ".join(
        shown if len(shown) <= most else [*shown[:half], "...", *shown[-half:]]
    )
