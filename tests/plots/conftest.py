"""Fixtures of the files that are drawn."""

from tests.support.drawn_files import files, plan

__all__ = ["files", "plan"]
