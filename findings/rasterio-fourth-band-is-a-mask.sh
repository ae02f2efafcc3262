#!/bin/sh
# rasterio 1.4.4: four bands of bytes (blue, green, red, near infrared, say), written with no
# word about their colours, become RGB with the fourth as opacity. Read with masked=True,
# all bands are masked wherever the near infrared is 0, though no value was called missing.
# The same bands of 16 bits are not. (GDAL's GTiff driver picks the colours.)
# specsched takes bands as bands with --bands, and says of opacity that it is composited.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    rasterio==1.4.4 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import rasterio

values = np.random.default_rng(0).integers(0, 4, (4, 32, 32))
masked = {}
for dtype in ("uint8", "uint16"):
    size = {"count": 4, "height": 32, "width": 32, "dtype": dtype}
    with rasterio.open(f"{dtype}.tif", "w", driver="GTiff", **size) as file:
        file.write(values.astype(dtype))
    with rasterio.open(f"{dtype}.tif") as file:
        colors = [color.name for color in file.colorinterp]
        masked[dtype] = int(file.read(1, masked=True).mask.sum())
        print(dtype, colors, "nodata", file.nodata, "masked", masked[dtype], "of 1024")
assert masked["uint8"] == (values[3] == 0).sum() > 0
assert masked["uint16"] == 0
END
