"""What a file says of its own making: tool, time, arguments. Never a host or a path."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .documents import Document

PROVENANCE_KEYS = ("tool", "created", "arguments")


def provenance(arguments: Mapping[str, object]) -> Document:
    """Return the provenance block of a document.

    Parameters
    ----------
    arguments
        The settings of the command, without names of files.
    """
    created = datetime.now(UTC).isoformat(timespec="seconds")
    values = (f"specsched {__version__}", created, dict(arguments))
    return dict(zip(PROVENANCE_KEYS, values, strict=True))
