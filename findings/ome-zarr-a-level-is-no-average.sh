#!/bin/sh
# ome-zarr 0.18.0: a level of a pyramid of white noise of deviation 1 has .40, where the
# average of four neighbours has .50: what its resizing leaves is smoother than the halving
# that the scale of 2 in its metadata suggests, and power spectra of levels say so.
# specsched reads the finest level unless another is named.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    ome-zarr==0.18.0 zarr==3.1.6 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import zarr
from ome_zarr.format import FormatV05
from ome_zarr.writer import write_image

noise = np.random.default_rng(0).normal(0, 1, (512, 512)).astype(np.float32)
group = zarr.open_group("a.zarr", mode="w", zarr_format=3)
write_image(noise, group, axes="yx", fmt=FormatV05())
first, second = (float(group[name][:].std()) for name in ("s0", "s1"))
average = noise.reshape(256, 2, 256, 2).mean(axis=(1, 3)).std()
print(f"levels 0 and 1: {first:.3f}, {second:.3f}; averages of four: {average:.3f}")
assert second < 0.9 * average
END
