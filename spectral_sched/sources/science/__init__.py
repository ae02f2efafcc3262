"""What instruments, scanners and satellites store, read by the library of each field.

Each file of this package is one format: it opens a file, says which of its axes are
rows, columns and bands, and what the file tells of its values; `grid` makes images of
the planes. Libraries are extras and are imported when a file is opened. No file is read
whole: memory is that of a plane, or of a chunk of what is stored in chunks.
"""
