"""Where sources lie: paths and URLs, opened alike, and patterns that stand for many.

URLs are what fsspec knows (``https://``, ``s3://``, ``gs://``, ``hf://`` ...). Nothing
is fetched unless a URL was given, and nothing is written.
"""

from __future__ import annotations

import glob
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from spectral_sched.errors import (
    ImageError,
    InputError,
    SpecschedError,
    UnavailableError,
    UsageError,
)
from spectral_sched.images.limits import MAX_ENCODED_BYTES
from spectral_sched.images.pixels import check_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

SPAN = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?(\d+))?\}")

MOST_PLACES = 1_000_000
"""Places that a pattern may stand for; they are all in memory at once."""


def is_url(place: str) -> bool:
    """Return whether a place is a URL."""
    return "://" in place


def last_name(place: str) -> str:
    """Return the last part of a path or URL."""
    return PurePosixPath(place.split("?")[0]).name


def expand_braces(pattern: str) -> Iterator[str]:
    """Yield the places that a pattern with braces stands for, as in the shell bash.

    A name that exists, or whose braces are not balanced, stands for itself.

    Raises
    ------
    UsageError
        If they are too many.

    Examples
    --------
    >>> list(expand_braces("s{08..10}.tar"))
    ['s08.tar', 's09.tar', 's10.tar']
    >>> list(expand_braces("{train,val}.zip"))
    ['train.zip', 'val.zip']
    """
    from braceexpand import braceexpand

    if os.path.exists(pattern):  # noqa: PTH110 - no error if it is too long for a name
        yield pattern
        return
    try:
        _check_count(pattern)
        yield from braceexpand(pattern, escape=False)
    except (ValueError, RecursionError):  # of braces that are not balanced, or too deep
        yield pattern


WILD = re.compile(r"[*?]|\[[^\]]+\]")


def expand_pattern(pattern: str) -> Iterator[str]:
    """Yield the places that braces and, where no such file is, ``*`` and ``?`` mean.

    Raises
    ------
    InputError
        If a pattern with ``*`` matches nothing.
    UsageError
        If places are too many.
    """
    for place in expand_braces(pattern):
        there = not is_url(place) and os.path.exists(place)  # noqa: PTH110
        if there or not WILD.search(
            place.partition("?")[0] if is_url(place) else place
        ):
            yield place
            continue
        matches = sorted(_matches(place))
        if not matches:
            message = f"{place} matches no file; name a folder of images"
            raise InputError(message)
        yield from matches


def _matches(place: str) -> Iterator[str]:
    if not is_url(place):
        # As the shell does, which knows no hidden ones either.
        yield from glob.iglob(place, recursive=True)  # noqa: PTH207 - keeps the spelling
        return
    system, path = filesystem(place)
    yield from (str(system.unstrip_protocol(found)) for found in system.glob(path))


def _check_count(pattern: str) -> None:
    spans = [[int(end or 1) for end in span] for span in SPAN.findall(pattern)]
    lengths = (abs(last - first) // (step or 1) + 1 for first, last, step in spans)
    if math.prod(lengths) > MOST_PLACES:
        message = (
            f"{pattern} stands for more than {MOST_PLACES:,} places; name fewer, or "
            "list them with --files-from"
        )
        raise UsageError(message)


def open_place(place: str) -> BinaryIO:
    """Open a file or URL for reading and seeking.

    Raises
    ------
    InputError
        If it is not there or cannot be read.
    """
    try:
        if not is_url(place):
            return Path(place).open("rb")
        system, path = filesystem(place)
        return cast("BinaryIO", system.open(path, "rb"))
    except SpecschedError:
        raise
    except Exception as error:
        # Every kind of remote store has errors of its own.
        message = f"cannot read {place}: {_because(error)}"
        raise InputError(message) from error


def _because(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    return " ".join(str(error).split()) or type(error).__name__


def filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it.

    Raises
    ------
    UnavailableError
        If a package that it takes is not installed.
    InputError
        If there is no such kind of URL.
    """
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        cause = error.__cause__ or error
        package = getattr(cause, "name", None) or "fsspec"
        protocol = url.partition("://")[0]
        message = (
            f"{protocol}:// takes a package that is not installed; "
            f"install it with: pip install {package}"
        )
        raise UnavailableError(message) from error
    except ValueError as error:
        message = f"{url} is no URL that specsched can read: {error}"
        raise InputError(message) from error
    return system, str(path)


@dataclass(frozen=True)
class Remote:
    """An encoded image at a URL, fetched by whoever decodes it."""

    url: str

    def read(self) -> bytes:
        """Return its bytes.

        Raises
        ------
        ImageError
            If it cannot be fetched or is over the limit.
        """
        try:
            with open_place(self.url) as file:
                content = file.read(MAX_ENCODED_BYTES + 1)
        except InputError as error:
            raise ImageError(str(error), "unreadable") from error
        except OSError as error:
            message = f"cannot read {self.url}: {_because(error)}"
            raise ImageError(message, "unreadable") from error
        check_bytes(len(content), self.url)
        return content


def remote_files(url: str) -> Iterator[tuple[str, str]]:
    """Stream the files below a URL, one folder's listing at a time.

    Yields
    ------
    The URL of each, and its path relative to the given one.
    """
    system, path = filesystem(url)
    for folder, _, names in system.walk(path):
        for name in names:
            place = f"{str(folder).rstrip('/')}/{name}"
            relative = place.removeprefix(path.rstrip("/")).lstrip("/")
            yield system.unstrip_protocol(place), relative
