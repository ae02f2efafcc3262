#!/bin/sh
# datasets 5.2.0: an RGB array of 16 bits in a column of Image keeps the value modulo 256:
# 0, 1000, 2000 become 0, 232, 208. One warning speaks of downcasting; a grey array of the
# same type is kept whole. Signed numbers below 0 wrap too.
# specsched reads Array2D and Array3D, which keep all bits.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    datasets==5.2.0 pillow==13.0.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import datasets
import numpy as np

grey = (np.arange(64).reshape(8, 8) * 1000).astype(np.uint16)
features = datasets.Features({"image": datasets.Image()})
for name, array in (("grey", grey), ("colour", np.stack([grey] * 3, axis=-1))):
    rows = datasets.Dataset.from_dict({"image": [array]}, features=features)
    seen = np.asarray(rows[0]["image"])
    wide, got = (each.reshape(8, 8, -1)[0, :4, 0] for each in (array, seen))
    print(name, "stored", wide, "read", got)
    expected = array if name == "grey" else array % 256
    assert np.array_equal(seen, expected)
END
