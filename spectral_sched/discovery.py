"""Registries that fill themselves: what the modules of a package declare."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def declared(package: str, name: str) -> Iterator[Any]:
    """Yield what each module of a package lists under a name, module by module.

    Modules that list nothing are passed over, so that one new file is all that a new
    entry takes.
    """
    for module in pkgutil.iter_modules(sys.modules[package].__path__):
        found = importlib.import_module(f"{package}.{module.name}")
        yield from getattr(found, name, ())
