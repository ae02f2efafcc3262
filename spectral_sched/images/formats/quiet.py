"""Decoders that write to the terminal what their errors say, listened to instead."""

from __future__ import annotations

import ctypes
import logging
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PIL import _imaging

if TYPE_CHECKING:
    from collections.abc import Iterator


LOGGERS = ("tifffile", "PIL.TiffImagePlugin")

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
"""What libtiff calls: with a function, a format as of `printf`, and what fills it."""


@contextmanager
def heard_libtiff() -> Iterator[list[str] | None]:
    """Hear the errors of libtiff, as Pillow has it, which writes them otherwise.

    Yields the functions that found an error, such as ``Fax4Decode``, as they come; None
    where libtiff cannot be reached, because it was built in, and writes on.
    """
    set_handler = _libtiff_handler()
    if set_handler is None:
        yield None
        return
    heard: list[str] = []

    def hear(function: bytes | None, _format: bytes, _values: int) -> None:
        heard.append((function or b"libtiff").decode("ascii", "replace"))

    handler = HANDLER(hear)
    before = set_handler(ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield heard
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
def quiet_logs() -> Iterator[None]:
    """Keep tifffile and Pillow from logging what they find wrong with a TIFF."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
