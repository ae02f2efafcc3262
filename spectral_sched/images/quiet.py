"""Decoders that write to the terminal what their errors say too, kept from it."""

from __future__ import annotations

import ctypes
import logging
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PIL import _imaging

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Keep libtiff, as Pillow has it, from writing errors to standard error.

    Where it cannot be reached, because it was built in, it writes on.
    """
    set_handler = _libtiff_handler()
    if set_handler is None:
        yield
        return
    before = set_handler(None)
    try:
        yield
    finally:
        set_handler(before)


@lru_cache(maxsize=1)
def _libtiff_handler() -> Any:
    try:
        # Looked for in Pillow's own library and in those that it is linked to.
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    set_handler.restype = ctypes.c_void_p
    set_handler.argtypes = [ctypes.c_void_p]
    return set_handler


@contextmanager
def quiet_tifffile() -> Iterator[None]:
    """Keep tifffile from logging what it finds wrong with a file."""
    logger = logging.getLogger("tifffile")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
