#!/bin/sh
# torch 2.13.0: interpolate(mode="bicubic") has another kernel with antialias=True than
# without, also where an image is made larger and there is nothing to smooth: white noise of
# twice the side differs by up to 0.07 of its range, and has 1.17 times the power in the
# middle of its band without the flag. The flag changes nothing for "bilinear". Pillow's
# kernel is that with it.
# specsched resizes with Pillow alone, by the filter that you name.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 pillow==13.0.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate

small = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
wide = {
    (mode, flag): interpolate(small, size=(128, 128), mode=mode, antialias=flag)
    for mode in ("bilinear", "bicubic")
    for flag in (True, False)
}
image = Image.fromarray(small[0, 0].numpy())
pillow = torch.tensor(np.array(image.resize((128, 128), Image.Resampling.BICUBIC)))
apart = {
    mode: float((wide[mode, True] - wide[mode, False]).abs().max())
    for mode in ("bilinear", "bicubic")
}
print("with and without antialias:", apart)
across, down = torch.fft.rfftfreq(128)[None], torch.fft.fftfreq(128)[:, None]
radius = (across**2 + down**2).sqrt()
band = (radius > 0.15) & (radius < 0.25)
with_flag, without = (
    float(torch.fft.rfft2(wide["bicubic", flag][0, 0]).abs()[band].pow(2).mean())
    for flag in (True, False)
)
print(f"power without to with, 0.15 to 0.25 cycles per pixel: {without / with_flag:.3f}")
assert (wide["bicubic", True] - pillow).abs().max() < 1e-5
assert apart["bilinear"] < 1e-5
assert apart["bicubic"] > 0.05
assert without / with_flag > 1.1
END
