"""The files that commands write and read, one module for each format."""
