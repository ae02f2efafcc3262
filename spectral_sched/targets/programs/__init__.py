"""One file for each program, or family of programs, that plays our tables.

A file declares ``TARGETS``; the registry finds it there.
"""
