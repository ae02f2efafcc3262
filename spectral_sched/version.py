"""The version, where every module may read it without loading the others."""

__version__ = "0.1.0"
