#!/bin/sh
# datasets 5.2.0: a function for map that only looks at a JPEG and returns its row stores
# the image anew, at Pillow's quality of 75 with halved colours, and again in the next map.
# A function that returns other columns without looking leaves the bytes as they are.
# specsched measures the bytes that are stored: point it at the copy that you train on.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    datasets==5.2.0 pillow==13.0.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import io

import datasets
import numpy as np
from PIL import Image


def look(row):
    row["image"].load()
    return row


datasets.disable_progress_bars()
noise = np.random.default_rng(0).integers(64, 192, (32, 32, 3)).astype(np.uint8)
file = io.BytesIO()
Image.fromarray(noise.repeat(2, 0).repeat(2, 1)).save(
    file, "JPEG", quality=95, subsampling=0
)
features = datasets.Features({"image": datasets.Image()})
row = {"image": [{"bytes": file.getvalue(), "path": None}]}
rows = datasets.Dataset.from_dict(row, features=features)
changed = {}
for name, function in (("no look", lambda row: {"more": 1}), ("a look", look)):
    mapped = rows.map(function)
    before, after = (np.asarray(each[0]["image"], float) for each in (rows, mapped))
    changed[name] = np.sqrt(np.mean((after - before) ** 2))
    print(f"{name}: {changed[name]:.1f} levels rms of {before.std():.1f}")
assert changed["no look"] == 0
assert changed["a look"] > 10
END
