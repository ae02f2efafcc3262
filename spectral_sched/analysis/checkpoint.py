"""Work saved now and then, so that a run that was cut short can be taken up again.

A checkpoint holds the statistics of the first items of a source and a sum over these
items: position, name, and size and time of the file (or a checksum, where the bytes are
at hand). A run that is resumed lists the source again in the order in which its
system or its archive gives it, which is the same as long as nothing in it changes;
looks at the first items without decoding them; and is refused if the sum is another.
That takes a stat per file, and for an archive the reading of what was done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import check_output, is_ours, write_document
from spectral_sched.errors import InputError, KilledError, UsageError
from spectral_sched.system.interrupts import Interrupted, saved_at

from .chunk import Chunk
from .manifest import Manifest
from .partial_file import Partial, partial_document, read_partial

if TYPE_CHECKING:
    from pathlib import Path

    from .chunk import AnalysisSettings
    from .shard import Shard

SECONDS_BETWEEN = 2.0
"""Time between savings, at least."""

SHARE_OF_TIME = 0.02
"""How much of the time may be spent on saving."""

RESTART = "start again with --force, without --resume"
"""What helps where saved work is of no use."""


Tell = Callable[[str], object]
"""Called with a sentence that the user should see."""


def checkpoint_path(output: Path) -> Path:
    """Return where the work towards an output is saved: hidden, beside it."""
    return output.with_name(f".{output.name}.partial")


def _check_ours(path: Path) -> None:
    """Raise `UsageError` if there is a file of someone else, and not an empty one."""
    if path.exists() and path.stat().st_size and not is_ours(path):
        message = (
            f"{path}, where work that is cut short is kept, was not written by "
            "specsched; move it away, or replace it with --force"
        )
        raise UsageError(message)


class Checkpoint:
    """The place where the work is saved.

    Parameters
    ----------
    path
        The file.
    settings, shard
        What the work is. What was saved of other work is refused.
    resume
        Whether to begin with what is there; otherwise it is replaced.
    tell
        Told once if the work cannot be saved; it goes on all the same.
    force
        Whether what others wrote there is replaced too.
    """

    def __init__(
        self,
        path: Path,
        settings: AnalysisSettings,
        shard: Shard,
        *,
        resume: bool,
        tell: Tell = print,
        force: bool = False,
    ) -> None:
        check_output(path, force=True)
        if not (resume or force):
            _check_ours(path)
        self.path, self.settings, self.shard = path, settings, shard
        self.tell, self.failed = tell, False
        self.before = Chunk()
        if resume and path.exists():
            self.before = self._read()
        self.expected = Manifest(
            self.before.manifest.count, self.before.manifest.digest
        )
        self.num_saved = self.expected.count
        self.begun = time.monotonic()
        self.next = self.begun + SECONDS_BETWEEN

    def _read(self) -> Chunk:
        if not self.path.stat().st_size:
            message = (
                f"{self.path} is empty, so there is nothing to continue; leave out "
                "--resume"
            )
            raise InputError(message)
        saved = read_partial(self.path, RESTART)
        changed = self.settings.changed(saved.settings)
        if saved.shard != self.shard:
            changed = f"{changed}, shard" if changed else "shard"
        if changed:
            message = (
                f"{self.path} was begun with other settings (other {changed}); "
                f"use the same ones, or {RESTART}"
            )
            raise InputError(message)
        return saved.chunk

    def check(self, whole: Chunk) -> None:
        """Raise `InputError` if the source is not the one that the checkpoint is of."""
        if whole.recognised != self.expected:
            message = f"the images changed since {self.path} was written; {RESTART}"
            raise InputError(message)

    def save_if_due(self, whole: Chunk) -> None:
        """Save the work if some time has passed and the source is known to be right."""
        if whole.recognised.count < self.expected.count:
            return
        self.check(whole)
        begun = time.monotonic()
        if begun < self.next:
            return
        self._save(whole)
        done = time.monotonic()
        self.next = done + max(SECONDS_BETWEEN, (done - begun) / SHARE_OF_TIME)

    def finish(self, whole: Chunk) -> None:
        """Save long work once more: what is made of it may fail, or be refused."""
        self.check(whole)
        if time.monotonic() - self.begun > SECONDS_BETWEEN:
            self._save(whole)

    def stopped(self, whole: Chunk) -> Interrupted:
        """Save the work if there is any, and return what the run ends with."""
        self._save_what_is_new(whole)
        return saved_at("item", self.num_saved) if self.num_saved else Interrupted()

    def killed(self, whole: Chunk, error: KilledError) -> KilledError:
        """Save the work if there is any, and return an error that says how to go on."""
        self._save_what_is_new(whole)
        if not self.num_saved:
            return error
        return KilledError(error.what, f"{error.cure} and --resume")

    def _save_what_is_new(self, whole: Chunk) -> None:
        if whole.recognised.count >= self.expected.count and whole.manifest.count:
            self._save(whole)

    def _save(self, whole: Chunk) -> None:
        partial = Partial(whole, self.settings, self.shard)
        try:
            write_document(partial_document(partial, provenance({})), self.path)
        except UsageError as error:
            if not self.failed:
                reason, _, _ = str(error).partition(";")
                self.tell(f"warning: {reason}; the work continues unsaved")
            self.failed = True
            return
        self.failed, self.num_saved = False, whole.manifest.count

    def remove(self) -> None:
        """Remove the file, once the output is there."""
        self.path.unlink(missing_ok=True)
