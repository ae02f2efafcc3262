#!/bin/sh
# diffusers 0.42.1: EulerDiscreteScheduler.from_config(DDPMScheduler().config) starts 10
# steps at sigma 157. Save that DDPMScheduler, load it, and the same line starts at 61. What
# was left at its default is not handed on to another class; in the file it is a setting
# like any other, so that "leading", the default of DDPM, then replaces "linspace", that of
# Euler.
# SpectralScheduler takes from another scheduler only what the network was trained with.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
from diffusers import DDPMScheduler, EulerDiscreteScheduler

made = DDPMScheduler()
made.save_pretrained("saved")
loaded = DDPMScheduler.from_pretrained("saved")
starts = []
for name, scheduler in (("made", made), ("saved and loaded", loaded)):
    euler = EulerDiscreteScheduler.from_config(scheduler.config)
    euler.set_timesteps(10)
    starts.append(float(euler.sigmas[0]))
    print(name, "as Euler:", euler.config.timestep_spacing, f"{starts[-1]:.4g}")
assert starts[0] > 157
assert starts[1] < 61
END
