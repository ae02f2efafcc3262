"""Strict JSON documents and files: read with types, written whole or not at all."""
