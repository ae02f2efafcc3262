"""The command ``specsched``: how it begins and ends.

The commands themselves are imported only once requests to stop are heeded, since that
takes a fifth of a second, and users press Ctrl-C as soon as they see a mistake.
"""

import os
import sys
from contextlib import suppress

from .system.interrupts import EXIT_CODE, Interrupted, heeded
from .system.streams import ready_streams, say


def main() -> None:
    """Run the command line; every error ends in one sentence and its exit code."""
    ready_streams()
    with suppress(Interrupted), heeded():
        sys.exit(_ended())
    os._exit(EXIT_CODE)  # interrupted while it was ending


def _ended() -> int:
    try:
        from .commands.app import run

        return run()
    except Interrupted as stop:
        say(str(stop) or "interrupted")
        return EXIT_CODE
