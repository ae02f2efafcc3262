#!/bin/sh
# scikit-image 0.26.0: io.imread of a TIFF of five grey planes gives (5, H, W), of three
# planes (H, W, 3): a stack of three time steps or depths comes back as a colour picture.
# specsched asks the file which of its axes are bands, and you where it does not say.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    scikit-image==0.26.0 tifffile==2026.3.3 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import tifffile
from skimage import io

shapes = {}
for count in (2, 3, 4, 5):
    stack = np.zeros((count, 48, 64), np.uint8)
    tifffile.imwrite("a.tif", stack, photometric="minisblack")
    shapes[count] = io.imread("a.tif").shape
    print(count, "planes of 48x64:", shapes[count])
assert shapes[5] == (5, 48, 64)
assert shapes[3] == (48, 64, 3)
END
