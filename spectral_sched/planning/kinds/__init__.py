"""Kinds of tables; each module declares `KINDS`."""
