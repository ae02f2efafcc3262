"""Images of what files say: of spectra, tables, errors and laws.

The way of the data: `subjects` reads files, `curves` derives the numbers that are
drawn, `panels` puts them together; then `drawing` and `canvas` make an image of them
with matplotlib, which only these two import, or `blocks` and `terminal` make text.
"""
