#!/bin/sh
# Pillow 13.0.0 opens an RGB TIFF of 16 bits in separate planes (PlanarConfiguration 2, as
# TIFF 6.0 allows and GDAL's INTERLEAVE=BAND writes) without an error, and gives the low and
# high bytes of its values as neighbouring pixels of 8 bits: noise in place of a ramp.
# specsched reads such files by tifffile.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    pillow==13.0.0 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import tifffile
from PIL import Image

ramp = np.repeat(np.linspace(0, 60000, 64).astype(np.uint16)[:, None], 64, axis=1)
tifffile.imwrite(
    "a.tif", np.stack([ramp] * 3), photometric="rgb", planarconfig="separate"
)
with Image.open("a.tif") as image:
    mode, seen = image.mode, np.asarray(image)
print("one row of the ramp:", ramp[10, :4], "of 16 bits")
print("as Pillow gives it:", seen[10, :4, 0], mode)
assert mode == "RGB"
assert len(np.unique(seen[10, :, 0])) > 1
END
