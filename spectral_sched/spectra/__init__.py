"""From the pixels of one image to the spectrum and the noise bounds of a data set."""
