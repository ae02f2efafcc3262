#!/bin/sh
# nibabel 5.4.2: results in floats that are saved with the header of the scan they were made
# of (the usual way to keep its geometry) are stored in that scan's type. With an int16
# header one value of a million leaves two different values of 512, without a word.
# specsched reads what is stored; give new data their type with set_data_dtype.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    nibabel==5.4.2 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import nibabel
import numpy as np

scan = nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), np.eye(4))
made = np.random.default_rng(0).normal(0, 1, (8, 8, 8))
made[0, 0, 0] = 1e6
nibabel.save(nibabel.Nifti1Image(made, scan.affine, scan.header), "a.nii")
again = nibabel.load("a.nii").get_fdata()
print("different values:", len(np.unique(made)), "saved,", len(np.unique(again)), "read")
print("largest error:", abs(again - made).max(), "of a deviation of 1")
assert len(np.unique(again)) == 2
END
