"""Denoisers: exact ones, the network of the package, and those of others."""
